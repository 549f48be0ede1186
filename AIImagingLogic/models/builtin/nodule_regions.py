"""Which level outlines a nodule: every level's region is blurred like the scanner would, and the best match is kept.

A ground-glass nodule ends at -730 HU, a solid one at -410, a part-solid one has both edges. Instead of asking for the
kind first, the regions of several levels are each modelled as background + contrast x (region, blurred) and compared
with the image, one by one and, for part-solid nodules, in nested pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from AIImagingLogic.measure.blurred_levels import Levels, blurred, fit_levels, surface_share
from AIImagingLogic.measure.fine_patch import FinePatch
from AIImagingLogic.models.builtin.nodule_core import GROUND_GLASS_HU, SPREADS_MM, find_core
from AIImagingLogic.models.builtin.nodule_star_surface import (
    StarSurface,
    nearest_direction,
    star_surface,
    surface_basis,
    trace_rays,
)

# Contrasts of nodule over lung that are tried, HU: from faint ground glass to dense calcification.
CONTRASTS_HU = (150.0, 190.0, 240.0, 310.0, 400.0, 520.0, 680.0, 880.0, 1150.0, 1500.0)
# A solid core must explain this share of what the best single density leaves unexplained.
CORE_GAIN = 0.35


@dataclass(frozen=True)
class NoduleRegions:
    """What was outlined: the whole nodule, its solid core (None when it has one density), and their levels, HU."""

    whole: np.ndarray
    core: np.ndarray | None
    levels: Levels


@dataclass(frozen=True)
class NoduleScene:
    """A nodule's surroundings, prepared once for all levels: smoothed values, rays, and every voxel's direction."""

    patch: FinePatch
    smooth: np.ndarray
    smoothing_mm: float
    background: float
    lung: np.ndarray
    center: np.ndarray
    reachable: np.ndarray
    distance_mm: np.ndarray
    basis: np.ndarray
    direction: np.ndarray
    profiles: np.ndarray
    in_lung: np.ndarray
    radii: np.ndarray


def find_regions(
    patch: FinePatch, lung: np.ndarray, center: np.ndarray, diameter_mm: float, background: float, smoothing_mm: float
) -> NoduleRegions | None:
    """Outline the nodule at `center` (z, y, x index of the patch); None when nothing stands out there.

    Parameters
    ----------
    lung : (z, y, x) bool, inside of the pleura
    diameter_mm : expected; the nodule may be up to 1.6 times as large
    background : HU of the lung around
    smoothing_mm : standard deviation of the smoothing that the noise asks for
    """
    smooth = ndimage.gaussian_filter(patch.values, smoothing_mm / patch.spacing_mm, mode="nearest")
    reach = 0.8 * diameter_mm + 4.0
    profiles, in_lung, radii = trace_rays(smooth, lung, center, patch.spacing_mm, reach)
    offsets = (np.indices(smooth.shape, dtype=np.float32) - center[:, None, None, None]) * patch.spacing_mm
    distance = np.sqrt((offsets**2).sum(axis=0))
    reachable = (distance < reach) & lung
    unit = (offsets[:, reachable] / np.maximum(distance[reachable], 1e-6)).T
    basis, direction = surface_basis(unit).astype(np.float32), nearest_direction(unit)
    scene = NoduleScene(
        *(patch, smooth, smoothing_mm, background, lung, center, reachable, distance[reachable], basis, direction),
        *(profiles, in_lung, radii),
    )
    candidates = []
    for contrast in CONTRASTS_HU:
        region = _region(scene, background + 0.5 * contrast)
        if region is not None:
            candidates.append((background + 0.5 * contrast, *region))
    if not candidates:
        return None
    usable = _usable(scene, background, candidates[0][1], candidates[0][2])
    if usable.sum() < 50:
        return None
    singles = [_single(scene, candidates, usable, spread) for spread in SPREADS_MM]
    single = min(singles, key=lambda entry: entry.levels.residual)
    # What is as dense as the nodule and was cut off it (a vessel) must not pass for a rim or a core.
    usable = usable & ~_cut_off(scene, single)
    if usable.sum() < 50:
        return single
    single = min((_refitted(scene, single, usable, spread) for spread in SPREADS_MM), key=lambda e: e.levels.residual)
    glass = [(level, region) for level, region, _ in candidates if level - background < 0.5 * GROUND_GLASS_HU[1]]
    pair = find_core(patch, smooth, smoothing_mm, lung, glass, [level for level, _, _ in candidates], usable)
    if pair is not None and pair.levels.residual < (1.0 - CORE_GAIN) * single.levels.residual:
        return NoduleRegions(pair.whole, pair.core, pair.levels)
    return single


def _cut_off(scene: NoduleScene, single: NoduleRegions) -> np.ndarray:
    """Return what is denser than the nodule's edge outside of it, and a millimetre around."""
    dense = scene.smooth > single.levels.background + 0.5 * single.levels.contrasts[0]
    reach = max(1, round(1.0 / scene.patch.spacing_mm))
    outside = ndimage.binary_opening(dense & scene.lung & ~single.whole)
    return ndimage.binary_dilation(outside, iterations=reach)


def _refitted(scene: NoduleScene, single: NoduleRegions, usable: np.ndarray, spread_mm: float) -> NoduleRegions:
    shown = blurred(scene.patch, single.whole, scene.smoothing_mm, spread_mm)
    return replace(single, levels=fit_levels(scene.smooth, [shown], usable))


def _single(
    scene: NoduleScene, candidates: list[tuple[float, np.ndarray, StarSurface]], usable: np.ndarray, spread_mm: float
) -> NoduleRegions:
    """Return the best region of one density."""
    fits = [
        fit_levels(scene.smooth, [blurred(scene.patch, region, scene.smoothing_mm, spread_mm)], usable)
        for _, region, _ in candidates
    ]
    best = int(np.argmin([fit.residual if fit.contrasts[0] > 0.6 * GROUND_GLASS_HU[0] else np.inf for fit in fits]))
    return NoduleRegions(*_settled(scene, candidates[best][1], fits[best], usable, spread_mm))


def _region(scene: NoduleScene, level: float) -> tuple[np.ndarray, StarSurface] | None:
    """Return what lies above `level` within the smooth surface around the centre, and that surface."""
    surface = star_surface(scene.profiles, scene.in_lung, scene.radii, level)
    if surface is None:
        return None
    radius = scene.basis @ surface.coefficients.astype(np.float32)
    # A free surface may bulge a little over the smooth one; where something is attached it may not.
    bulge = np.where(surface.attached[scene.direction], 0.0, np.maximum(0.5, 0.12 * radius))
    region = np.zeros(scene.lung.shape, bool)
    region[scene.reachable] = scene.distance_mm <= radius + bulge
    region &= scene.smooth > level
    labels, count = ndimage.label(region)
    if count == 0:
        return None
    at = labels[tuple(np.clip(np.rint(scene.center).astype(int), 0, np.asarray(labels.shape) - 1))]
    if at == 0:
        sizes = ndimage.sum_labels(region, labels, np.arange(1, count + 1))
        at = int(np.argmax(sizes)) + 1
    return labels == at, surface


def _usable(scene: NoduleScene, background: float, region: np.ndarray, surface: StarSurface) -> np.ndarray:
    """Return the voxels that show the nodule and the lung around it, and nothing else."""
    step = scene.patch.spacing_mm
    outside_mm = ndimage.distance_transform_edt(~region) * step
    from_wall_mm = ndimage.distance_transform_edt(np.pad(scene.lung, 1, mode="edge"))[1:-1, 1:-1, 1:-1] * step
    foreign = (scene.smooth > background + 150.0) & ~region & scene.lung
    foreign = ndimage.binary_opening(foreign)
    from_foreign_mm = (
        ndimage.distance_transform_edt(~foreign) * step if foreign.any() else np.full(region.shape, np.inf)
    )
    return scene.lung & (outside_mm < 2.5) & (from_wall_mm > 0.7) & (from_foreign_mm > 1.0)


def _settled(
    scene: NoduleScene, region: np.ndarray, levels: Levels, usable: np.ndarray, spread_mm: float
) -> tuple[np.ndarray, None, Levels]:
    """Move the level to where the model itself puts the surface, until both agree."""
    for _ in range(3):
        shown = blurred(scene.patch, region, scene.smoothing_mm, spread_mm)
        share = surface_share(region, shown, scene.lung)
        found = _region(scene, levels.background + levels.contrasts[0] * share)
        if found is None:
            break
        fit = fit_levels(scene.smooth, [blurred(scene.patch, found[0], scene.smoothing_mm, spread_mm)], usable)
        if fit.contrasts[0] < 0.6 * GROUND_GLASS_HU[0]:
            break
        region, levels = found[0], fit
    return region, None, levels
