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
Shares = NDArray[np.float32]

# How much wider than the box, on each side, the surroundings reach that tell what the object does not look like.
_MARGIN = 0.2
_LEAST_MARGIN_MM = 4.0
# A box thinner than this share of its other edges was drawn in a slice: the object goes on beside it.
_THIN = 0.15
_CORE_SIGMA = 1.0
# The middle of the box, of which its object is likelier to hold a place, and how much that counts.
_MIDDLE = 0.2
_PER_CENTRAL = 3.0
# So many places are tried, each this many nodes beside what was found before.
_CORES = 3
_BESIDE = 2
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
    shown = marked(grid, inside) & ~blocked
    pairs = node_pairs(grid)
    theirs = None
    if (others & allowed).any():
        held = outside[grid.holds(outside)]
        theirs = path_costs(grid, pairs, others, shown | ~allowed & ~others, seed_levels(grid, grid.node(held)))
    gaps = np.concatenate([1 - places.reshape(-1, 3), 1 + places.reshape(-1, 3)], axis=1) / 2
    wanted = _wanted(grid, allowed, places, shown, others)
    best: Found | None = None
    free = allowed & ~blocked
    for _ in range(_CORES):
        if not free.any():
            break
        seeds = shown if shown.any() else _highest(wanted, free)
        costs = path_costs(grid, pairs, seeds, blocked, seed_levels(grid, np.argwhere(seeds)))
        if theirs is not None:
            costs = np.where(costs <= theirs, costs, np.inf)
        growth = best_growth(grid, pairs, costs, np.zeros(grid.shape, bool), gaps=gaps, box_nodes=float(allowed.sum()))
        if best is None or growth.score > best.score:
            best = Found(grid, growth.region | seeds, growth.score)
        if shown.any():
            break
        # What was found may be a neighbour that the box holds as well: begin beside it.
        free &= ~ndimage.binary_dilation(growth.region | seeds, iterations=_BESIDE)
    if best is None:
        middle = np.zeros(grid.shape, bool)
        middle[tuple(n // 2 for n in grid.shape)] = True
        return Found(grid, shown if shown.any() else middle, 0.0)
    return best


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


def _wanted(grid: WorkGrid, allowed: Flags, places: NDArray[np.float64], shown: Flags, others: Flags) -> Shares:
    """Return where the object is likely: like the box's inside, unlike its surroundings, rather in its middle."""
    central = np.clip(1 - np.linalg.norm(places, axis=-1), 0, None)
    middle = allowed & (central > _MIDDLE)
    unlike = log_ratio(grid, middle if middle.any() else allowed, ~allowed, shown, others)
    sigma = [_CORE_SIGMA if n > 1 else 0.0 for n in grid.shape]
    return np.asarray(ndimage.gaussian_filter(unlike, sigma) + _PER_CENTRAL * central, np.float32)


def _highest(wanted: Shares, allowed: Flags) -> Flags:
    flags = np.zeros(wanted.shape, bool)
    flags.flat[int(np.where(allowed, wanted, -np.inf).argmax())] = True
    return flags
