"""Grows from seeds along paths that avoid edges, and tells at which of all sizes the outline lies best on edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from AIImagingLogic.models.builtin.prompted_outline.click_place import ClickPlace
from AIImagingLogic.models.builtin.prompted_outline.edge_levels import (
    FEW_PAIRS,
    FULL_EDGE,
    LEAST_NODES,
    LEVELS,
    crossing,
)
from AIImagingLogic.models.builtin.prompted_outline.node_pairs import NodePairs
from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid

# Cost of a step: of its length, of the change along it, of how far the values lie from those at the seeds.
_PER_LENGTH = 0.3
_PER_CHANGE = 1.5
_PER_DIFFERENCE = 0.3
_LARGEST_DIFFERENCE = 4.0
# A correction: how much it counts that a part hangs together with the rest by little, and what is taken off for e times
# fewer nodes than a ball has that just reaches the outline, or e times more than e^2 such balls.
_PER_NECK = 0.3
_PER_LOG_SMALLER = 0.25
_PER_LOG_LARGER = 0.06
_PER_LOG_SMALLER_CLICK = 0.04
# Of this many outlines of different size (as log) it is asked whether the click lies in the middle.
_PLACES_LOOKED_AT = 10
_ALIKE = 0.4

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Growth:
    """What was reached.

    Attributes
    ----------
    region : (K, J, I) nodes that join
    reach_mm : how far around the click all nodes have joined; infinite when that is not known
    """

    region: Flags
    reach_mm: float = float("inf")


@dataclass(frozen=True)
class SeedLevels:
    """What the image is like at seeds: the values there, and by how much they vary of themselves."""

    values: tuple[float, ...]
    spread: float

    def quiet(self, grid: WorkGrid) -> float:
        """Return the grid's noise over that at the seeds, 1 at most: in PET a hot spot varies more than all around."""
        return min(1.0, grid.noise / self.spread)


def path_costs(
    grid: WorkGrid, pairs: NodePairs, seeds: Flags, blocked: Flags, levels: SeedLevels
) -> NDArray[np.float64]:
    """Return what the cheapest path costs from any of `seeds` to each node: (K, J, I), infinite where none leads."""
    flat = grid.smoothed.ravel()
    apart = np.full(flat.shape, np.inf, np.float32)
    for value in levels.values:
        np.minimum(apart, np.abs(flat - np.float32(value)), out=apart)
    unlike = np.float32(_PER_DIFFERENCE) * np.minimum(apart / np.float32(levels.spread), _LARGEST_DIFFERENCE) ** 2
    one, other, change, length = pairs.one, pairs.other, pairs.change, pairs.length
    if blocked.any():
        closed = blocked.ravel()
        kept = ~(closed[one] | closed[other])
        one, other, change, length = one[kept], other[kept], change[kept], length[kept]
    cost = length * (_PER_LENGTH + np.maximum(unlike[one], unlike[other])) + (_PER_CHANGE * levels.quiet(grid)) * change
    graph = sparse.csr_matrix((cost, (one, other)), shape=(flat.size,) * 2)
    sources = np.flatnonzero(seeds.ravel())
    return np.asarray(dijkstra(graph, directed=False, indices=sources, min_only=True)).reshape(grid.shape)


def best_growth(
    pairs: NodePairs,
    costs: NDArray[np.float64],
    joined: Flags,
    faces: Flags,
    ball_nodes: float,
    most_nodes: float,
    place: ClickPlace | None = None,
) -> Growth:
    """Return the growth, of all that `costs` allows, whose own outline lies best on edges.

    Parameters
    ----------
    costs : (K, J, I) of `path_costs`
    joined : nodes that have the seeds' side already; the outline is that of these and of what joins
    faces : nodes at which the box cuts the image, not the image itself ends; a growth that reaches them has no outline
        there
    ball_nodes : nodes of the ball around the seeds that just reaches the outline so far
    most_nodes : a growth of more is not believed
    place : of the click that is answered: of two outlines that lie on edges alike, the one in whose middle it is

    Notes
    -----
    As `best_levels`, all levels are judged at once; but only the new outline is, and how little of it there is.
    """
    flat = np.where(joined.ravel(), -1.0, costs.ravel())
    reached = np.sort(flat[np.isfinite(flat) & (flat >= 0)])
    if len(reached) == 0:
        return Growth(np.zeros(costs.shape, bool))
    most = int(min(len(reached), max(most_nodes, LEAST_NODES)))
    counts = np.unique(np.geomspace(min(LEAST_NODES, most), most, LEVELS).astype(int))
    levels = reached[counts - 1]
    at = np.searchsorted(levels, flat)
    one, other = at[pairs.one], at[pairs.other]
    low, high = np.minimum(one, other), np.maximum(one, other)

    met = joined.ravel()[pairs.one] != joined.ravel()[pairs.other]
    own = (~met).astype(float)
    strength = np.clip(np.abs(pairs.rise) / FULL_EDGE, 0.0, 1.0)
    pair_count, edges = crossing(low, high, len(levels), own), crossing(low, high, len(levels), strength * own)
    pair_count += np.cumsum(np.bincount(at[faces.ravel()], minlength=len(levels) + 1))[: len(levels)]
    # A pair with a joined node is crossed until its other node joins.
    merged = float(met.sum()) - crossing(low, high, len(levels), met.astype(float))
    size = np.log(counts / max(ball_nodes, 1.0))
    scores = (edges + FEW_PAIRS / 2) / (pair_count + FEW_PAIRS) + _PER_NECK * merged / (merged + pair_count + 1)
    # Of a click, its place says more than the size of the ball.
    smaller = _PER_LOG_SMALLER if place is None else _PER_LOG_SMALLER_CLICK
    scores -= smaller * np.maximum(-size, 0) + _PER_LOG_LARGER * np.maximum(size - 2, 0)
    reach = None
    if place is not None:
        reach = place.reach_mm(at, joined.ravel(), len(levels))
        scores -= place.expected(reach)
    best = _best_in_the_middle(scores, counts, levels, costs, joined, place)
    region = (costs <= levels[best]) & ~joined
    return Growth(region, float("inf") if reach is None else float(reach[best]))


def _best_in_the_middle(
    scores: NDArray[np.float64],
    counts: NDArray[np.int64],
    levels: NDArray[np.float64],
    costs: NDArray[np.float64],
    joined: Flags,
    place: ClickPlace | None,
) -> int:
    """Return the level of the best outline; of the few best ones, the click's place is looked at."""
    if place is None:
        return int(scores.argmax())
    left = scores.copy()
    ranked: list[tuple[int, float]] = []
    for _ in range(_PLACES_LOOKED_AT):
        level = int(left.argmax())
        if not np.isfinite(left[level]) or ranked and left[level] <= max(score for _, score in ranked):
            break
        ranked.append((level, float(scores[level]) - place.off_middle((costs <= levels[level]) & ~joined)))
        # One of nearly the same size is as far off the middle.
        left[np.abs(np.log(counts / counts[level])) < _ALIKE] = -np.inf
    return max(ranked, key=lambda pair: pair[1])[0]
