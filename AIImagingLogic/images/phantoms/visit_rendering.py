"""One visit of the phantom as a CT image: anatomy, tubes and nodules, seen by the scanner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.phantoms.blurred_tubes import BlurredTubes, blurred
from AIImagingLogic.images.phantoms.fine_nodule import FineNodule
from AIImagingLogic.images.phantoms.recipe import NoduleRecipe, ScanRecipe
from AIImagingLogic.images.phantoms.scan import Scan
from AIImagingLogic.images.phantoms.scanner_noise import scanner_noise
from AIImagingLogic.images.phantoms.tissue_painting import (
    AIR_HU,
    AIRWAY_WALL_HU,
    LEFT_LUNG,
    PARENCHYMA,
    RIGHT_LUNG,
    VESSEL_HU,
    paint,
)
from AIImagingLogic.images.phantoms.tubes import Tubes
from AIImagingLogic.images.phantoms.upsampling import CoarseFields

_SLICES_AT_ONCE = 8
_DENSE = ("solid", "calcified")
_Plane = NDArray[np.float32]


@dataclass(frozen=True)
class VisitContents:
    """What is to be seen at a visit, in LPS mm of that visit.

    Attributes
    ----------
    fields : the tissues, stacked as `tissue_painting.stack` does
    vessels, airways : airways by their outer surface
    lumen_mm : (n,) inner radius of each airway piece
    nodules : with the recipe each was made from
    """

    fields: CoarseFields
    vessels: Tubes
    airways: Tubes
    lumen_mm: NDArray[np.float64]
    nodules: Sequence[tuple[NoduleRecipe, FineNodule]]


def render_visit(
    scan: Scan, recipe: ScanRecipe, contents: VisitContents, random: np.random.Generator
) -> tuple[sitk.Image, sitk.Image]:
    """Return the CT (int16, HU) and the lungs (uint8: 1 right, 2 left)."""
    xs, ys = scan.plane_coordinates(0), scan.plane_coordinates(1)
    weights = contents.fields.weights(xs, 0), contents.fields.weights(ys, 1)
    tubes = [
        blurred(part, radius, scan.axes.T, scan.origin_mm, recipe.blur_mm)
        for part, radius in (
            (contents.vessels, contents.vessels.radius_mm),
            (contents.airways, contents.airways.radius_mm),
            (contents.airways, contents.lumen_mm),
        )
    ]
    nodules = [_Stamp.of(kind, nodule, recipe.blur_mm) for kind, nodule in contents.nodules]
    hu = np.empty(scan.size[::-1], np.int16)
    lungs = np.empty(scan.size[::-1], np.uint8)
    noise = scanner_noise(scan.size[::-1], scan.spacing_mm, recipe.noise_hu, random)
    for first in range(0, scan.size[2], _SLICES_AT_ONCE):
        last = min(first + _SLICES_AT_ONCE, scan.size[2])
        heights = scan.sub_slice_heights(first, last)
        shape = (len(heights), len(ys), len(xs))
        planes, parenchyma, right, left = (np.empty(shape, np.float32) for _ in range(4))
        for index, height in enumerate(heights):
            fields = contents.fields.plane(*weights, float(height))
            planes[index] = paint(fields, recipe.blur_mm)
            parenchyma[index], right[index], left[index] = fields[[PARENCHYMA, RIGHT_LUNG, LEFT_LUNG]]
        dense = np.zeros(shape, np.float32)
        for nodule in nodules:
            nodule.add(planes, dense, parenchyma, (xs, ys, heights))
        _draw_tubes(planes, dense, tubes, (xs, ys, heights))
        by_slice = (last - first, scan.sub_slices, len(ys), len(xs))
        hu[first:last] = np.clip(np.rint(planes.reshape(by_slice).mean(1) + noise[first:last]), -1024, 3071)
        right_mean, left_mean = right.reshape(by_slice).mean(1), left.reshape(by_slice).mean(1)
        lungs[first:last] = np.where(right_mean < left_mean, right_mean < 0, 2 * (left_mean < 0))
    return scan.image(hu), scan.image(lungs)


def _draw_tubes(
    planes: _Plane, dense: _Plane, tubes: Sequence[BlurredTubes], grid: tuple[_Plane, _Plane, _Plane]
) -> None:
    """Draw vessels, airway walls and airway lumens over `planes`; a dense nodule hides the vessel in it."""
    vessel, outer, lumen = (np.zeros_like(planes) for _ in tubes)
    for share, part in zip((vessel, outer, lumen), tubes):
        part.draw(share, *grid)
    vessel *= 1 - dense
    planes += vessel * (VESSEL_HU - planes)
    planes += outer * (AIRWAY_WALL_HU - planes) + lumen * (AIR_HU - AIRWAY_WALL_HU)


@dataclass(frozen=True)
class _Stamp:
    """A nodule blurred by the scanner, ready to be added to any plane."""

    kind: NoduleRecipe
    nodule: FineNodule
    whole: _Plane
    core: _Plane | None

    @classmethod
    def of(cls, kind: NoduleRecipe, nodule: FineNodule, blur_mm: float) -> _Stamp:
        core = nodule.blurred(nodule.core, blur_mm) if kind.core_share else None
        return cls(kind, nodule, nodule.blurred(nodule.whole, blur_mm), core)

    def add(self, planes: _Plane, dense: _Plane, parenchyma: _Plane, grid: tuple[_Plane, _Plane, _Plane]) -> None:
        """Put the nodule in the place of the parenchyma that it displaces."""
        i, j, k = self.nodule.voxels_within(*grid)
        box = (k, j, i)
        coordinates = [axis[bound] for axis, bound in zip(grid, (i, j, k))]
        if any(len(axis) == 0 for axis in coordinates):
            return
        whole = self.nodule.share(self.whole, *coordinates)
        planes[box] += whole * (self.kind.density_hu - parenchyma[box])
        if self.core is not None:
            core = self.nodule.share(self.core, *coordinates)
            planes[box] += core * (self.kind.core_hu - self.kind.density_hu)
            dense[box] = np.maximum(dense[box], core)
        elif self.kind.attenuation in _DENSE:
            dense[box] = np.maximum(dense[box], whole)
