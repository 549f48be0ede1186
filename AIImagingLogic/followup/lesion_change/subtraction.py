"""The difference of two normalised visits in standard deviations of what unchanged tissue shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.followup.lesion_change.intensity_normalisation import (
    Mask,
    Normalised,
    Volume,
    robust_sd,
    smoothed,
)
from AIImagingLogic.records.resources import load_resource

_NORMAL_MAD = 1.4826
# The local level of noise is the mean square of differences clipped here, so that a lesion does not hide itself.
_CLIP_SD = 3.0


@dataclass(frozen=True)
class Subtraction:
    """What the difference of two visits shows, on the half-way grid (k, j, i).

    Attributes
    ----------
    earlier, later : smoothed, 1 is normal brain tissue
    difference : later minus earlier
    beyond_shift : the part of `difference` that no shift within the tolerance explains; 0 where one does
    noise : standard deviation of `difference` where nothing changed
    """

    earlier: Volume
    later: Volume
    difference: Volume
    beyond_shift: Volume
    noise: Volume


def subtraction(visits: Normalised, brain: Mask, spacing_mm: NDArray[np.float64]) -> Subtraction:
    """Return the difference of two visits and its noise.

    Parameters
    ----------
    visits : of `normalised`
    brain : (k, j, i)
    spacing_mm : (3,) along k, j, i

    Notes
    -----
    Noise is not one number: borders differ by the rest of a motion, fluid by flow. It is read off the images
    themselves, as the median absolute difference of all voxels of like steepness and brightness (changed voxels are
    few among them), and raised where the neighbourhood is restless.

    A shift of half a voxel along each axis changes an image within the envelope of its shifted copies. What one
    visit shows beyond the envelope of the other, both ways, is no such shift.
    """
    rules = load_resource("rules/lesion_change.json")["subtraction"]
    a, b = (smoothed(values, rules["smoothing_mm"], spacing_mm) for values in (visits.earlier, visits.later))
    difference = b - a
    noise = _noise(a, b, difference, brain, rules, spacing_mm)
    return Subtraction(a, b, difference, _beyond_shift(a, b, rules["shift_voxels"]), noise)


def _noise(
    a: Volume, b: Volume, difference: Volume, brain: Mask, rules: dict[str, Any], spacing_mm: NDArray[np.float64]
) -> Volume:
    steep = np.maximum(_steepness(a, spacing_mm), _steepness(b, spacing_mm))
    steps = np.percentile(steep[brain], np.linspace(0, 100, rules["gradient_bins"] + 1)[1:-1])
    edges = rules["intensity_edges"]
    kinds = np.digitize(steep, steps) * (len(edges) + 1) + np.digitize(np.minimum(a, b), edges)
    overall = robust_sd(difference[brain])
    table = np.full((rules["gradient_bins"]) * (len(edges) + 1), overall)
    of_brain, differences = kinds[brain], np.abs(difference[brain])
    for kind in np.unique(of_brain):
        members = differences[of_brain == kind]
        if members.size >= rules["least_bin_voxels"]:
            table[kind] = _NORMAL_MAD * np.median(members)
    noise = np.maximum(table, 0.25 * overall + 1e-6)[kinds].astype(np.float32)
    square = np.where(brain, np.clip(difference / noise, -_CLIP_SD, _CLIP_SD) ** 2, 0)
    weight = np.maximum(smoothed(brain, rules["local_mm"], spacing_mm), 1e-3)
    restless = np.sqrt(smoothed(square, rules["local_mm"], spacing_mm) / weight)
    return np.asarray(noise * np.maximum(restless, 1.0), np.float32)


def _steepness(values: Volume, spacing_mm: NDArray[np.float64]) -> Volume:
    return np.asarray(np.sqrt(sum(part**2 for part in np.gradient(values, *spacing_mm))), np.float32)


def _beyond_shift(a: Volume, b: Volume, voxels: float) -> Volume:
    (low_a, high_a), (low_b, high_b) = _envelope(a, voxels), _envelope(b, voxels)
    more = np.maximum(np.minimum(b - high_a, low_b - a), 0)
    less = np.maximum(np.minimum(a - high_b, low_a - b), 0)
    return np.asarray(more - less, np.float32)


def _envelope(values: Volume, voxels: float) -> tuple[Volume, Volume]:
    """Return the least and the greatest of `values` within a shift of a share of a voxel along one axis at a time."""
    low, high = values.copy(), values.copy()
    for axis in range(3):
        for step in (1, -1):
            beside = np.roll(values, step, axis)
            # What rolls in from the other side is no neighbour.
            border = [slice(None)] * 3
            border[axis] = slice(0, 1) if step == 1 else slice(-1, None)
            beside[tuple(border)] = values[tuple(border)]
            shifted = values + np.float32(voxels) * (beside - values)
            np.minimum(low, shifted, out=low)
            np.maximum(high, shifted, out=high)
    return low, high
