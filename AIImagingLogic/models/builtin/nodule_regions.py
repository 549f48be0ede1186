"""Which level outlines a nodule: every level's region is blurred like the scanner would, and the best match is kept.

A ground-glass nodule ends at -730 HU, a solid one at -410, a part-solid one has both edges. Instead of asking for the
kind first, the regions of several levels are each modelled as background + contrast x (region, blurred) and compared
with the image, one by one and, for part-solid nodules, in nested pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from AIImagingLogic.measure.blurred_levels import Levels, blurred, fit_levels, surface_share
from AIImagingLogic.measure.fine_patch import FinePatch
from AIImagingLogic.models.builtin.nodule_star_surface import (
    StarSurface,
    nearest_direction,
    star_surface,
    surface_basis,
    trace_rays,
)

# Contrasts of nodule over lung that are tried, HU: from faint ground glass to dense calcification.
CONTRASTS_HU = (150.0, 190.0, 240.0, 310.0, 400.0, 520.0, 680.0, 880.0, 1150.0, 1500.0)
# Contrast of ground glass over lung, and of a solid core over ground glass.
GROUND_GLASS_HU = (100.0, 520.0)
CORE_HU = 200.0
CORE_SHARE = (0.02, 0.85)
# A second part must explain this share of what the best single part leaves unexplained.
CORE_GAIN = 0.35
# A core of which more than this share of the surface goes on outside the nodule is a vessel that runs through.
LEAVING_SHARE = 0.03
# A thinner rim is the blur of a solid nodule's edge.
THINNEST_RIM_MM = 1.0
SMALLEST_CORE_MM3 = 4.0


# Sharp and soft: standard deviations of the scanner's point spread between which kernels for the lung lie.
SPREADS_MM = (0.5, 0.75)


@dataclass(frozen=True)
class NoduleRegions:
    """What was outlined: the whole nodule, its solid core (None when it has one density), and their levels, HU."""

    whole: np.ndarray
    core: np.ndarray | None
    levels: Levels


@dataclass(frozen=True)
class _Scene:
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
    scene = _Scene(
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
    pairs = [_part_solid(scene, candidates, usable, spread) for spread in SPREADS_MM]
    found = [pair for pair in pairs if pair is not None]
    if found:
        pair = min(found, key=lambda entry: entry.levels.residual)
        if pair.levels.residual < (1.0 - CORE_GAIN) * single.levels.residual:
            return pair
    return single


def _single(
    scene: _Scene, candidates: list[tuple[float, np.ndarray, StarSurface]], usable: np.ndarray, spread_mm: float
) -> NoduleRegions:
    """Return the best region of one density."""
    fits = [
        fit_levels(scene.smooth, [blurred(scene.patch, region, scene.smoothing_mm, spread_mm)], usable)
        for _, region, _ in candidates
    ]
    best = int(np.argmin([fit.residual if fit.contrasts[0] > 0.6 * GROUND_GLASS_HU[0] else np.inf for fit in fits]))
    return NoduleRegions(*_settled(scene, candidates[best][1], fits[best], usable, spread_mm))


def _region(scene: _Scene, level: float) -> tuple[np.ndarray, StarSurface] | None:
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


def _usable(scene: _Scene, background: float, region: np.ndarray, surface: StarSurface) -> np.ndarray:
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
    scene: _Scene, region: np.ndarray, levels: Levels, usable: np.ndarray, spread_mm: float
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


def _part_solid(
    scene: _Scene,
    candidates: list[tuple[float, np.ndarray, StarSurface]],
    usable: np.ndarray,
    spread_mm: float,
) -> NoduleRegions | None:
    """Return the best nested pair of ground glass and core, None when there is none."""
    best: NoduleRegions | None = None
    for outer, (level, region, _) in enumerate(candidates):
        if 2 * (level - scene.background) > GROUND_GLASS_HU[1]:
            break
        glass_shown = blurred(scene.patch, region, scene.smoothing_mm, spread_mm)
        for inner_level, _, _ in candidates[outer + 1 :]:
            if inner_level < level + 0.4 * CORE_HU:
                continue
            core = _core(scene, region, inner_level)
            if core is None or _leaves(scene, region, core, inner_level):
                continue
            levels = fit_levels(
                scene.smooth, [glass_shown, blurred(scene.patch, core, scene.smoothing_mm, spread_mm)], usable
            )
            glass, solid = levels.contrasts
            if not GROUND_GLASS_HU[0] <= glass <= GROUND_GLASS_HU[1] or solid < CORE_HU:
                continue
            if best is None or levels.residual < best.levels.residual:
                best = NoduleRegions(region, core, levels)
    return best


def _leaves(scene: _Scene, region: np.ndarray, core: np.ndarray, level: float) -> bool:
    """Return whether a core goes on, as dense as it is, outside the nodule."""
    reach = max(2, round(1.0 / scene.patch.spacing_mm))
    outside = (scene.smooth > level) & scene.lung & ~region
    skin = core & ~ndimage.binary_erosion(core, border_value=1)
    if not outside.any() or not skin.any():
        return False
    leaving = skin & ndimage.binary_dilation(outside, iterations=reach)
    return float(leaving.sum() / skin.sum()) > LEAVING_SHARE


def _core(scene: _Scene, region: np.ndarray, level: float) -> np.ndarray | None:
    """Return the largest compact part of `region` above `level`, None when its size is not a core's."""
    dense = (scene.smooth > level) & region
    labels, count = ndimage.label(dense)
    if count == 0:
        return None
    sizes = ndimage.sum_labels(dense, labels, np.arange(1, count + 1))
    core: np.ndarray = labels == int(np.argmax(sizes)) + 1
    volume, whole = float(core.sum()) * scene.patch.voxel_mm3, float(region.sum()) * scene.patch.voxel_mm3
    if volume < SMALLEST_CORE_MM3 or not CORE_SHARE[0] <= volume / whole <= CORE_SHARE[1]:
        return None
    if _equal_ball_radius(whole) - _equal_ball_radius(volume) < THINNEST_RIM_MM:
        return None
    return core


def _equal_ball_radius(volume_mm3: float) -> float:
    return (0.75 * volume_mm3 / np.pi) ** (1.0 / 3.0)
