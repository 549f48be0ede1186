"""The outlines that clicks allow: at every scale, by paths that avoid edges and by a random walk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.prompted_outline.edge_levels import best_levels
from AIImagingLogic.models.builtin.prompted_outline.growth import SeedLevels, path_costs
from AIImagingLogic.models.builtin.prompted_outline.node_pairs import NodePairs, node_pairs
from AIImagingLogic.models.builtin.prompted_outline.random_walk import walk_shares
from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid, work_grid

Flags = NDArray[np.bool_]
Voxels = NDArray[np.int64]

# Half the edge of the box in which the object is sought; each holds the object of every size up to about its own.
HALF_SIZES_MM = (8.0, 20.0, 50.0, 125.0)
NODES = 33_000
# Outlines of different size that each way of growing offers at a scale.
OFFERS = 3
_LEAST_SHARE = 1e-12
# What is a somewhat longer path (a share of it), or a somewhat less likely walk (as log).
LONGER_PATH = (0.15, 0.0)
LESS_LIKELY = (0.0, 0.3)
_MOST_LEVELS = 12
_LEAST_SPREAD = 0.3


@dataclass(frozen=True)
class BoxPlaces:
    """A box that was drawn around the object, on a grid.

    Attributes
    ----------
    places : (K, J, I, 3) where in it each node lies, -1..1 along its axes
    allowed : (K, J, I) nodes in it
    """

    places: NDArray[np.float64]
    allowed: Flags


@dataclass(frozen=True)
class Offer:
    """An outline that may be meant.

    Attributes
    ----------
    region : (K, J, I) its nodes on the grid
    way : how it came about: ``path``, ``walk``, ``looks``, ``correction``, or ``near``: a correction's near part
    grows : of its `Level`; 0 of a correction
    box : the box that was drawn, if there is one
    """

    grid: WorkGrid
    region: Flags
    way: str
    grows: float = 0.0
    box: BoxPlaces | None = None


def offers_of_clicks(
    volume: NDArray[Any], spacing_mm: NDArray[np.float64], inside: Voxels, outside: Voxels
) -> list[Offer]:
    """Return outlines around the voxels `inside` (N, 3), without those `outside` (M, 3); k, j, i.

    Parameters
    ----------
    volume : (K, J, I) intensities
    spacing_mm : (3,) along k, j, i
    """
    offers: list[Offer] = []
    before: WorkGrid | None = None
    for half_mm in HALF_SIZES_MM:
        reach = np.ceil(half_mm / spacing_mm).astype(np.int64)
        grid = work_grid(volume, spacing_mm, inside.min(axis=0) - reach, inside.max(axis=0) + reach, NODES)
        if before is not None and grid.shape == before.shape and np.array_equal(grid.first, before.first):
            break
        # On the smallest grid a walk comes to the same outlines as the paths.
        offers += _offers_on(grid, np.array(volume.shape), inside, outside, walk=before is not None)
        before = grid
    # Where so little is left to grow in, what was shown is all that is known.
    return offers or [Offer(grid, marked(grid, inside), "path")]


def _offers_on(grid: WorkGrid, image_size: Voxels, inside: Voxels, outside: Voxels, walk: bool) -> list[Offer]:
    seeds, others = marked(grid, inside), marked(grid, outside)
    others &= ~seeds
    pairs = node_pairs(grid)
    levels = seed_levels(grid, grid.node(inside))
    faces, quiet = open_faces(grid, image_size), levels.quiet(grid)
    costs = path_costs(grid, pairs, seeds, others, levels)
    if others.any():
        held = outside[grid.holds(outside)]
        theirs = path_costs(grid, pairs, others, seeds, seed_levels(grid, grid.node(held)))
        costs = np.where(costs <= theirs, costs, np.inf)
    found = [("path", level) for level in best_levels(pairs, costs, faces, quiet, OFFERS, LONGER_PATH)]
    beyond = (faces | others) & ~seeds
    if walk and beyond.any():
        costs = walk_costs(pairs, seeds, beyond)
        found += [("walk", level) for level in best_levels(pairs, costs, faces, quiet, OFFERS, LESS_LIKELY)]
    return [Offer(grid, level.region | seeds, way, level.grows) for way, level in found]


def walk_costs(pairs: NodePairs, seeds: Flags, beyond: Flags) -> NDArray[np.float64]:
    """Return how unlikely a walk from each node comes to the seeds first: (K, J, I), infinite beyond."""
    free = ~(seeds | beyond)
    shares = seeds.astype(np.float32)
    shares[free] = walk_shares(pairs, free.ravel(), shares.ravel())
    return np.where(beyond, np.inf, -np.log(np.maximum(shares, _LEAST_SHARE).astype(np.float64)))


def marked(grid: WorkGrid, voxels: Voxels) -> Flags:
    """Return the nodes of those voxels (N, 3) that the grid holds."""
    flags = np.zeros(grid.shape, bool)
    held = voxels[grid.holds(voxels)]
    flags[tuple(grid.node(held).T)] = True
    return flags


def seed_levels(grid: WorkGrid, nodes: Voxels) -> SeedLevels:
    """Return what the image is like at nodes (N, 3) and right beside them; of many, of some spread evenly."""
    chosen = np.unique(nodes, axis=0)
    chosen = chosen[:: max(len(chosen) // _MOST_LEVELS, 1)]
    values, spreads = [], []
    for node in chosen:
        near, wider = (grid.smoothed[tuple(slice(max(n - r, 0), n + r + 1) for n in node)] for r in (1, 2))
        values.append(float(np.median(near)))
        spreads.append(1.5 * float(np.median(np.abs(wider - np.median(wider)))))
    own = max(float(np.median(spreads)), _LEAST_SPREAD * grid.noise)
    return SeedLevels(tuple(values), (grid.noise + own) / 2)


def open_faces(grid: WorkGrid, image_size: Voxels) -> Flags:
    """Return the nodes at faces of the box where the image goes on."""
    flags = np.zeros(grid.shape, bool)
    ends = grid.first + grid.step * (np.array(grid.shape) + 1)
    for axis in range(3):
        along = np.moveaxis(flags, axis, 0)
        if grid.first[axis] > 0:
            along[0] = True
        if ends[axis] <= image_size[axis]:
            along[-1] = True
    return flags
