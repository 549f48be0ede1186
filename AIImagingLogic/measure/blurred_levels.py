"""The scanner's blur, and the levels (background, contrast) of a lesion seen through it.

A lesion of a few millimetres never shows its full density: the scanner's point spread mixes it with the lung. So the
levels are not read off the voxels but fitted: the image is modelled as background + contrast x (shape, blurred).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from AIImagingLogic.measure.fine_patch import FinePatch

# Standard deviation of the point spread of a chest CT with a standard kernel, before the voxel averages over its own
# extent: full width at half maximum 1.5 mm.
POINT_SPREAD_MM = 0.62
# A voxel is too dense where it is so by this many times the typical misfit, HU, which is not taken for smaller.
_LARGEST_MISFIT, _LEAST_MISFIT_HU = 4.0, 40.0
_ROBUST_PASSES = 3


@dataclass(frozen=True)
class Levels:
    """Levels of a fit: background and what each part adds to what it lies in, HU; mean square residual, HU^2."""

    background: float
    contrasts: tuple[float, ...]
    residual: float


def blur_sigma_mm(
    patch: FinePatch, smoothing_mm: float, spread_mm: float = POINT_SPREAD_MM
) -> tuple[float, float, float]:
    """Return the standard deviation along z, y, x of scanner, voxel and smoothing together, mm.

    A voxel of edge s averages over a box, whose variance is s^2 / 12.
    """
    z, y, x = (float(np.sqrt(spread_mm**2 + edge**2 / 12.0 + smoothing_mm**2)) for edge in patch.source_spacing_mm)
    return z, y, x


def blurred(patch: FinePatch, shape: np.ndarray, smoothing_mm: float, spread_mm: float = POINT_SPREAD_MM) -> np.ndarray:
    """Return `shape` (bool or 0..1, the patch's shape) as the scanner would show it."""
    sigma = [value / patch.spacing_mm for value in blur_sigma_mm(patch, smoothing_mm, spread_mm)]
    return ndimage.gaussian_filter(shape.astype(np.float32), sigma, mode="nearest", truncate=3.0)


def fit_levels(values: np.ndarray, parts: list[np.ndarray], usable: np.ndarray) -> Levels:
    """Fit values = background + sum contrast_n x part_n over the `usable` voxels by least squares.

    Parameters
    ----------
    values : HU
    parts : blurred shapes of the same shape, nested ones outermost first
    usable : bool, voxels that belong to the lesion and the lung around it, and to nothing else
    """
    columns = np.stack([np.ones(int(usable.sum())), *(part[usable] for part in parts)], axis=1)
    wanted = values[usable].astype(float)
    solution, *_ = np.linalg.lstsq(columns, wanted, rcond=None)
    residual = float(((columns @ solution - wanted) ** 2).mean()) if len(wanted) else float("inf")
    return Levels(float(solution[0]), tuple(float(value) for value in solution[1:]), residual)


def fit_levels_robustly(values: np.ndarray, parts: list[np.ndarray], usable: np.ndarray) -> Levels:
    """Do what `fit_levels` does, and leave out what is too dense for the parts: a vessel in ground glass, a core.

    Returns the levels with the residual of the voxels that were kept.
    """
    levels = fit_levels(values, parts, usable)
    for _ in range(_ROBUST_PASSES):
        if not np.isfinite(levels.residual):
            break
        model = levels.background + sum(contrast * part for contrast, part in zip(levels.contrasts, parts))
        misfit = values - model
        scale = max(1.4826 * float(np.median(np.abs(misfit[usable]))), _LEAST_MISFIT_HU)
        kept = usable & (misfit < _LARGEST_MISFIT * scale)
        if kept.sum() < 0.5 * usable.sum():
            break
        levels = fit_levels(values, parts, kept)
    return levels


def surface_share(region: np.ndarray, shown: np.ndarray, within: np.ndarray) -> float:
    """Return the mean of a blurred region on its own free surface: .5 on a flat one, less on a small round one.

    `within` is what the region may fill (the lung); where the region ends with it, its surface is not free.
    """
    skin = region & ~ndimage.binary_erosion(region, border_value=1)
    outer = ndimage.binary_dilation(region) & ~region
    free = ndimage.binary_erosion(within, iterations=2, border_value=1)
    inner_share, outer_share = shown[skin & free], shown[outer & free]
    if not len(inner_share) or not len(outer_share):
        return 0.5
    return float(np.clip(0.5 * (inner_share.mean() + outer_share.mean()), 0.2, 0.6))
