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

# Nodes over which the outline may move, and how far nodes beside it tell what the outside looks like.
_SHAPE_SIGMA = 1.5
_SHELL_NODES = 6
_PRIOR_WEIGHT = 0.2
_EDGE = 1.0
_LEAST_TIE = 0.02
_SEED_WEIGHT = 1e3
_STEPS = 40
_CLOSE_ENOUGH = 2e-3


def settled(grid: WorkGrid, pairs: NodePairs, region: Flags, inside: Flags, outside: Flags) -> Shares:
    """Return how far each node belongs to the object, 0..1: (K, J, I); 0.5 is the outline.

    Parameters
    ----------
    region : (K, J, I) the outline so far
    inside, outside : (K, J, I) nodes that were shown
    """
    prior = _prior(grid, region, inside, outside)
    weight = np.full(grid.shape, _PRIOR_WEIGHT, np.float32)
    prior[inside], prior[outside] = 1.0, 0.0
    weight[inside | outside] = _SEED_WEIGHT
    ties = (np.exp(-_EDGE * np.minimum(pairs.change, 30.0)) + _LEAST_TIE) / pairs.length**2
    return _solved(grid.shape, pairs, ties.astype(np.float32), weight.ravel(), prior.ravel())


def _prior(grid: WorkGrid, region: Flags, inside: Flags, outside: Flags) -> Shares:
    """Return how likely each node lies inside: by its place beside the outline so far, and by its intensity."""
    sigma = [_SHAPE_SIGMA if n > 1 else 0.0 for n in grid.shape]
    place = np.clip(ndimage.gaussian_filter(region.astype(np.float32), sigma), 0.01, 0.99)
    shell = ndimage.binary_dilation(region, iterations=_SHELL_NODES) & ~region
    logit = np.log(place / (1 - place)) + log_ratio(grid, region, shell, inside, outside)
    return np.asarray(1 / (1 + np.exp(-logit)), np.float32)


def _solved(shape: tuple[int, ...], pairs: NodePairs, ties: Shares, weight: Shares, prior: Shares) -> Shares:
    """Return the shares that differ least between tied nodes and least from the prior: conjugate gradients."""
    size = prior.size
    half = sparse.csr_matrix((ties, (pairs.one, pairs.other)), shape=(size, size))
    off = half + half.T
    diagonal = np.asarray(off.sum(axis=1)).ravel().astype(np.float32) + weight
    wanted = weight * prior
    # Diagonal scaling: seeds weigh a thousandfold.
    shares = prior.copy()
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
    return shares.reshape(shape)
