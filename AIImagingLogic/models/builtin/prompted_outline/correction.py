"""One correction of an outline: the part at the mark joins the object, or leaves it; what is far stays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.prompted_outline.first_outline import Found, marked, open_faces, seed_level
from AIImagingLogic.models.builtin.prompted_outline.growth import best_growth, path_costs
from AIImagingLogic.models.builtin.prompted_outline.node_pairs import node_pairs
from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid, work_grid

Flags = NDArray[np.bool_]
Voxels = NDArray[np.int64]

NODES = 33_000
# Half the edge of the box, in distances from the mark to the outline: the part that is wrong is seldom larger.
_HALF_SIZE = 5.0
_LEAST_MM = 8.0
_LARGEST_MM = 125.0
_WIDER = 2.5
# Of the nodes that change, more than this share at the box's faces ask for a wider box.
_CUT_OFF = 0.02


def corrected(
    volume: NDArray[Any],
    mask: Flags,
    spacing_mm: NDArray[np.float64],
    mark: Voxels,
    inside: bool,
    opposite: Voxels,
) -> Found:
    """Return the outline after a mark, on a grid around it.

    Parameters
    ----------
    volume, mask : (K, J, I) image, and the outline so far
    mark : (N, 3) voxels k, j, i that lie in the object, or beside it
    opposite : (M, 3) voxels that were shown to lie on the other side
    """
    half_mm = float(np.clip(_HALF_SIZE * _depth_mm(mask, spacing_mm, mark, inside), _LEAST_MM, _LARGEST_MM))
    while True:
        reach = np.ceil(half_mm / spacing_mm).astype(np.int64)
        grid = work_grid(volume, spacing_mm, mark.min(axis=0) - reach, mark.max(axis=0) + reach, NODES)
        found, cut_off = _corrected_on(grid, mask, mark, inside, opposite)
        if not cut_off or half_mm >= _LARGEST_MM:
            return found
        half_mm = min(half_mm * _WIDER, _LARGEST_MM)


def _corrected_on(grid: WorkGrid, mask: Flags, mark: Voxels, inside: bool, opposite: Voxels) -> tuple[Found, bool]:
    now = grid.mean_of(mask) >= 0.5
    seeds, others = marked(grid, mark), marked(grid, opposite)
    others &= ~seeds
    joined = (now if inside else ~now) & ~seeds
    pairs = node_pairs(grid)
    faces = open_faces(grid, np.array(mask.shape))
    costs = path_costs(grid, pairs, seeds, joined | others, seed_level(grid, seeds))
    if others.any():
        level = seed_level(grid, others)
        theirs = path_costs(grid, pairs, others, joined | seeds, level)
        costs = np.where(costs <= theirs, costs, np.inf)
    growth = best_growth(grid, pairs, costs, joined, faces & ~joined)
    changed = growth.region | seeds
    region = now | changed if inside else now & ~changed
    cut_off = float((changed & faces).sum()) > _CUT_OFF * float(changed.sum())
    return Found(grid, region, growth.score), cut_off


def _depth_mm(mask: Flags, spacing_mm: NDArray[np.float64], mark: Voxels, inside: bool) -> float:
    """Return how far the mark lies from the outline: of its own side nothing is known yet but that."""
    for half_mm in (10.0, 40.0, _LARGEST_MM):
        reach = np.ceil(half_mm / spacing_mm).astype(np.int64)
        grid = work_grid(mask, spacing_mm, mark.min(axis=0) - reach, mark.max(axis=0) + reach, NODES)
        own_side = (grid.values >= 0.5) == inside
        seeds = marked(grid, mark)
        own_side &= ~seeds
        if own_side.any():
            away = ndimage.distance_transform_edt(~own_side, sampling=grid.spacing_mm)
            return float(away[seeds].max())
    return _LARGEST_MM
