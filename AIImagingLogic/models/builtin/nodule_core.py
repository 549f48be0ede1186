"""The solid core of a part-solid nodule: the nested pair of regions that explains the image best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from AIImagingLogic.measure.blurred_levels import Levels, blurred, fit_levels
from AIImagingLogic.measure.fine_patch import FinePatch

# Least and most contrast of ground glass over lung, and least contrast of a core over ground glass, HU.
GROUND_GLASS_HU = (100.0, 520.0)
CORE_HU = 200.0
# Denser than this is a calcified nodule with something soft beside it, not the core of ground glass.
DENSEST_CORE_HU = 200.0
# A core's level lies at least this far over that of the ground glass around it, HU.
LEVEL_STEP_HU = 80.0
CORE_SHARE = (0.02, 0.85)
SMALLEST_CORE_MM3 = 4.0
# A thinner rim is the blur of a solid nodule's edge; so is a faint one (contrast over lung) up to a little more.
THINNEST_RIM_MM = 1.0
THINNEST_FAINT_RIM_MM = 1.4
FAINT_RIM_HU = 180.0
# A core of which more than this share of the surface goes on outside the nodule is a vessel that runs through.
LEAVING_SHARE = 0.03
# Sharp and soft: standard deviations of the scanner's point spread between which kernels for the lung lie.
SPREADS_MM = (0.5, 0.75)


@dataclass(frozen=True)
class NestedRegions:
    """A ground-glass region, the core in it, and the levels of both."""

    whole: np.ndarray
    core: np.ndarray
    levels: Levels


def find_core(
    patch: FinePatch,
    smooth: np.ndarray,
    smoothing_mm: float,
    lung: np.ndarray,
    glass: list[tuple[float, np.ndarray]],
    core_levels: list[float],
    usable: np.ndarray,
) -> NestedRegions | None:
    """Return the nested pair that fits best, None when no region holds a core.

    Parameters
    ----------
    smooth : (z, y, x) HU, smoothed by `smoothing_mm`
    glass : level (HU) and region of each candidate for the whole nodule, the lowest level first
    core_levels : HU, levels tried for the core
    usable : (z, y, x) bool, voxels that show the nodule and the lung around it
    """
    best: NestedRegions | None = None
    if not glass:
        return None
    shown_glass = [[blurred(patch, region, smoothing_mm, spread) for spread in SPREADS_MM] for _, region in glass]
    for core_level in core_levels:
        core = _largest_part((smooth > core_level) & glass[0][1])
        if core is None or float(core.sum()) * patch.voxel_mm3 < SMALLEST_CORE_MM3:
            continue
        shown_core = [blurred(patch, core, smoothing_mm, spread) for spread in SPREADS_MM]
        for (level, region), shown in zip(glass, shown_glass):
            if core_level < level + LEVEL_STEP_HU or not _may_hold(patch, region, core):
                continue
            if _leaves(patch, smooth > core_level, lung, region, core):
                continue
            for parts in zip(shown, shown_core):
                levels = fit_levels(smooth, list(parts), usable)
                rim, solid = levels.contrasts
                if not GROUND_GLASS_HU[0] <= rim <= GROUND_GLASS_HU[1] or solid < CORE_HU:
                    continue
                if levels.background + rim + solid > DENSEST_CORE_HU:
                    continue
                if rim < FAINT_RIM_HU and _rim_mm(patch, region, core) < THINNEST_FAINT_RIM_MM:
                    continue
                if best is None or levels.residual < best.levels.residual:
                    best = NestedRegions(region, core & region, levels)
    return best


def _may_hold(patch: FinePatch, region: np.ndarray, core: np.ndarray) -> bool:
    """Return whether the rim that the core would leave is thick enough to be seen."""
    volume, whole = float((core & region).sum()) * patch.voxel_mm3, float(region.sum()) * patch.voxel_mm3
    if not CORE_SHARE[0] * whole <= volume <= CORE_SHARE[1] * whole:
        return False
    return _rim_mm(patch, region, core) >= THINNEST_RIM_MM


def _rim_mm(patch: FinePatch, region: np.ndarray, core: np.ndarray) -> float:
    """Return how thick the rim around the core would be, were both balls with one centre."""
    volumes = (float(part.sum()) * patch.voxel_mm3 for part in (region, core & region))
    whole, inner = (_ball_radius_mm(volume) for volume in volumes)
    return whole - inner


def _leaves(patch: FinePatch, dense: np.ndarray, lung: np.ndarray, region: np.ndarray, core: np.ndarray) -> bool:
    """Return whether a core goes on, as dense as it is, outside the nodule."""
    reach = max(2, round(1.0 / patch.spacing_mm))
    outside = dense & lung & ~region
    skin = core & ~ndimage.binary_erosion(core, border_value=1)
    if not outside.any() or not skin.any():
        return False
    leaving = skin & ndimage.binary_dilation(outside, iterations=reach)
    return float(leaving.sum() / skin.sum()) > LEAVING_SHARE


def _largest_part(dense: np.ndarray) -> np.ndarray | None:
    labels, count = ndimage.label(dense)
    if count == 0:
        return None
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == int(sizes.argmax()))


def _ball_radius_mm(volume_mm3: float) -> float:
    return float((0.75 * volume_mm3 / np.pi) ** (1.0 / 3.0))
