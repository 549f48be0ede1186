"""Of all outlines that grow in one order, the few of different size that lie best on edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.prompted_outline.node_pairs import NodePairs

Flags = NDArray[np.bool_]

# A rise of this many units of noise is an edge in full.
FULL_EDGE = 4.0
# A boundary of few pairs may lie on edges by chance.
FEW_PAIRS = 10.0
# Of two outlines that lie on edges alike, the smaller: what is taken off a score for e times as many nodes.
PER_LOG_SIZE = 0.015
LEVELS = 200
LEAST_NODES = 8
# Outlines of sizes closer than this, as log, are one.
_ALIKE = 0.4
# An ellipsoid fills half its box; what is taken off for e times more or less than usual.
_SHARE_OF_BOX = 0.45
_USUAL_LOG_OFF_BOX = 0.35
_PER_LOG_OFF_BOX = 0.2


@dataclass(frozen=True)
class Level:
    """All nodes up to a cost.

    Attributes
    ----------
    region : (K, J, I) the nodes
    grows : log of how many times as many nodes join up to a somewhat higher cost as up to a somewhat lower one; an
        outline that stays while the cost rises is one that something holds
    """

    region: Flags
    grows: float


@dataclass(frozen=True)
class BoxFit:
    """A box that the object is known to fill.

    Attributes
    ----------
    nodes : how many it holds
    gaps : (K * J * I, 6) how far each node lies from each of its faces, 0..1 of the way across
    """

    nodes: float
    gaps: NDArray[np.float64]


def best_levels(
    pairs: NodePairs,
    costs: NDArray[np.float64],
    faces: Flags,
    quiet: float,
    count: int,
    somewhat: tuple[float, float],
    box: BoxFit | None = None,
) -> list[Level]:
    """Return the `count` best outlines of those that hold all nodes up to a cost.

    Parameters
    ----------
    costs : (K, J, I) the order in which nodes join; infinite where they never do
    faces : (K, J, I) nodes at which the grid cuts the image: what reaches them has no outline there
    quiet : of the seeds' levels: what edges are less, where the object itself varies
    somewhat : what is a somewhat higher or lower cost: this share more or less, and this much
    box : what the object is known to fill

    Notes
    -----
    Over the crossing of each pair the edges are summed for all levels at once: a pair counts from the level of its
    nearer node to that of its farther one.
    """
    flat = costs.ravel()
    reached = np.sort(flat[np.isfinite(flat)])
    if len(reached) < LEAST_NODES:
        return []
    counts = np.unique(np.geomspace(LEAST_NODES, len(reached), LEVELS).astype(int))
    levels = reached[counts - 1]
    at = np.searchsorted(levels, flat)
    low, high = np.minimum(at[pairs.one], at[pairs.other]), np.maximum(at[pairs.one], at[pairs.other])
    strength = np.clip(np.abs(pairs.rise) * (quiet / FULL_EDGE), 0.0, 1.0)
    most = len(levels)
    cut = np.cumsum(np.bincount(at[faces.ravel()], minlength=most + 1))[:most]
    edges, pair_count = crossing(low, high, most, strength), crossing(low, high, most)
    scores = edges / (pair_count + cut + FEW_PAIRS) - PER_LOG_SIZE * np.log(counts)
    if box is not None:
        off = np.abs(np.log(counts / (_SHARE_OF_BOX * max(box.nodes, 1.0))))
        scores -= _PER_LOG_OFF_BOX * np.maximum(off - _USUAL_LOG_OFF_BOX, 0)
        for gap in box.gaps.T:
            scores *= 1 - _least_so_far(at, gap, len(levels))
    best: list[Level] = []
    while len(best) < count and np.isfinite(scores.max()):
        level = int(scores.argmax())
        away = somewhat[0] * abs(levels[level]) + somewhat[1]
        fewer, more = np.searchsorted(reached, (levels[level] - away, levels[level] + away), side="right")
        best.append(Level(costs <= levels[level], float(np.log(max(more, 1) / max(fewer, 1)))))
        scores[np.abs(np.log(counts / counts[level])) < _ALIKE] = -np.inf
    return best


def crossing(
    low: NDArray[np.int64], high: NDArray[np.int64], levels: int, weights: NDArray[np.floating] | None = None
) -> NDArray[np.float64]:
    """Return the sum of the weights of the pairs that the outline at each level crosses: (levels,).

    Parameters
    ----------
    low, high : (P,) level at which the nearer and the farther node of each pair join
    weights : (P,) of the pairs; without it they are counted
    """
    steps = np.bincount(low, weights, levels + 1) - np.bincount(high, weights, levels + 1)
    return np.asarray(np.cumsum(steps)[:levels], float)


def _least_so_far(at: NDArray[np.int64], gap: NDArray[np.float64], levels: int) -> NDArray[np.float64]:
    """Return the smallest gap among the nodes that have joined at each level, 0..1."""
    least = np.ones(levels + 1)
    np.minimum.at(least, at, np.clip(gap, 0.0, 1.0))
    return np.minimum.accumulate(least)[:levels]
