"""One correction of an outline: the part at the mark joins the object, or leaves it; what is far stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.prompted_outline.click_place import ClickPlace, click_place
from AIImagingLogic.models.builtin.prompted_outline.growth import best_growth, path_costs
from AIImagingLogic.models.builtin.prompted_outline.node_pairs import node_pairs
from AIImagingLogic.models.builtin.prompted_outline.offers import marked, open_faces, seed_levels
from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid, work_grid

Flags = NDArray[np.bool_]
Voxels = NDArray[np.int64]

NODES = 33_000
# Half the edge of the box, in distances from the mark to the outline: the part that is wrong is seldom larger.
_HALF_SIZE = 5.0
_LEAST_MM = 8.0
_LARGEST_MM = 125.0
_WIDER = 2.5
# A mark beside the object takes less than this share of it.
_MOST_TAKEN = 0.7
# Of the way from the click to the outline, before and after, this share does not move any more.
_SURE = 0.7
# Of an outline that was given nothing tells that intensities made it: they may not undo what a person shows there.
_SURE_OF_GIVEN = 0.9
_CORE_AWAY = 2.0
# Of the nodes that change, more than this share at the box's faces ask for a wider box.
_CUT_OFF = 0.02


@dataclass(frozen=True)
class Found:
    """An outline on a grid.

    Attributes
    ----------
    region : (K, J, I) its nodes
    sure : (K, J, I) nodes that are to stay on their side
    joins : of a correction, whether the object grows
    """

    grid: WorkGrid
    region: Flags
    sure: Flags | None = None
    joins: bool | None = None


def corrected(
    volume: NDArray[Any],
    mask: Flags,
    spacing_mm: NDArray[np.float64],
    mark: Voxels,
    inside: bool,
    opposite: Voxels,
    size: int,
    allowed: Callable[[WorkGrid], Flags] | None = None,
    given: bool = False,
) -> Found:
    """Return the outline after a mark, on a grid around it.

    Parameters
    ----------
    volume, mask : (K, J, I) image, and the outline so far
    mark : (N, 3) voxels k, j, i that lie in the object, or beside it
    opposite : (M, 3) voxels that were shown to lie on the other side
    size : voxels of the outline so far
    allowed : tells of a grid which nodes may join the object; without it all
    given : whether the outline was not made here
    """
    depth_mm = outline_distance_mm(mask, spacing_mm, mark, inside)
    half_mm = float(np.clip(_HALF_SIZE * depth_mm, _LEAST_MM, _LARGEST_MM))
    while True:
        reach = np.ceil(half_mm / spacing_mm).astype(np.int64)
        grid = work_grid(volume, spacing_mm, mark.min(axis=0) - reach, mark.max(axis=0) + reach, NODES)
        sure = _SURE_OF_GIVEN if given else _SURE
        found, cut_off = _corrected_on(grid, mask, mark, inside, opposite, depth_mm, size, allowed, sure)
        if not cut_off or half_mm >= _LARGEST_MM:
            return found
        half_mm = min(half_mm * _WIDER, _LARGEST_MM)


def _corrected_on(
    grid: WorkGrid,
    mask: Flags,
    mark: Voxels,
    inside: bool,
    opposite: Voxels,
    depth_mm: float,
    size: int,
    allowed: Callable[[WorkGrid], Flags] | None,
    sure_share: float,
) -> tuple[Found, bool]:
    now = grid.mean_of(mask) >= 0.5
    seeds, others = marked(grid, mark), marked(grid, opposite)
    others &= ~seeds
    joined = (now if inside else ~now) & ~seeds
    pairs = node_pairs(grid)
    faces = open_faces(grid, np.array(mask.shape))
    closed = joined | others
    if allowed is not None and inside:
        closed |= ~allowed(grid) & ~seeds
    costs = path_costs(grid, pairs, seeds, closed, seed_levels(grid, grid.node(mark)))
    place = click_place(grid, mark, max(depth_mm, float(grid.spacing_mm.min())))
    if not inside and not others.any():
        others |= _core(now & ~seeds, place, depth_mm, grid)
    if others.any():
        theirs = path_costs(grid, pairs, others, joined | seeds, seed_levels(grid, np.argwhere(others)))
        costs = np.where(costs <= theirs, costs, np.inf)
    ball_nodes = 4 / 3 * np.pi * depth_mm**3 / float(np.prod(grid.spacing_mm))
    # What joins at once is hardly more than what was there, or than what was left out up to the mark.
    object_nodes = size / float(np.prod(grid.step))
    most = max(object_nodes, ball_nodes) if inside else _MOST_TAKEN * object_nodes
    growth = best_growth(pairs, costs, joined, faces & ~joined, ball_nodes, most, place)
    changed = growth.region | seeds
    region = now | changed if inside else now & ~changed
    cut_off = float((changed & faces).sum()) > _CUT_OFF * float(changed.sum())
    sure = None
    if place is not None:
        near_mm = sure_share * min(depth_mm, growth.reach_mm)
        sure = changed & (place.away_mm.reshape(grid.shape) <= near_mm)
    return Found(grid, region, sure, inside), cut_off


def _core(now: Flags, place: ClickPlace | None, depth_mm: float, grid: WorkGrid) -> Flags:
    """Return the node deepest in the object, away from the click: what is most likely right holds its side."""
    flags = np.zeros(grid.shape, bool)
    if place is None or not now.any() or now.all():
        return flags
    depth = ndimage.distance_transform_edt(now, sampling=grid.spacing_mm)
    depth[place.away_mm.reshape(grid.shape) < _CORE_AWAY * depth_mm] = 0
    if depth.max() > 0:
        flags.flat[int(depth.argmax())] = True
    return flags


def outline_distance_mm(mask: Flags, spacing_mm: NDArray[np.float64], mark: Voxels, inside: bool) -> float:
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
