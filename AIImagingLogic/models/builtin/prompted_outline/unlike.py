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
# How much each node that was shown counts, in regions, and all of them at most.
_PER_MARK = 0.15
_MOST_OF_MARKS = 1.0
_MARK_SMOOTHING = 2.5
_LARGEST = 2.5


def log_ratio(
    grid: WorkGrid, inside: Flags, outside: Flags, shown_in: Flags | None = None, shown_out: Flags | None = None
) -> NDArray[np.float32]:
    """Return the log of the ratio of both regions' smoothed histograms at each node, bounded: (K, J, I).

    Parameters
    ----------
    inside, outside : (K, J, I) the regions
    shown_in, shown_out : (K, J, I) nodes that a person showed: what is alike is likely on the same side
    """
    nothing = np.zeros(grid.shape, np.float32)
    if not inside.any() or not outside.any():
        return nothing
    values = grid.smoothed
    low, high = np.percentile(values[inside | outside], (0.5, 99.5))
    if high <= low:
        return nothing
    bins = np.clip((values - low) * (_BINS / (high - low)), 0, _BINS - 1).astype(np.int16)

    def usual(region: Flags, shown: Flags | None) -> NDArray[np.float64]:
        counts = np.bincount(bins[region], minlength=_BINS).astype(float)
        share = ndimage.gaussian_filter1d(counts / counts.sum(), _BIN_SMOOTHING, mode="nearest")
        if shown is not None and shown.any():
            marks = np.bincount(bins[shown], minlength=_BINS).astype(float)
            marks *= min(_PER_MARK, _MOST_OF_MARKS / marks.sum())
            share = share + ndimage.gaussian_filter1d(marks, _MARK_SMOOTHING, mode="nearest")
        return np.asarray(share)

    ratio = np.log((usual(inside, shown_in) + _RARE) / (usual(outside, shown_out) + _RARE))
    return np.asarray(np.clip(ratio, -_LARGEST, _LARGEST).astype(np.float32)[bins])
