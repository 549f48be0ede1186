"""The first outline from a box: the object fills the box, and looks unlike what lies around it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.images.geometry import Grid, grid_spacing, index_to_world
from AIImagingLogic.models.builtin.prompted_outline.first_outline import NODES, Found, marked, seed_levels
from AIImagingLogic.models.builtin.prompted_outline.growth import best_growth, path_costs
from AIImagingLogic.models.builtin.prompted_outline.node_pairs import node_pairs
from AIImagingLogic.models.builtin.prompted_outline.painted_prompts import box_bounds
from AIImagingLogic.models.builtin.prompted_outline.unlike import log_ratio
from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid, work_grid
from AIImagingLogic.records.boxes import OrientedBox

Flags = NDArray[np.bool_]
Voxels = NDArray[np.int64]

# How much wider than the box, on each side, the surroundings reach that tell what the object does not look like.
_MARGIN = 0.2
_LEAST_MARGIN_MM = 4.0
# A box thinner than this share of its other edges was drawn in a slice: the object goes on beside it.
_THIN = 0.15
_CORE_SIGMA = 1.0
# A node on a face of the box lies in it, whatever the layout of the grid leaves of rounding.
_DECIMALS = 6


def box_outline(on: Grid, volume: NDArray[Any], box: OrientedBox, inside: Voxels, outside: Voxels) -> Found:
    """Return the best outline in a box.

    Parameters
    ----------
    inside, outside : (N, 3) voxels k, j, i that were shown as well; may be none
    """
    whole = _deepened(box)
    spacing = grid_spacing(on)[::-1]
    first, last = box_bounds(on, whole)
    margin = np.ceil(np.maximum((last - first) * _MARGIN, _LEAST_MARGIN_MM / spacing)).astype(np.int64)
    grid = work_grid(volume, spacing, first - margin, last + margin, NODES)
    places = _places(on, grid, whole)
    allowed = np.all(np.abs(places) <= 1, axis=-1)
    others = marked(grid, outside)
    blocked = ~allowed | others
    seeds = (marked(grid, inside) & ~blocked) | _core(grid, allowed & ~blocked, places)
    pairs = node_pairs(grid)
    costs = path_costs(grid, pairs, seeds, blocked, seed_levels(grid, np.argwhere(seeds)))
    if (others & allowed).any():
        held = outside[grid.holds(outside)]
        theirs = path_costs(grid, pairs, others, seeds | ~allowed & ~others, seed_levels(grid, grid.node(held)))
        costs = np.where(costs <= theirs, costs, np.inf)
    gaps = np.concatenate([1 - places.reshape(-1, 3), 1 + places.reshape(-1, 3)], axis=1) / 2
    growth = best_growth(grid, pairs, costs, np.zeros(grid.shape, bool), gaps=gaps, box_nodes=float(allowed.sum()))
    return Found(grid, growth.region | seeds, growth.score)


def nodes_in_box(on: Grid, box: OrientedBox, grid: WorkGrid) -> Flags:
    """Say of each node whether it lies in the box: (K, J, I)."""
    return np.asarray(np.all(np.abs(_places(on, grid, _deepened(box))) <= 1, axis=-1))


def _deepened(box: OrientedBox) -> OrientedBox:
    """Return a box drawn in one slice as one that is as deep as it is wide."""
    size = np.array(box.size_mm)
    thin = int(size.argmin())
    others = np.delete(size, thin)
    if size[thin] >= _THIN * others.mean():
        return box
    size[thin] = others.mean()
    return replace(box, size_mm=(float(size[0]), float(size[1]), float(size[2])))


def _places(on: Grid, grid: WorkGrid, box: OrientedBox) -> NDArray[np.float64]:
    """Return where in the box each node lies: (K, J, I, 3), -1..1 along the box's axes."""
    numbers = np.moveaxis(np.indices(grid.shape), 0, -1).reshape(-1, 3)
    index = grid.first + numbers * grid.step + (grid.step - 1) / 2
    offsets = (index_to_world(on, index[:, ::-1]) - np.array(box.center_mm)) @ np.array(box.axes).T
    half = np.maximum(np.array(box.size_mm), float(grid_spacing(on).min())) / 2
    return np.asarray(np.round(offsets / half, _DECIMALS).reshape(*grid.shape, 3))


def _core(grid: WorkGrid, allowed: Flags, places: NDArray[np.float64]) -> Flags:
    """Return the node that most looks like the box's inside and unlike its surroundings, rather in its middle."""
    if not allowed.any():
        flags = np.zeros(grid.shape, bool)
        flags[tuple(n // 2 for n in grid.shape)] = True
        return flags
    central = np.clip(1 - np.linalg.norm(places, axis=-1), 0, None)
    unlike = log_ratio(grid, allowed & (central > 0.2) if (allowed & (central > 0.2)).any() else allowed, ~allowed)
    sigma = [_CORE_SIGMA if n > 1 else 0.0 for n in grid.shape]
    wanted = ndimage.gaussian_filter(unlike, sigma) + 3 * central
    flags = np.zeros(grid.shape, bool)
    flags.flat[int(np.where(allowed, wanted, -np.inf).argmax())] = True
    return flags
