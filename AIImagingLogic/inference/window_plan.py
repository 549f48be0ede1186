"""Where the windows lie that a network sees, and how much each of their voxels counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.inference.network_grid import NetworkGrid
from AIImagingLogic.inference.recipe import Blending, NetworkRecipe

# Share of the window that is one standard deviation of the Gaussian, and the least weight: as MONAI's.
_SIGMA = 0.125
_LEAST_WEIGHT = 1e-3


@dataclass(frozen=True)
class WindowPlan:
    """Windows over a volume (k, j, i), which is padded first where it is smaller than the window.

    Attributes
    ----------
    window : (3,) voxels along k, j, i
    padding : voxels before and after, along k, j, i
    starts : first voxels of the windows along k, j, i, in the padded volume; every combination is a window
    """

    window: tuple[int, int, int]
    padding: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    starts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

    @property
    def count(self) -> int:
        return math.prod(len(starts) for starts in self.starts)


def plan_windows(
    shape: Sequence[int], grid: NetworkGrid, recipe: NetworkRecipe, window: Sequence[int] | None = None
) -> WindowPlan:
    """Cover a volume with windows that overlap.

    Parameters
    ----------
    shape : voxels along k, j, i of what the network is to see
    grid : says how the network's axes lie
    recipe : gives window, overlap and padding
    window : in the network's order, in place of the recipe's

    Notes
    -----
    Windows are laid in the direction of the network's axes: each a whole number of steps from the first, the last moved
    back to end with the volume, as in MONAI's sliding window; or spread evenly, as in nnU-Net's.
    """
    asked = list(window or recipe.window or ())
    windows, padding = [0, 0, 0], [(0, 0)] * 3
    starts: list[tuple[int, ...]] = [(0,)] * 3
    for number, (axis, flipped) in enumerate(zip(grid.array_axes, grid.flipped)):
        size = shape[axis]
        if number >= len(asked) and asked:
            length = 1  # a 2D network: one slice at a time
        elif asked and asked[number] > 0:
            length = asked[number]
        else:
            length = -(-size // recipe.divisible_by) * recipe.divisible_by
        missing = max(length - size, 0)
        before = missing // 2
        padding[axis] = (missing - before, before) if flipped else (before, missing - before)
        spread = _even_starts if recipe.even_windows else _starts
        along = spread(size + missing, length, recipe.overlap)
        windows[axis] = length
        starts[axis] = tuple(sorted(size + missing - start - length for start in along)) if flipped else along
    return WindowPlan((windows[0], windows[1], windows[2]), tuple(padding), tuple(starts))  # type: ignore[arg-type]


def window_weights(window: Sequence[int], blending: Blending) -> NDArray[np.float32]:
    """Return how much each voxel of a window counts: an array of the window's shape, float32.

    Notes
    -----
    The Gaussian has a standard deviation of an eighth of the window. Around the middle it is at least .001.
    """
    weights = np.ones((1,) * len(window), np.float32)
    if blending != "constant":
        for axis, size in enumerate(window):
            middle = size // 2 if blending == "gaussian_on_voxel" else (size - 1) / 2
            places = np.arange(size, dtype=np.float32) - np.float32(middle)
            line = np.exp(places**2 / np.float32(-2 * (_SIGMA * size) ** 2)).astype(np.float32)
            weights = weights * line.reshape([-1 if other == axis else 1 for other in range(len(window))])
    if blending == "gaussian":
        weights = np.maximum(weights, max(float(weights.min()), _LEAST_WEIGHT))
    return np.array(np.broadcast_to(weights, tuple(window)), np.float32)


def _starts(size: int, length: int, overlap: float) -> tuple[int, ...]:
    if length >= size:
        return (0,)
    step = max(int(length * (1 - overlap)), 1)
    count = -(-(size - length) // step) + 1
    return tuple(min(number * step, size - length) for number in range(count))


def _even_starts(size: int, length: int, overlap: float) -> tuple[int, ...]:
    if length >= size:
        return (0,)
    if length == 1:
        return tuple(range(size))
    gaps = math.ceil((size - length) / (length * (1 - overlap)))
    return tuple(round((size - length) / gaps * number) for number in range(gaps + 1))
