"""The outlines that a box allows: the object fills the box, and looks unlike what lies around it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.images.geometry import Grid, grid_spacing, index_to_world
from AIImagingLogic.models.builtin.prompted_outline.edge_levels import BoxFit, best_levels
from AIImagingLogic.models.builtin.prompted_outline.growth import path_costs
from AIImagingLogic.models.builtin.prompted_outline.node_pairs import NodePairs, node_pairs
from AIImagingLogic.models.builtin.prompted_outline.offers import (
    LESS_LIKELY,
    LONGER_PATH,
    NODES,
    OFFERS,
    BoxPlaces,
    Offer,
    marked,
    seed_levels,
    walk_costs,
)
from AIImagingLogic.models.builtin.prompted_outline.painted_prompts import box_bounds
from AIImagingLogic.models.builtin.prompted_outline.random_walk import walk_shares
from AIImagingLogic.models.builtin.prompted_outline.unlike import log_ratio
from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid, work_grid
from AIImagingLogic.records.boxes import OrientedBox

Flags = NDArray[np.bool_]
Voxels = NDArray[np.int64]
Shares = NDArray[np.float32]
Costs = NDArray[np.float64]

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
# A walk begins in a ball in the middle: of a quarter of the smallest edge, within bounds.
_CORE_SHARE = 0.25
_CORE_MM = (2.5, 8.0)
# Of an outline by looks: where the object's looks are learned, and how much they and the place count.
_LOOKS_WITHIN = 0.8
_LOOKS_PER_CENTRAL = 2.0
_LOOKS_WEIGHTS = (0.1, 0.02)
_SOMEWHAT = {"path": LONGER_PATH, "walk": LESS_LIKELY, "looks": (0.0, 0.05)}
# A node on a face of the box lies in it, whatever the layout of the grid leaves of rounding.
_DECIMALS = 6


def offers_of_box(on: Grid, volume: NDArray[Any], box: OrientedBox, inside: Voxels, outside: Voxels) -> list[Offer]:
    """Return outlines in a box.

    Parameters
    ----------
    on : the volume's grid
    volume : (K, J, I) intensities
    inside, outside : (N, 3) voxels k, j, i that were shown as well; may be none
    """
    whole = _deepened(box)
    spacing = grid_spacing(on)[::-1]
    first, last = box_bounds(on, whole)
    margin = np.ceil(np.maximum((last - first) * _MARGIN, _LEAST_MARGIN_MM / spacing)).astype(np.int64)
    grid = work_grid(volume, spacing, first - margin, last + margin, NODES)
    placed = box_places(on, box, grid)
    others = marked(grid, outside)
    blocked = ~placed.allowed | others
    if blocked.all():
        return [Offer(grid, _middle_node(grid), "path", box=placed)]
    shown = marked(grid, inside) & ~blocked
    pairs = node_pairs(grid)
    flat = placed.places.reshape(-1, 3)
    fit = BoxFit(float(placed.allowed.sum()), np.concatenate([1 - flat, 1 + flat], axis=1) / 2)
    closed = np.zeros(grid.shape, bool)

    def offers(way: str, costs: Costs, seeds: Flags, count: int = OFFERS) -> list[Offer]:
        levels = best_levels(pairs, costs, closed, 1.0, count, _SOMEWHAT[way], fit)
        return [Offer(grid, (level.region | seeds) & ~blocked, way, level.grows, placed) for level in levels]

    found: list[Offer] = []
    theirs = _costs_of_others(grid, pairs, placed, shown, others, outside)
    wanted = _wanted(grid, placed, shown, others)
    free = ~blocked
    for number in range(_CORES):
        seeds = shown if shown.any() else _highest(wanted, free)
        costs = path_costs(grid, pairs, seeds, blocked, seed_levels(grid, np.argwhere(seeds)))
        if theirs is not None:
            costs = np.where(costs <= theirs, costs, np.inf)
        more = offers("path", costs, seeds, OFFERS if number == 0 else OFFERS - 1)
        found += more
        if shown.any() or not more:
            break
        # What was found may be a neighbour that the box holds as well: begin beside it.
        free &= ~ndimage.binary_dilation(more[0].region, iterations=_BESIDE)
        if not free.any():
            break
    seeds = shown if shown.any() else _middle_ball(placed, whole, blocked)
    found += offers("walk", walk_costs(pairs, seeds, blocked & ~seeds), seeds)
    for weight in _LOOKS_WEIGHTS:
        found += offers("looks", _costs_by_looks(grid, pairs, placed, shown, others, blocked, weight), shown)
    return found or [Offer(grid, seeds, "path", box=placed)]


def box_places(on: Grid, box: OrientedBox, grid: WorkGrid) -> BoxPlaces:
    """Return where in a box the nodes of a grid lie; of one drawn in a slice, in one as deep as it is wide."""
    whole = _deepened(box)
    numbers = np.moveaxis(np.indices(grid.shape), 0, -1).reshape(-1, 3)
    index = grid.first + numbers * grid.step + (grid.step - 1) / 2
    offsets = (index_to_world(on, index[:, ::-1]) - np.array(whole.center_mm)) @ np.array(whole.axes).T
    half = np.maximum(np.array(whole.size_mm), float(grid_spacing(on).min())) / 2
    places = np.asarray(np.round(offsets / half, _DECIMALS).reshape(*grid.shape, 3))
    return BoxPlaces(places, np.all(np.abs(places) <= 1, axis=-1))


def nodes_in_box(on: Grid, box: OrientedBox, grid: WorkGrid) -> Flags:
    """Say of each node whether it lies in the box: (K, J, I)."""
    return box_places(on, box, grid).allowed


def _deepened(box: OrientedBox) -> OrientedBox:
    """Return a box drawn in one slice as one that is as deep as it is wide."""
    size = np.array(box.size_mm)
    thin = int(size.argmin())
    others = np.delete(size, thin)
    if size[thin] >= _THIN * others.mean():
        return box
    size[thin] = others.mean()
    return replace(box, size_mm=(float(size[0]), float(size[1]), float(size[2])))


def _costs_of_others(
    grid: WorkGrid, pairs: NodePairs, placed: BoxPlaces, shown: Flags, others: Flags, outside: Voxels
) -> Costs | None:
    """Return what the cheapest path costs from the clicks beside the object; None without any in the box."""
    if not (others & placed.allowed).any():
        return None
    held = outside[grid.holds(outside)]
    levels = seed_levels(grid, grid.node(held))
    return path_costs(grid, pairs, others, shown | ~placed.allowed & ~others, levels)


def _wanted(grid: WorkGrid, placed: BoxPlaces, shown: Flags, others: Flags) -> Shares:
    """Return where the object is likely: like the box's inside, unlike its surroundings, rather in its middle."""
    central = np.clip(1 - np.linalg.norm(placed.places, axis=-1), 0, None)
    middle = placed.allowed & (central > _MIDDLE)
    unlike = log_ratio(grid, middle if middle.any() else placed.allowed, ~placed.allowed, shown, others)
    sigma = [_CORE_SIGMA if n > 1 else 0.0 for n in grid.shape]
    return np.asarray(ndimage.gaussian_filter(unlike, sigma) + _PER_CENTRAL * central, np.float32)


def _costs_by_looks(
    grid: WorkGrid, pairs: NodePairs, placed: BoxPlaces, shown: Flags, others: Flags, blocked: Flags, weight: float
) -> Costs:
    """Return how unlike the object each node is, by its looks and place, smoothed up to edges: infinite beyond."""
    away = np.linalg.norm(placed.places, axis=-1)
    unlike = log_ratio(grid, placed.allowed & (away < _LOOKS_WITHIN), ~placed.allowed, shown, others)
    prior = (1 / (1 + np.exp(-(unlike + _LOOKS_PER_CENTRAL * (1 - away))))).astype(np.float32)
    free = ~(blocked | shown)
    shares = shown.astype(np.float32)
    shares[free] = walk_shares(pairs, free.ravel(), shares.ravel(), prior[free], weight)
    return np.where(blocked, np.inf, -shares.astype(np.float64))


def _middle_ball(placed: BoxPlaces, box: OrientedBox, blocked: Flags) -> Flags:
    away_mm = np.linalg.norm(placed.places * (np.array(box.size_mm) / 2), axis=-1)
    ball = (away_mm <= float(np.clip(_CORE_SHARE * min(box.size_mm), *_CORE_MM))) & ~blocked
    return ball if ball.any() else _highest(-away_mm.astype(np.float32), ~blocked)


def _middle_node(grid: WorkGrid) -> Flags:
    flags = np.zeros(grid.shape, bool)
    flags[tuple(n // 2 for n in grid.shape)] = True
    return flags


def _highest(wanted: Shares, allowed: Flags) -> Flags:
    flags = np.zeros(wanted.shape, bool)
    flags.flat[int(np.where(allowed, wanted, -np.inf).argmax())] = True
    return flags
