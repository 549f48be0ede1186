"""Grows from seeds along paths that avoid edges, and tells at which of all sizes the outline lies best on edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from AIImagingLogic.models.builtin.prompted_outline.node_pairs import NodePairs
from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid

# Cost of a step: of its length, of the change along it, of how far the values lie from those at the seeds.
_PER_LENGTH = 0.3
_PER_CHANGE = 0.5
_PER_DIFFERENCE = 0.3
_LARGEST_DIFFERENCE = 8.0
# A rise of this many units of noise is an edge in full.
_FULL_EDGE = 6.0
# How much an edge counts that has the same sign all around.
_ONE_SIGN = 0.3
# A boundary of few pairs may lie on edges by chance.
_FEW_PAIRS = 30.0
_LEVELS = 200
_LEAST_NODES = 8

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Growth:
    """What was reached, and how well.

    Attributes
    ----------
    region : (K, J, I) nodes that join
    score : 0..1, how well the outline lies on edges then
    """

    region: Flags
    score: float


def path_costs(grid: WorkGrid, pairs: NodePairs, seeds: Flags, blocked: Flags, level: float) -> NDArray[np.float64]:
    """Return what the cheapest path costs from any of `seeds` to each node: (K, J, I), infinite where none leads."""
    apart = np.minimum(np.abs(grid.smoothed.ravel() - level) / grid.noise, _LARGEST_DIFFERENCE)
    cost = (
        pairs.length * (_PER_LENGTH + _PER_DIFFERENCE * np.maximum(apart[pairs.one], apart[pairs.other]))
        + _PER_CHANGE * pairs.change
    )
    if blocked.any():
        closed = blocked.ravel()
        open_pairs = ~(closed[pairs.one] | closed[pairs.other])
        one, other, cost = pairs.one[open_pairs], pairs.other[open_pairs], cost[open_pairs]
    else:
        one, other = pairs.one, pairs.other
    graph = sparse.csr_matrix((cost, (one, other)), shape=(grid.values.size,) * 2)
    sources = np.flatnonzero(seeds.ravel())
    return np.asarray(dijkstra(graph, directed=False, indices=sources, min_only=True)).reshape(grid.shape)


def best_growth(
    grid: WorkGrid,
    pairs: NodePairs,
    costs: NDArray[np.float64],
    joined: Flags,
    open_faces: Flags | None = None,
    gaps: NDArray[np.float64] | None = None,
) -> Growth:
    """Return the growth, of all that `costs` allows, whose outline together with `joined` lies best on edges.

    Parameters
    ----------
    costs : (K, J, I) of `path_costs`
    joined : nodes that have the seeds' side already; the outline is that of these and of what joins
    open_faces : nodes at which the box cuts the image, not the image itself ends; a growth that reaches them has no
        outline there
    gaps : (K * J * I, F) how far each node lies from faces that the object is known to reach, 0..1 of the way across

    Notes
    -----
    Over the crossing of each pair the edges are summed for all levels at once: a pair counts from the level of its
    nearer node to that of its farther one.
    """
    flat = np.where(joined.ravel(), -1.0, costs.ravel())
    reached = np.sort(flat[np.isfinite(flat) & (flat >= 0)])
    if len(reached) == 0:
        return Growth(np.zeros(grid.shape, bool), 0.0)
    least = min(_LEAST_NODES, len(reached))
    counts = np.unique(np.geomspace(least, len(reached), _LEVELS).astype(int))
    levels = reached[counts - 1]
    at = np.searchsorted(levels, flat)
    one, other = at[pairs.one], at[pairs.other]
    low, high = np.minimum(one, other), np.maximum(one, other)
    strength = np.clip(pairs.rise / _FULL_EDGE, -1.0, 1.0)

    def crossing(weights: NDArray[np.floating]) -> NDArray[np.float64]:
        size = len(levels) + 1
        steps = np.bincount(low, weights, size) - np.bincount(high, weights, size)
        return np.cumsum(steps)[: len(levels)]

    pair_count = crossing(np.ones(len(low)))
    edges = crossing(np.abs(strength))
    signed = np.abs(crossing(np.where(one <= other, strength, -strength)))
    if open_faces is not None:
        pair_count += np.cumsum(np.bincount(at[open_faces.ravel()], minlength=len(levels) + 1))[: len(levels)]
    scores = ((1 - _ONE_SIGN) * edges + _ONE_SIGN * signed) / (pair_count + _FEW_PAIRS)
    if gaps is not None:
        scores *= np.prod([1 - _least_so_far(at, gap, len(levels)) for gap in gaps.T], axis=0)
    best = int(scores.argmax())
    region = (costs <= levels[best]) & ~joined
    return Growth(region, float(scores[best]))


def _least_so_far(at: NDArray[np.int64], gap: NDArray[np.float64], levels: int) -> NDArray[np.float64]:
    """Return the smallest gap among the nodes that have joined at each level, 0..1."""
    least = np.ones(levels + 1)
    np.minimum.at(least, at, np.clip(gap, 0.0, 1.0))
    return np.minimum.accumulate(least)[:levels]
