"""Marks out of the network's answer: peaks of the heat map inside the lungs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from scipy.special import expit

from AIImagingLogic.models.builtin.nodule_network.architecture import STRIDE

Array = NDArray[np.float64]

RADIUS_UNIT_MM = 4.0
"""The network says the logarithm of the radius over this."""
_RADII_MM = (1.5, 20.0)
_MOST_OFFSET = 1.5
_MIDDLE = (STRIDE - 1) / 2


@dataclass(frozen=True)
class Peaks:
    """Peaks, best first, N of them: `indices` (N, 3) k, j, i in voxels; `radii_mm` (N,); `scores` (N,) 0..1."""

    indices: Array
    radii_mm: Array
    scores: Array


def find_peaks(outputs: NDArray[np.float32], inside: NDArray[np.bool_], least_score: float) -> Peaks:
    """Return the peaks of a heat map.

    Parameters
    ----------
    outputs : (5, k / 4, j / 4, i / 4); see `architecture.OUTPUTS`
    inside : (k, j, i), where nodules are sought: a cell counts that holds a voxel of it
    least_score : of a peak
    """
    heat = outputs[0]
    is_peak = (heat == maximum_filter(heat, 3)) & (expit(heat) >= least_score) & cells_of(inside)
    cells = np.argwhere(is_peak)
    said = outputs[:, is_peak].astype(np.float64)
    order = np.argsort(-said[0], kind="stable")
    cells, said = cells[order], said[:, order]
    offsets = np.clip(said[1:4].T, -_MOST_OFFSET, _MOST_OFFSET)
    places = np.asarray((cells + offsets) * STRIDE + _MIDDLE, np.float64)
    radii_mm = np.asarray(np.clip(RADIUS_UNIT_MM * np.exp(np.clip(said[4], -3.0, 3.0)), *_RADII_MM), np.float64)
    return Peaks(places, radii_mm, np.asarray(expit(said[0]), np.float64))


def cells_of(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which cells hold a voxel of `inside`, whose sides are multiples of 4."""
    k, j, i = (side // STRIDE for side in inside.shape)
    blocks = inside.reshape(k, STRIDE, j, STRIDE, i, STRIDE)
    return np.asarray(blocks.any(axis=(1, 3, 5)), bool)


def heat_at(outputs: NDArray[np.float32], indices: Array, reach: Array) -> Array:
    """Return the largest logit (N,) of the cells whose middle lies within `reach` (N,) voxels of places (N, 3).

    Parameters
    ----------
    outputs : (5, k / 4, j / 4, i / 4)
    indices : k, j, i in voxels
    reach : at least a cell's own half diagonal is taken
    """
    heat = outputs[0]
    shape = np.array(heat.shape)
    result = np.empty(len(indices))
    for number, (place, far) in enumerate(zip((indices - _MIDDLE) / STRIDE, np.maximum(reach / STRIDE, 0.9))):
        low = np.clip(np.ceil(place - far).astype(int), 0, shape - 1)
        high = np.clip(np.floor(place + far).astype(int), low, shape - 1)
        window = heat[tuple(slice(a, b + 1) for a, b in zip(low, high))]
        apart = sum(
            ((np.arange(a, b + 1) - c) ** 2).reshape([-1 if axis == other else 1 for other in range(3)])
            for axis, (a, b, c) in enumerate(zip(low, high, place))
        )
        near = window[apart <= far**2]
        result[number] = near.max() if near.size else window.max()
    return result
