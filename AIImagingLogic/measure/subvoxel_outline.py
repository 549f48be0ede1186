"""A lesion's outline finer than its mask: the mask says which structure, the image where between the voxels it ends.

A 5 mm nodule on 2.5 mm slices has a dozen boundary voxels for each inner one, so counting the mask's voxels is off by
a quarter or more. Within one voxel of the mask's border the outline is therefore redrawn where the image crosses the
level that the scanner's blur gives the lesion's surface; where something else is attached (a vessel, the pleura, what
a person cut off) the mask or the pleura decides.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from AIImagingLogic.measure.blurred_levels import Levels, blurred, fit_levels_robustly, surface_share
from AIImagingLogic.measure.fine_patch import FinePatch, fine_patch
from AIImagingLogic.measure.lung_surroundings import lung_level, without_wall
from AIImagingLogic.measure.pleural_surface import refined_lung
from AIImagingLogic.records.segmentation import Segmentation

PASSES = 4
# Less contrast than this over the lung is no edge to draw: the mask alone counts.
FAINTEST_HU = 60.0
# The fit of a small core cannot tell a denser one from a larger one; soft tissue is no denser than this.
DENSEST_CORE_HU = 100.0


@dataclasses.dataclass(frozen=True)
class SubvoxelOutline:
    """A lesion on a fine patch.

    Attributes
    ----------
    patch : where it is drawn; values as in the image
    whole : (z, y, x) bool
    core : (z, y, x) bool, the solid part of a part-solid lesion, else None
    lung : (z, y, x) bool, inside of the pleura
    attached : (z, y, x) bool, dense structures within the lung that touch the lesion and are not part of it
    levels : background, contrast of the lesion and of its core, HU, the blur undone
    """

    patch: FinePatch
    whole: np.ndarray
    core: np.ndarray | None
    lung: np.ndarray
    attached: np.ndarray
    levels: Levels

    @property
    def volume_mm3(self) -> float:
        """Volume of the whole lesion."""
        return float(self.whole.sum()) * self.patch.voxel_mm3

    @property
    def core_volume_mm3(self) -> float:
        """Volume of the solid part, 0 when there is none."""
        return 0.0 if self.core is None else float(self.core.sum()) * self.patch.voxel_mm3


def subvoxel_outline(image: sitk.Image, mask: sitk.Image, organs: Segmentation | None) -> SubvoxelOutline:
    """Redraw a mask's outline between the voxels.

    Parameters
    ----------
    image : HU, any orientation
    mask : cropped uint8 mask on the grid of `image`, not empty: 1 lesion, 2 its solid part
    organs : segmentation with the lungs on the grid of `image`, or None
    """
    labels = sitk.GetArrayViewFromImage(mask)
    voxels = np.argwhere(labels > 0)[:, ::-1]
    spacing = np.asarray(mask.GetSpacing())
    center = mask.TransformContinuousIndexToPhysicalPoint([float(v) for v in voxels.mean(axis=0)])
    radius = float(np.linalg.norm((voxels - voxels.mean(axis=0)) * spacing, axis=1).max()) + 0.5 * float(spacing.mean())
    patch = fine_patch(image, organs, center, radius + 7.0, float(np.clip(radius / 10.0, 0.3, 0.7)))
    distance = np.linalg.norm(patch.offsets_mm(center), axis=-1)
    drawn = patch.sampled(sitk.Cast(mask > 0, sitk.sitkFloat32)) > 0.5
    lung = refined_lung(patch, center, radius + 2.0) | _deep(patch, drawn)
    background, noise = lung_level(patch, lung, distance, radius)
    cleaned = dataclasses.replace(patch, values=without_wall(patch, lung, background))
    smoothing = float(np.clip(noise / 60.0, 0.4, 0.9))
    smooth = ndimage.gaussian_filter(cleaned.values, smoothing / patch.spacing_mm, mode="nearest")
    core = patch.sampled(sitk.Cast(mask == 2, sitk.sitkFloat32)) > 0.5 if (labels == 2).any() else None
    return _redrawn(cleaned, smooth, smoothing, drawn, core, lung, background, patch)


def _redrawn(
    cleaned: FinePatch,
    smooth: np.ndarray,
    smoothing_mm: float,
    drawn: np.ndarray,
    drawn_core: np.ndarray | None,
    lung: np.ndarray,
    background: float,
    patch: FinePatch,
) -> SubvoxelOutline:
    band = _Band.around(patch, drawn)
    whole, core = drawn & lung, drawn_core
    rim = whole if core is None else whole & ~_within(core, 1.0, patch)
    inside = next(smooth[part] for part in (rim, whole, drawn) if part.any())
    levels = Levels(background, (float(np.median(inside)) - background,), float("inf"))
    foreign = np.zeros(drawn.shape, bool)
    core_band = None if drawn_core is None else _Band.around(patch, drawn_core)
    # Only the lesion and the lung around it, off the wall by as much as the redrawn pleura may be wrong.
    usable = _within(drawn, 3.0, patch) & lung & ~_within(~lung, 0.7, patch)
    for _ in range(PASSES):
        if levels.contrasts[0] < FAINTEST_HU:
            break
        share = surface_share(whole, blurred(patch, whole, smoothing_mm), lung)
        edge = levels.background + share * levels.contrasts[0]
        foreign = (smooth > edge) & lung & band.outside
        whole = _largest(band.redraw(smooth > edge, foreign, patch) & lung, drawn)
        if core_band is not None and core is not None and len(levels.contrasts) > 1:
            core_share = surface_share(core, blurred(patch, core, smoothing_mm), whole)
            glass = levels.background + levels.contrasts[0]
            core_edge = glass + core_share * min(levels.contrasts[1], max(DENSEST_CORE_HU - glass, FAINTEST_HU))
            core = core_band.redraw(smooth > core_edge, np.zeros_like(foreign), patch) & whole
        levels = _levels(patch, smooth, smoothing_mm, whole, core, usable & ~_within(foreign, 1.0, patch)) or levels
    return SubvoxelOutline(patch, whole, core, lung, foreign, levels)


def _levels(
    patch: FinePatch,
    smooth: np.ndarray,
    smoothing_mm: float,
    whole: np.ndarray,
    core: np.ndarray | None,
    usable: np.ndarray,
) -> Levels | None:
    """Return the levels of an outline, None where too little of it is to be seen."""
    parts = [blurred(patch, part, smoothing_mm) for part in (whole, core) if part is not None and part.any()]
    if not parts or not usable.any():
        return None
    levels = fit_levels_robustly(smooth, parts, usable)
    return levels if np.isfinite(levels.residual) else None


@dataclasses.dataclass(frozen=True)
class _Band:
    """What lies within a voxel of a drawn border, beyond it, and inside of it."""

    drawn: np.ndarray
    inner: np.ndarray
    outside: np.ndarray

    @classmethod
    def around(cls, patch: FinePatch, drawn: np.ndarray) -> _Band:
        # In units of the image's voxels: one voxel is 2.5 mm across slices and .7 mm in them.
        sampling = [patch.spacing_mm / edge for edge in patch.source_spacing_mm]
        inner = ndimage.distance_transform_edt(drawn, sampling) > 1.0
        outside = ndimage.distance_transform_edt(~drawn, sampling) > 1.0
        return cls(drawn, inner, outside)

    def redraw(self, dense: np.ndarray, foreign: np.ndarray, patch: FinePatch) -> np.ndarray:
        """Return the redrawn region: `dense` within the band, but as drawn where something `foreign` is attached."""
        result = self.inner | (dense & ~self.outside)
        if foreign.any():
            reach = [patch.spacing_mm / (edge + 0.3) for edge in patch.source_spacing_mm]
            near = ndimage.distance_transform_edt(~foreign, reach) < 1.0
            result = np.where(near & ~self.inner, self.drawn & dense, result)
        return result


def _deep(patch: FinePatch, drawn: np.ndarray) -> np.ndarray:
    """Return what lies more than a voxel inside the mask: lesion for certain, whatever the lung mask says there."""
    return _Band.around(patch, drawn).inner


def _largest(region: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the connected part of `region` that shares most with what was drawn; that itself when nothing does."""
    labels, count = ndimage.label(region)
    if count == 0:
        return drawn
    shared = ndimage.sum_labels(drawn, labels, np.arange(1, count + 1))
    return np.asarray(labels == int(np.argmax(shared)) + 1)


def _within(region: np.ndarray, distance_mm: float, patch: FinePatch) -> np.ndarray:
    """Return the region and what lies within a distance of it."""
    steps = max(1, round(distance_mm / patch.spacing_mm))
    if not region.any():
        return region
    # A ball by turns of face and edge neighbours: much quicker than a distance map, and near enough.
    for step in range(steps):
        region = ndimage.binary_dilation(region, ndimage.generate_binary_structure(3, 1 + step % 2))
    return region
