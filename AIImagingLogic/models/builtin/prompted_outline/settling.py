"""Settles an outline on the edges near it: a random walker with what inside and outside look like as its prior.

References
----------
Grady L. Multilabel random walker image segmentation using prior models. CVPR 2005.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.prompted_outline.node_pairs import NodePairs
from AIImagingLogic.models.builtin.prompted_outline.random_walk import walk_shares
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
    shares[free] = walk_shares(
        pairs, free.ravel(), shares.ravel(), prior, _PRIOR_WEIGHT, _LEAST_TIE, _STEPS, _CLOSE_ENOUGH
    )
    return shares
