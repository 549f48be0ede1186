"""What the place of a click tells: a person clicks in the middle of what is meant, or of what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid

Flags = NDArray[np.bool_]
Voxels = NDArray[np.int64]

# Off the middle by less than this, as log of depths, says nothing.
_TOLERANCE = 0.4
# What is taken off a score for a part that is e times as deep elsewhere as at the click.
_PER_LOG_OFF_MIDDLE = 0.6
# And for one that reaches e times farther beyond the click than the outline lies from it, or e times less far.
_PER_LOG_BEYOND = 0.3
_PER_LOG_SHORT = 0.1


@dataclass(frozen=True)
class ClickPlace:
    """A click on a grid.

    Attributes
    ----------
    away_mm : (K * J * I,) how far each node lies from the click
    node : (3,) of the click
    spacing_mm : (3,) of the nodes
    outline_mm : how far the click lies from the outline so far
    """

    away_mm: NDArray[np.float32]
    node: Voxels
    spacing_mm: NDArray[np.float64]
    outline_mm: float

    def reach_mm(self, at: NDArray[np.int64], joined: Flags, levels: int) -> NDArray[np.float64]:
        """Return how far around the click all nodes have joined, at each level.

        Parameters
        ----------
        at : (K * J * I,) the level at which each node joins
        joined : (K * J * I,) nodes beyond the outline so far: they end nothing
        """
        nearest = np.full(levels + 1, np.inf, np.float32)
        counted = ~joined
        np.minimum.at(nearest, at[counted], self.away_mm[counted])
        return np.minimum.accumulate(nearest[::-1])[::-1][1:].astype(np.float64)

    def expected(self, reach_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is taken off the score at each level for where the growth ends: (L,)."""
        beyond = np.log(np.maximum(reach_mm, 1e-3) / self.outline_mm)
        beyond = np.where(np.isfinite(beyond), beyond, 3.0)
        return _PER_LOG_BEYOND * np.maximum(beyond - _TOLERANCE, 0) + _PER_LOG_SHORT * np.maximum(
            -beyond - _TOLERANCE, 0
        )

    def off_middle(self, part: Flags) -> float:
        """Return what is taken off a score for a part (K, J, I) that is deeper elsewhere than at the click."""
        return _PER_LOG_OFF_MIDDLE * max(float(np.log(self.times_deeper(part))) - _TOLERANCE, 0.0)

    def times_deeper(self, part: Flags) -> float:
        """Return how many times as deep a part (K, J, I) that holds the click is where it is deepest, 1 or more."""
        where = ndimage.find_objects(part.astype(np.int8))[0]
        # Where the grid ends the part may go on: no depth is counted from there.
        corner = np.array([max(s.start - 1, 0) for s in where])
        held = part[tuple(slice(int(a), s.stop + 1) for a, s in zip(corner, where, strict=True))]
        if held.all():
            return 1.0
        depth = ndimage.distance_transform_edt(held, sampling=self.spacing_mm)
        own = float(depth[tuple(self.node - corner)])
        return float(depth.max()) / own if own > 0 else 1.0


def click_place(grid: WorkGrid, mark: Voxels, outline_mm: float) -> ClickPlace | None:
    """Return the place of a mark (N, 3) of one voxel; a stroke or a lasso says nothing of the middle: None."""
    if len(mark) != 1:
        return None
    node = grid.node(mark)[0]
    steps = np.ogrid[tuple(slice(0, n) for n in grid.shape)]
    squares = sum(((line - n) * s) ** 2 for line, n, s in zip(steps, node, grid.spacing_mm, strict=True))
    return ClickPlace(np.sqrt(squares).astype(np.float32).ravel(), node, grid.spacing_mm, outline_mm)
