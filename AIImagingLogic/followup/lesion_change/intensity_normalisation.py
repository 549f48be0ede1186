"""Intensities of two visits made comparable: scale, slowly varying brightness, contrast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.resources import load_resource

Volume = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SD_PER_MAD = 1.4826


@dataclass(frozen=True)
class Normalised:
    """Two visits in one unit: 1 is normal brain tissue.

    Attributes
    ----------
    earlier, later : (k, j, i)
    correlation : of both in the brain, after smoothing; a measure of whether they are of one sequence
    slope : contrast of the later visit over that of the earlier one, before it was made equal
    """

    earlier: Volume
    later: Volume
    correlation: float
    slope: float


def smoothed(values: NDArray[np.generic], sigma_mm: float, spacing_mm: NDArray[np.float64]) -> Volume:
    """Return `values` (k, j, i) smoothed by a Gaussian; `spacing_mm` (3,) along k, j, i."""
    result: Volume = ndimage.gaussian_filter(values.astype(np.float32), sigma_mm / spacing_mm, truncate=3.0)
    return result


def robust_sd(values: Volume) -> float:
    """Return the standard deviation that the median distance from the median stands for; 0 without values."""
    if not values.size:
        return 0.0
    return float(_SD_PER_MAD * np.median(np.abs(values - np.median(values))))


def normalised(earlier: Volume, later: Volume, brain: Mask, spacing_mm: NDArray[np.float64]) -> Normalised:
    """Return both visits with equal scale, equal slow brightness and equal contrast in the brain.

    Parameters
    ----------
    earlier, later : (k, j, i), on one grid
    brain : common brain of both, not empty
    spacing_mm : (3,) along k, j, i

    Raises
    ------
    WrongImageError
        The intensities of both do not go together: the visits are of different sequences, or contrast was reversed.

    Notes
    -----
    The ratio of both images is smoothed over tissue whose ratio is not far from its surroundings (so that a lesion
    does not count as bias). Contrast: orthogonal regression of the joint histogram in the brain, trimmed; it treats
    both visits alike. The difference of brightness is removed by half from either visit.
    """
    limits = load_resource("rules/lesion_change.json")
    rules, needed = limits["normalisation"], limits["images"]["least_correlation"]
    a, b = _scaled(earlier, brain), _scaled(later, brain)
    smooth_a, smooth_b = (smoothed(values, 1.5, spacing_mm) for values in (a, b))
    correlation = float(np.corrcoef(smooth_a[brain], smooth_b[brain])[0, 1])
    if not correlation >= needed:
        raise WrongImageError(
            f"The intensities of the two visits do not go together (correlation {correlation:.2f} in the brain): "
            "they seem to be of different sequences.",
            "Choose the same sequence of both visits, such as FLAIR.",
        )
    ratio = _slow_ratio(smooth_a, smooth_b, brain, rules, spacing_mm)
    a, b = np.asarray(a * np.sqrt(ratio), np.float32), np.asarray(b / np.sqrt(ratio), np.float32)
    slope, level_a, level_b = _contrast(smoothed(a, 1.5, spacing_mm)[brain], smoothed(b, 1.5, spacing_mm)[brain], rules)
    b = np.float32(level_a) + (b - np.float32(level_b)) / np.float32(slope)
    unit = np.float32(np.median(a[brain]))
    return Normalised(a / unit, b / unit, correlation, slope)


def _scaled(values: Volume, brain: Mask) -> Volume:
    level = float(np.median(values[brain]))
    if not level > 0:
        raise WrongImageError("The brain has no positive intensities.", "Choose a magnitude image, such as FLAIR.")
    return values / np.float32(level)


def _slow_ratio(a: Volume, b: Volume, brain: Mask, rules: dict[str, float], spacing_mm: NDArray[np.float64]) -> Volume:
    """Return later over earlier, slowly varying; 1 far from the brain."""
    floor = np.float32(rules["least_tissue"])
    tissue = brain & (a > floor) & (b > floor)
    log = np.log(np.maximum(b, floor) / np.maximum(a, floor))
    field: Volume = np.zeros_like(log)
    for _ in range(int(rules["rounds"])):
        rest = np.asarray(log - field, np.float32)
        middle = float(np.median(rest[tissue])) if tissue.any() else 0.0
        kept = tissue & np.asarray(np.abs(rest - middle) <= rules["trim_sd"] * robust_sd(rest[tissue]) + 1e-6)
        weight = smoothed(kept, rules["bias_mm"], spacing_mm)
        mean = smoothed(np.where(kept, log, 0), rules["bias_mm"], spacing_mm) / np.maximum(weight, 1e-3)
        field = np.asarray(mean, np.float32)
    return np.asarray(np.exp(field), np.float32)


def _contrast(a: Volume, b: Volume, rules: dict[str, float]) -> tuple[float, float, float]:
    """Return slope and a point of the line along which the joint histogram lies."""
    kept = np.ones(a.shape, bool)
    slope, level_a, level_b = 1.0, 0.0, 0.0
    for _ in range(int(rules["rounds"])):
        level_a, level_b = float(np.mean(a[kept])), float(np.mean(b[kept]))
        spread = np.cov(a[kept], b[kept])
        _, vectors = np.linalg.eigh(spread)
        along = vectors[:, 1]
        slope = float(np.clip(along[1] / along[0], 0.5, 2.0)) if along[0] else 1.0
        away = (b - level_b) - slope * (a - level_a)
        kept = np.abs(away) <= rules["trim_sd"] * robust_sd(away) + 1e-6
    return slope, level_a, level_b
