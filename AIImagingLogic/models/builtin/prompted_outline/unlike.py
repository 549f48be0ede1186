"""How much more usual each node's intensity is in one region than in another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid

Flags = NDArray[np.bool_]

_BINS = 64
_BIN_SMOOTHING = 1.5
_RARE = 1e-3
_LARGEST = 2.5


def log_ratio(grid: WorkGrid, inside: Flags, outside: Flags) -> NDArray[np.float32]:
    """Return the log of the ratio of both regions' smoothed histograms at each node, bounded: (K, J, I)."""
    nothing = np.zeros(grid.shape, np.float32)
    if not inside.any() or not outside.any():
        return nothing
    values = grid.smoothed
    low, high = np.percentile(values[inside | outside], (0.5, 99.5))
    if high <= low:
        return nothing
    bins = np.clip((values - low) * (_BINS / (high - low)), 0, _BINS - 1).astype(np.int16)

    def usual(region: Flags) -> NDArray[np.float64]:
        counts = np.bincount(bins[region], minlength=_BINS).astype(float)
        return np.asarray(ndimage.gaussian_filter1d(counts / counts.sum(), _BIN_SMOOTHING, mode="nearest"))

    ratio = np.log((usual(inside) + _RARE) / (usual(outside) + _RARE))
    return np.asarray(np.clip(ratio, -_LARGEST, _LARGEST).astype(np.float32)[bins])
