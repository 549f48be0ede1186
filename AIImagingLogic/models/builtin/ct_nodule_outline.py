"""Outlines a lung nodule from a seed, without learning: smooth star-shaped surface, levels fitted through the blur."""

from __future__ import annotations

import dataclasses

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from AIImagingLogic.measure.fine_patch import FinePatch, fine_patch, index_box
from AIImagingLogic.measure.lung_surroundings import lung_level, without_wall
from AIImagingLogic.measure.pleural_surface import refined_lung
from AIImagingLogic.models.builtin.nodule_on_vessel import find_on_vessel
from AIImagingLogic.models.builtin.nodule_regions import NoduleRegions, find_regions
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segmentation

MARGIN_MM = 6.0
LARGEST_DIAMETER_MM = 36.0
PASSES = 2
# A second pass is made where the first found the middle this far away (share of the diameter), or a nodule that much
# larger than expected.
WELL_CENTRED = 0.12
LARGER = 1.3


class CTNoduleOutline:
    """Outlines the lung nodule at a seed: vessels and pleura detached, solid part of a part-solid nodule apart."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def outline(
        self, image: sitk.Image, info: ImageInfo, organs: Segmentation, candidate: Candidate, progress: Progress
    ) -> sitk.Image:
        """Return the outline of the nodule at `candidate`.

        Parameters
        ----------
        image : CT, HU, any orientation
        organs : lungs on the grid of `image`; nodules on the pleura inside them
        candidate : position (LPS mm) and diameter, each may be off by a third of the diameter

        Returns
        -------
        SimpleITK.Image
            Cropped uint8 mask on the grid of `image`: 0 outside, 1 nodule, 2 solid part of a part-solid nodule. Empty
            when nothing stands out at the seed.
        """
        progress.check_cancelled()
        diameter = float(np.clip(candidate.diameter_mm, 3.0, LARGEST_DIAMETER_MM))
        half_size = 0.8 * diameter + MARGIN_MM
        spacing = float(np.clip(diameter / 16.0, 0.35, 0.8))
        patch = fine_patch(image, organs, candidate.position_mm, half_size, spacing)
        regions = _regions_at(patch, candidate.position_mm, diameter)
        return _on_grid(image, candidate.position_mm, half_size, patch, regions)


def _regions_at(patch: FinePatch, position_mm: tuple[float, float, float], diameter_mm: float) -> NoduleRegions | None:
    """Outline from the seed, then once more from the middle and size of what was found."""
    lung = refined_lung(patch, position_mm, 0.75 * diameter_mm + 2.0)
    distance = np.linalg.norm(patch.offsets_mm(position_mm), axis=-1)
    background, noise = lung_level(patch, lung, distance, 0.5 * diameter_mm)
    patch = dataclasses.replace(patch, values=without_wall(patch, lung, background))
    on_vessel = find_on_vessel(patch, lung, patch.index(position_mm), diameter_mm, background, noise)
    if on_vessel is not None:
        return on_vessel
    smoothing = float(np.clip(noise / 60.0, 0.4, 0.9))
    center = _blob_center(patch, lung, position_mm, diameter_mm, background)
    regions: NoduleRegions | None = None
    for _ in range(PASSES):
        found = find_regions(patch, lung, center, diameter_mm, background, smoothing)
        if found is None:
            return regions
        regions = found
        middle = np.asarray(ndimage.center_of_mass(found.whole))
        size = 2.0 * (3.0 * found.whole.sum() * patch.voxel_mm3 / (4.0 * np.pi)) ** (1.0 / 3.0)
        moved_mm = float(np.linalg.norm(middle - center)) * patch.spacing_mm
        if moved_mm < WELL_CENTRED * size and size < LARGER * diameter_mm:
            break
        center, diameter_mm = middle, float(np.clip(size, 0.7 * diameter_mm, 1.5 * diameter_mm))
    return regions


def _blob_center(
    patch: FinePatch,
    lung: np.ndarray,
    position_mm: tuple[float, float, float],
    diameter_mm: float,
    background: float,
) -> np.ndarray:
    """Return the (z, y, x) index near the seed where most of a nodule's worth of contrast lies."""
    # Contrast counts up to that of ground glass: else a core or a vessel nearby would draw the centre to itself.
    contrast = np.clip(patch.values - background, 0.0, 300.0) * lung
    sigma = 0.25 * diameter_mm / patch.spacing_mm
    blob = ndimage.gaussian_filter(contrast, sigma) / np.maximum(
        ndimage.gaussian_filter(lung.astype(float), sigma), 0.3
    )
    distance = np.linalg.norm(patch.offsets_mm(position_mm), axis=-1)
    blob = np.where(lung & (distance < 0.4 * diameter_mm), blob, -1.0)
    return np.asarray(np.unravel_index(int(blob.argmax()), blob.shape), dtype=float)


def _on_grid(
    image: sitk.Image,
    position_mm: tuple[float, float, float],
    half_size_mm: float,
    patch: FinePatch,
    regions: NoduleRegions | None,
) -> sitk.Image:
    """Return the regions on the voxels of `image`: a voxel belongs where at least half of it does."""
    first, last = index_box(image, position_mm, half_size_mm)
    size = [int(v) for v in last - first + 1]
    empty = sitk.RegionOfInterest(image, size, [int(v) for v in first]) * 0
    mask = np.zeros(size[::-1], np.uint8)
    if regions is not None:
        mask[_voxel_shares(patch, regions.whole, empty) >= 0.5] = 1
        if regions.core is not None:
            mask[(mask > 0) & (_voxel_shares(patch, regions.core, empty) >= 0.5)] = 2
    result = sitk.GetImageFromArray(mask)
    result.CopyInformation(empty)
    if not mask.any():
        return result
    return _trimmed(result, mask)


def _voxel_shares(patch: FinePatch, region: np.ndarray, grid: sitk.Image) -> np.ndarray:
    """Return how much of each voxel of `grid` lies in a region of the patch."""
    # Averaging over a voxel's extent is a box filter of that width at the patch's resolution.
    share = region.astype(np.float32)
    for axis, edge in enumerate(patch.source_spacing_mm):
        width = max(1, round(edge / patch.spacing_mm))
        share = ndimage.uniform_filter1d(share, width, axis=axis, mode="constant")
    resampled = sitk.Resample(patch.as_image(share), grid, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    return sitk.GetArrayFromImage(resampled)


def _trimmed(mask: sitk.Image, values: np.ndarray) -> sitk.Image:
    """Return the mask cut to what it holds, with a border of one voxel where there is room."""
    inside = np.argwhere(values)[:, ::-1]
    first = np.maximum(inside.min(axis=0) - 1, 0)
    last = np.minimum(inside.max(axis=0) + 1, np.asarray(mask.GetSize()) - 1)
    return sitk.RegionOfInterest(mask, [int(v) for v in last - first + 1], [int(v) for v in first])
