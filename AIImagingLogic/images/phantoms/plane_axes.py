"""Long and short axis of a finely sampled shape, plane by plane, on its border between the samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

_BORDER = 0.5


def longest_plane_axes(share: NDArray[np.float32], step_mm: float, axis: int) -> tuple[float, float]:
    """Return (long, short) axis in mm on the plane across `axis` that has the longest long axis.

    Parameters
    ----------
    share
        How much of each cell the shape fills, 0..1; cells stand `step_mm` apart along all three axes. The border is
        where it passes one half.

    Notes
    -----
    The short axis is the longest chord perpendicular to the long one.
    """
    best = (0.0, 0.0)
    for plane in np.moveaxis(share, axis, 0):
        inside = np.argwhere(plane > _BORDER)
        if len(inside) and (np.ptp(inside, axis=0) + 1).max() * 1.5 * step_mm > best[0]:
            best = max(best, _plane_axes(_border(plane) * step_mm, step_mm))
    return best


def _border(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the points (n, 2), in cells, where lines of the lattice cross the shape's border."""
    padded = np.pad(plane.astype(float), 1) - _BORDER
    points = []
    for direction in (0, 1):
        lines = np.moveaxis(padded, direction, 0)
        at, line = np.nonzero(lines[:-1] * lines[1:] < 0)
        below, above = lines[at, line], lines[at + 1, line]
        crossing = np.stack([at + below / (below - above), line.astype(float)], axis=1)
        points.append(crossing if direction == 0 else crossing[:, ::-1])
    return np.concatenate(points)


def _plane_axes(border: NDArray[np.float64], step_mm: float) -> tuple[float, float]:
    """Return (long, short) in mm of a shape whose border passes through the points (n, 2), mm."""
    try:
        corners = border[ConvexHull(border).vertices]
    except QhullError:
        return 0.0, 0.0
    between = corners[:, None] - corners[None]
    lengths = np.sqrt((between**2).sum(-1))
    first, second = np.unravel_index(np.argmax(lengths), lengths.shape)
    long_axis = float(lengths[first, second])
    along = between[first, second] / long_axis
    rows = np.round(border @ along / step_mm).astype(int)
    rows -= rows.min()
    heights = border @ np.array([-along[1], along[0]])
    low = np.full(rows.max() + 1, np.inf)
    high = np.full(rows.max() + 1, -np.inf)
    np.minimum.at(low, rows, heights)
    np.maximum.at(high, rows, heights)
    return long_axis, float((high - low).max())
