"""Neighbouring nodes of a grid, and how much the image changes from one to the next."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid


@dataclass(frozen=True)
class NodePairs:
    """Every two nodes that share a face.

    Attributes
    ----------
    one, other : (P,) numbers of the nodes
    length : (P,) distance over the grid's finest spacing
    change : (P,) difference of the smoothed values, in units of the grid's noise
    rise : (P,) difference over three steps, `other`'s side less `one`'s, in the same units: a blurred edge in whole
    """

    one: NDArray[np.int32]
    other: NDArray[np.int32]
    length: NDArray[np.float32]
    change: NDArray[np.float32]
    rise: NDArray[np.float32]


def node_pairs(grid: WorkGrid) -> NodePairs:
    """Return the pairs of neighbours of a grid."""
    one, other, axes = _numbers(grid.shape)
    values = grid.smoothed / np.float32(grid.noise)
    flat = values.ravel()
    rises = []
    for axis in range(3):
        if grid.shape[axis] < 2:
            continue
        along = np.moveaxis(values, axis, 0)
        padded = np.concatenate([along[:1], along, along[-1:]])
        rises.append(np.moveaxis(padded[3:] - padded[:-3], 0, axis).ravel())
    rise = np.concatenate(rises) if rises else np.zeros(0, np.float32)
    length = (grid.spacing_mm / grid.spacing_mm.min()).astype(np.float32)[axes]
    return NodePairs(one, other, length, np.abs(flat[one] - flat[other]), rise)


@lru_cache(maxsize=16)
def _numbers(shape: tuple[int, ...]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int8]]:
    numbers = np.arange(int(np.prod(shape)), dtype=np.int32).reshape(shape)
    one, other, axes = [], [], []
    for axis in range(3):
        along = np.moveaxis(numbers, axis, 0)
        one.append(np.moveaxis(along[:-1], 0, axis).ravel())
        other.append(np.moveaxis(along[1:], 0, axis).ravel())
        axes.append(np.full(one[-1].size, axis, np.int8))
    return np.concatenate(one), np.concatenate(other), np.concatenate(axes)
