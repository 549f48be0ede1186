"""Tubes: straight pieces of vessels and airways, as arrays, and distances to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Tubes:
    """Straight pieces with round ends.

    Attributes
    ----------
    start, end : (n, 3) mm, LPS
    radius_mm : (n,) outer radius
    parent : (n,) index of the piece that each grows from, -1 at a root
    """

    start: Points
    end: Points
    radius_mm: NDArray[np.float64]
    parent: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.radius_mm)

    def with_ancestors(self, keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which pieces are kept when a piece goes with the one that it grows from."""
        alive = keep.copy()
        for index, parent in enumerate(self.parent):
            if parent >= 0 and not alive[parent]:
                alive[index] = False
        return alive

    def kept(self, keep: NDArray[np.bool_]) -> Tubes:
        """Return the pieces where `keep` is true and whose ancestors are all kept."""
        alive = self.with_ancestors(keep)
        renumbered = np.full(len(self) + 1, -1)
        renumbered[:-1][alive] = np.arange(alive.sum())
        return Tubes(self.start[alive], self.end[alive], self.radius_mm[alive], renumbered[self.parent[alive]])


def joined(trees: Sequence[Tubes]) -> Tubes:
    """Return the pieces of several trees as one."""
    counts = np.cumsum([0, *(len(tree) for tree in trees)])
    parents = [np.where(tree.parent < 0, -1, tree.parent + first) for tree, first in zip(trees, counts)]
    return Tubes(
        np.concatenate([tree.start for tree in trees]),
        np.concatenate([tree.end for tree in trees]),
        np.concatenate([tree.radius_mm for tree in trees]),
        np.concatenate(parents),
    )


def axis_distance(tubes: Tubes, point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance in mm of `point` (3,) from the axis of each piece."""
    along = tubes.end - tubes.start
    square = np.maximum((along * along).sum(1), 1e-12)
    share = np.clip(((point - tubes.start) * along).sum(1) / square, 0, 1)
    distances: NDArray[np.float64] = np.linalg.norm(tubes.start + share[:, None] * along - point, axis=1)
    return distances
