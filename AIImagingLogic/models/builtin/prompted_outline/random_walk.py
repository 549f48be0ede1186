"""A random walk over a grid: how likely it comes to the object first, from each node.

References
----------
Grady L. Random walks for image segmentation. IEEE TPAMI 2006;28:1768-1783.
Grady L. Multilabel random walker image segmentation using prior models. CVPR 2005.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from AIImagingLogic.models.builtin.prompted_outline.node_pairs import NodePairs

Flags = NDArray[np.bool_]
Shares = NDArray[np.float32]

_EDGE = 1.0
_LARGEST_CHANGE = 30.0


def walk_shares(
    pairs: NodePairs,
    free: Flags,
    held: Shares,
    prior: Shares | None = None,
    prior_weight: float = 0.0,
    least_tie: float = 1e-3,
    steps: int = 200,
    close_enough: float = 1e-6,
) -> Shares:
    """Return how far each free node belongs to the object: what differs least between tied nodes and from the prior.

    Parameters
    ----------
    free : (N,) nodes to be solved for
    held : (N,) shares of the others, 0..1
    prior : (F,) of the free nodes; the solution begins with it
    least_tie : of two nodes across the strongest edge, beside 1 of two that are alike
    steps, close_enough : when to stop: after so many, or when no share would move by more

    Returns
    -------
    (F,) shares of the free nodes, 0..1
    """
    touched = np.flatnonzero(free[pairs.one] | free[pairs.other])
    one, other = pairs.one[touched], pairs.other[touched]
    ties = np.exp(-_EDGE * np.minimum(pairs.change[touched], _LARGEST_CHANGE)) + least_tie
    ties = (ties / pairs.length[touched] ** 2).astype(np.float32)
    number = np.cumsum(free, dtype=np.int32) - 1
    size = int(free.sum())
    start = np.zeros(size, np.float32) if prior is None else prior
    both = free[one] & free[other]
    half = sparse.csr_matrix((ties[both], (number[one[both]], number[other[both]])), shape=(size, size))
    off = half + half.T
    # A node that no tie reaches keeps its prior, or nothing.
    diagonal = np.asarray(off.sum(axis=1)).ravel().astype(np.float32) + np.float32(max(prior_weight, 1e-7))
    wanted = np.float32(prior_weight) * start
    for inner, outer in ((one, other), (other, one)):
        mixed = free[inner] & ~free[outer]
        at, tie = number[inner[mixed]], ties[mixed]
        diagonal += np.bincount(at, tie, size).astype(np.float32)
        wanted += np.bincount(at, tie * held[outer[mixed]], size).astype(np.float32)
    return _conjugate_gradients(off, diagonal, wanted, start, steps, close_enough)


def _conjugate_gradients(
    off: sparse.csr_matrix, diagonal: Shares, wanted: Shares, start: Shares, steps: int, close_enough: float
) -> Shares:
    """Solve (diagonal - off) x = wanted, scaled by the diagonal."""
    shares = start.copy()
    residual = wanted - (diagonal * shares - off @ shares)
    scaled = residual / diagonal
    direction = scaled.copy()
    product = float(residual @ scaled)
    for _ in range(steps):
        if product <= 0 or np.abs(scaled).max() < close_enough:
            break
        image = diagonal * direction - off @ direction
        length = product / float(direction @ image)
        shares += length * direction
        residual -= length * image
        scaled = residual / diagonal
        product, before = float(residual @ scaled), product
        direction = scaled + (product / before) * direction
    return shares
