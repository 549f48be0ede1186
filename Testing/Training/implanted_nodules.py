"""Nodules of every kind and contact put into a real CT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from AIImagingLogic.evaluation.detection import Target
from AIImagingLogic.images.phantoms.fine_nodule import FineNodule, sample_nodule
from AIImagingLogic.images.phantoms.nodule_shape import NoduleShape, random_shape, with_core
from AIImagingLogic.images.phantoms.second_look import grid_of

_KINDS = ("solid", "ground-glass", "part-solid", "calcified")
_KIND_ODDS = (0.45, 0.3, 0.15, 0.1)
_CONTACTS = ("none", "vessel", "pleura")
_CONTACT_ODDS = (0.5, 0.27, 0.23)
_DIAMETERS_MM = (4.0, 22.0)
_LEAST_COUNTED_MM = 4.0
_LEAST_SEEN_HU = 100.0
_AIR_HU = -500.0
_BLUR_MM = 0.65
_ROOM_BETWEEN_MM = 6.0
_TRIES = 400


@dataclass(frozen=True)
class _Lung:
    """The CT to paint into: `voxels` change, `level` (smoothed) and `depth_mm` from the lungs' border do not."""

    voxels: NDArray[np.float32]
    level: NDArray[np.float32]
    depth_mm: NDArray[np.float32]
    image: sitk.Image

    def border_distance(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far outside of the lungs points (..., 3) LPS mm lie, negative inside."""
        scan = grid_of(self.image)
        indices = ((points - scan.origin_mm) @ scan.axes.T / scan.spacing_mm)[..., ::-1]
        depth: NDArray[np.float64] = map_coordinates(
            self.depth_mm, np.moveaxis(indices, -1, 0), order=1, mode="nearest"
        )
        return -depth

    def level_at(self, place: NDArray[np.float64]) -> float:
        """Return the smoothed HU at (3,) LPS mm inside of the image."""
        index = np.clip(self.image.TransformPhysicalPointToIndex(place.tolist()), 0, np.array(self.image.GetSize()) - 1)
        return float(self.level[tuple(index[::-1])])


def implant_nodules(
    image: sitk.Image, lungs: sitk.Image, count: int, present: Sequence[Target], random: np.random.Generator
) -> tuple[sitk.Image, list[Target]]:
    """Return `image` with up to `count` nodules more, and where they are.

    Parameters
    ----------
    image : CT in HU, float32
    lungs : on the same grid, 0 outside of the lungs
    present : the lesions that are there; nothing is put near them
    """
    voxels = sitk.GetArrayFromImage(image)
    sigmas = 1.2 / np.array(image.GetSpacing())[::-1]
    depth = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(lungs > 0, True, False, True))
    lung = _Lung(voxels, gaussian_filter(voxels, sigmas), depth, image)
    cells = np.argwhere(depth > 0)
    targets: list[Target] = []
    for _ in range(count):
        diameter_mm = float(np.exp(random.uniform(*np.log(_DIAMETERS_MM))))
        contact = str(random.choice(_CONTACTS, p=_CONTACT_ODDS))
        kind = str(random.choice(_KINDS, p=_KIND_ODDS))
        place = _place(lung, cells, diameter_mm / 2, contact, [*present, *targets], random)
        if place is not None:
            targets.append(_implanted(lung, place, diameter_mm, kind, random))
    result = sitk.GetImageFromArray(voxels)
    result.CopyInformation(image)
    return result, targets


def _place(
    lung: _Lung,
    cells: NDArray[np.intp],
    radius_mm: float,
    contact: str,
    taken: Sequence[Target],
    random: np.random.Generator,
) -> NDArray[np.float64] | None:
    """Return a centre (3,) LPS mm that has the contact asked for and room, or None where none was drawn."""
    for cell in cells[random.integers(0, len(cells), _TRIES)]:
        level, depth = lung.level[tuple(cell)], lung.depth_mm[tuple(cell)]
        if contact == "none":
            fits = depth > radius_mm + 1.0 and level < -700.0
        elif contact == "pleura":
            fits = 0.3 < depth < max(0.75 * radius_mm, 1.2)
        else:
            fits = depth > 4.0 and level > _AIR_HU
        if not fits:
            continue
        place = np.array(lung.image.TransformContinuousIndexToPhysicalPoint(cell[::-1].astype(float).tolist()))
        if contact == "vessel":
            way = random.normal(size=3)
            place += way / np.linalg.norm(way) * radius_mm * random.uniform(0.6, 1.05)
        apart = [np.linalg.norm(place - other.position_mm) - other.diameter_mm / 2 for other in taken]
        in_air = lung.border_distance(place[None])[0] < 0 and lung.level_at(place) < _AIR_HU
        if in_air and min(apart, default=np.inf) > radius_mm + _ROOM_BETWEEN_MM:
            return place
    return None


def _implanted(
    lung: _Lung, place: NDArray[np.float64], diameter_mm: float, kind: str, random: np.random.Generator
) -> Target:
    """Paint a nodule and return where it is and how wide; one that is small or hardly shows is excluded."""
    scan = grid_of(lung.image)
    shape: NoduleShape = random_shape(place, diameter_mm, float(random.uniform(0.03, 0.2)), random)
    if kind == "part-solid":
        shape = with_core(shape, float(random.uniform(0.35, 0.65)), random)
    fine = sample_nodule(shape, lung.border_distance, scan.axes, scan.origin_mm, margin_mm=4 * _BLUR_MM)
    i, j, k = fine.voxels_within(*(scan.plane_coordinates(axis) for axis in range(3)))
    window = lung.voxels[k, j, i]
    before = window.copy()
    share = _share(fine, fine.whole, lung.image, (i, j, k))
    if kind in ("ground-glass", "part-solid"):
        # Ground glass fills the air between; the vessels in it stay as bright as they are.
        window += share * np.maximum(random.uniform(-700.0, -500.0) - lung.level[k, j, i], 0.0)
        core = _share(fine, fine.core, lung.image, (i, j, k))
        window += core * (np.float32(random.uniform(-40.0, 60.0)) - window)
    else:
        density_hu = random.uniform(-40.0, 80.0) if kind == "solid" else random.uniform(150.0, 600.0)
        texture = gaussian_filter(random.standard_normal(window.shape, np.float32), 1.0) * random.uniform(0.0, 100.0)
        window += share * (np.float32(density_hu) + texture - window)
    size = fine.size(scan.axes, scan.origin_mm, "none")
    seen_hu = float(((window - before) * share).sum() / max(float(share.sum()), 1e-6))
    hidden = size.mean_diameter_mm < _LEAST_COUNTED_MM or seen_hu < _LEAST_SEEN_HU
    return Target(size.center_mm, size.mean_diameter_mm, hidden)


def _share(
    fine: FineNodule, part: NDArray[np.float32], image: sitk.Image, window: tuple[slice, slice, slice]
) -> NDArray[np.float32]:
    """Return the share (k, j, i) of each voxel that `part` fills, blurred, the mean over the slice's thickness."""
    scan = grid_of(image)
    i, j, k = window
    heights = scan.sub_slice_heights(k.start, k.stop)
    share = fine.share(
        fine.blurred(part, _BLUR_MM), scan.plane_coordinates(0)[i], scan.plane_coordinates(1)[j], heights
    )
    result: NDArray[np.float32] = share.reshape(k.stop - k.start, scan.sub_slices, *share.shape[1:]).mean(1)
    return result
