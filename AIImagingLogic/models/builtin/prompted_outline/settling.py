"""Settles an outline on the edges near it: a random walker with what inside and outside look like as its prior.

References
----------
Grady L. Multilabel random walker image segmentation using prior models. CVPR 2005.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from AIImagingLogic.models.builtin.prompted_outline.node_pairs import NodePairs
from AIImagingLogic.models.builtin.prompted_outline.unlike import log_ratio
from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid

Flags = NDArray[np.bool_]
Shares = NDArray[np.float32]

# Nodes over which the outline may move at once; farther in and out no intensity outweighs the place. And how far nodes
# beside it tell what the outside looks like.
_SHAPE_SIGMA = 1.5
_BAND_NODES = 3
_SHELL_NODES = 6
_PRIOR_WEIGHT = 0.2
_EDGE = 1.0
_LEAST_TIE = 0.02
_STEPS = 40
_CLOSE_ENOUGH = 2e-3


def settled(
    grid: WorkGrid, pairs: NodePairs, region: Flags, inside: Flags, outside: Flags, may_move: Flags | None = None
) -> Shares:
    """Return how far each node belongs to the object, 0..1: (K, J, I); 0.5 is the outline.

    Parameters
    ----------
    region : (K, J, I) the outline so far
    inside, outside : (K, J, I) nodes that were shown
    may_move : (K, J, I) nodes that may change sides; without it all that lie near the outline
    """
    shares = (region & ~outside | inside).astype(np.float32)
    if not region.any() or region.all():
        return shares
    steps = ndimage.distance_transform_cdt(~region, "taxicab")
    deep = ndimage.distance_transform_cdt(region, "taxicab")
    free = (steps <= _BAND_NODES) & (deep <= _BAND_NODES) & ~inside & ~outside
    if may_move is not None:
        free &= may_move
    if not free.any():
        return shares
    sigma = [_SHAPE_SIGMA if n > 1 else 0.0 for n in grid.shape]
    place = np.clip(ndimage.gaussian_filter(region.astype(np.float32), sigma), 0.01, 0.99)
    shell = (steps > 0) & (steps <= _SHELL_NODES)
    # How likely each node lies inside: by its place beside the outline so far, and by its intensity.
    logit = (np.log(place / (1 - place)) + log_ratio(grid, region, shell, inside, outside))[free]
    prior = np.asarray(1 / (1 + np.exp(-logit)), np.float32)
    shares[free] = _solved(free.ravel(), pairs, prior, shares.ravel())
    return shares


def _solved(free: Flags, pairs: NodePairs, prior: Shares, held: Shares) -> Shares:
    """Return the shares of the free nodes that differ least between tied nodes and from the prior.

    Parameters
    ----------
    free : (N,) nodes to be solved for
    prior : (F,) of the free nodes
    held : (N,) shares of the others
    """
    touched = np.flatnonzero(free[pairs.one] | free[pairs.other])
    one, other = pairs.one[touched], pairs.other[touched]
    ties = (np.exp(-_EDGE * np.minimum(pairs.change[touched], 30.0)) + _LEAST_TIE) / pairs.length[touched] ** 2
    ties = ties.astype(np.float32)
    number = np.cumsum(free, dtype=np.int32) - 1
    size = prior.size
    both = free[one] & free[other]
    half = sparse.csr_matrix((ties[both], (number[one[both]], number[other[both]])), shape=(size, size))
    off = half + half.T
    diagonal = np.asarray(off.sum(axis=1)).ravel().astype(np.float32) + np.float32(_PRIOR_WEIGHT)
    wanted = np.float32(_PRIOR_WEIGHT) * prior
    for inner, outer in ((one, other), (other, one)):
        mixed = free[inner] & ~free[outer]
        at, tie = number[inner[mixed]], ties[mixed]
        diagonal += np.bincount(at, tie, size).astype(np.float32)
        wanted += np.bincount(at, tie * held[outer[mixed]], size).astype(np.float32)
    return _conjugate_gradients(off, diagonal, wanted, prior)


def _conjugate_gradients(off: sparse.csr_matrix, diagonal: Shares, wanted: Shares, start: Shares) -> Shares:
    """Solve (diagonal - off) x = wanted, scaled by the diagonal."""
    shares = start.copy()
    residual = wanted - (diagonal * shares - off @ shares)
    scaled = residual / diagonal
    direction = scaled.copy()
    product = float(residual @ scaled)
    for _ in range(_STEPS):
        if product <= 0 or np.abs(scaled).max() < _CLOSE_ENOUGH:
            break
        image = diagonal * direction - off @ direction
        length = product / float(direction @ image)
        shares += length * direction
        residual -= length * image
        scaled = residual / diagonal
        product, before = float(residual @ scaled), product
        direction = scaled + (product / before) * direction
    return shares
