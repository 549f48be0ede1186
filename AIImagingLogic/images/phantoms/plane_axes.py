"""Long and short axis of a finely sampled shape, plane by plane."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError


def longest_plane_axes(inside: NDArray[np.bool_], step_mm: float, axis: int) -> tuple[float, float]:
    """Return (long, short) axis in mm on the plane across `axis` that has the longest long axis.

    Parameters
    ----------
    inside
        The shape, sampled every `step_mm` along all three axes.

    Notes
    -----
    The short axis is the longest chord perpendicular to the long one.
    """
    best = (0.0, 0.0)
    for plane in np.moveaxis(inside, axis, 0):
        points = np.argwhere(plane)
        if len(points) and (np.ptp(points, axis=0) + 1).max() * 1.5 * step_mm > best[0]:
            best = max(best, _plane_axes(points * step_mm, step_mm))
    return best


def _plane_axes(points: NDArray[np.floating[Any]], step_mm: float) -> tuple[float, float]:
    """Return (long, short) of the points (n, 2) of one plane, each point standing for a cell of `step_mm`."""
    try:
        corners = points[ConvexHull(points).vertices]
    except QhullError:
        extents = np.sort(np.ptp(points, axis=0) + step_mm)
        return float(extents[1]), float(extents[0])
    between = corners[:, None] - corners[None]
    lengths = np.sqrt((between**2).sum(-1))
    first, second = np.unravel_index(np.argmax(lengths), lengths.shape)
    long_axis = float(lengths[first, second])
    along = between[first, second] / long_axis
    across = np.array([-along[1], along[0]])
    rows = np.round(points @ along / step_mm).astype(int)
    rows -= rows.min()
    heights = points @ across
    low = np.full(rows.max() + 1, np.inf)
    high = np.full(rows.max() + 1, -np.inf)
    np.minimum.at(low, rows, heights)
    np.maximum.at(high, rows, heights)
    return long_axis + step_mm, float((high - low).max()) + step_mm
