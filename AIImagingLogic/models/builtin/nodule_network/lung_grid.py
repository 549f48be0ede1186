"""The lungs of a CT on the network's grid, and back from its voxels to millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.candidate_search import LUNGS
from AIImagingLogic.models.builtin.nodule_network.architecture import DIVISIBLE_BY
from AIImagingLogic.records.segmentation import Segmentation

GRID_MM = 1.0
_MARGIN_MM = 16.0
_LOWEST_HU, _HIGHEST_HU = -1000.0, 400.0
_MIDDLE_HU, _UNIT_HU = -600.0, 400.0


@dataclass(frozen=True)
class LungGrid:
    """Both lungs on isotropic voxels of `GRID_MM`, axes along those of the image; each side a multiple of 8.

    Attributes
    ----------
    hu : (k, j, i) float32, not clipped
    inside : (k, j, i) bool, the lungs
    geometry : of the grid; its voxels are not used
    """

    hu: NDArray[np.float32]
    inside: NDArray[np.bool_]
    geometry: sitk.Image

    def positions_mm(self, indices: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return LPS positions (N, 3) in mm of continuous indices (N, 3), k, j, i."""
        axes = np.array(self.geometry.GetDirection()).reshape(3, 3)
        result: NDArray[np.float64] = np.array(self.geometry.GetOrigin()) + (indices[:, ::-1] * GRID_MM) @ axes.T
        return result

    def indices(self, positions_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return continuous indices (N, 3), k, j, i, of LPS positions (N, 3) in mm."""
        axes = np.array(self.geometry.GetDirection()).reshape(3, 3)
        result: NDArray[np.float64] = ((positions_mm - np.array(self.geometry.GetOrigin())) @ axes / GRID_MM)[:, ::-1]
        return result


def lungs_on_grid(image: sitk.Image, organs: Segmentation) -> LungGrid | None:
    """Return the lungs of `image`, or None where `organs` has no voxel of one.

    Parameters
    ----------
    image : CT in HU, any orientation
    organs : label image on the same grid
    """
    lungs = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    lungs.CopyInformation(organs.image)
    for segment in organs.segments:
        if segment.concept.key in LUNGS:
            lungs |= organs.image == segment.value
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.ComputePerimeterOff()
    shape.Execute(lungs)
    if not shape.HasLabel(1):
        return None
    box = shape.GetBoundingBox(1)
    spacing = image.GetSpacing()
    start = [first - _MARGIN_MM / step for first, step in zip(box[:3], spacing, strict=True)]
    sides = [
        int(np.ceil((length * step + 2.0 * _MARGIN_MM) / GRID_MM / DIVISIBLE_BY)) * DIVISIBLE_BY
        for length, step in zip(box[3:], spacing, strict=True)
    ]
    origin = image.TransformContinuousIndexToPhysicalPoint(start)
    grid = (sides, sitk.Transform(), sitk.sitkLinear, origin, [GRID_MM] * 3, image.GetDirection())
    hu = sitk.GetArrayFromImage(sitk.Resample(image, *grid, -1000.0, sitk.sitkFloat32))
    part = lungs[tuple(slice(first, first + length) for first, length in zip(box[:3], box[3:], strict=True))]
    geometry = sitk.Resample(part * 100, *grid, 0, sitk.sitkUInt8)
    return LungGrid(hu, sitk.GetArrayViewFromImage(geometry) >= 50, geometry)


def network_input(hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return HU as the network is fed with them: about -1 in air, 1.5 in soft tissue."""
    values: NDArray[np.float32] = (np.clip(hu, _LOWEST_HU, _HIGHEST_HU) - np.float32(_MIDDLE_HU)) / np.float32(_UNIT_HU)
    return values
