"""The first outline from a mark: of outlines at every scale, the one that lies best on edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.prompted_outline.click_place import click_place
from AIImagingLogic.models.builtin.prompted_outline.growth import SeedLevels, best_growth, path_costs
from AIImagingLogic.models.builtin.prompted_outline.node_pairs import node_pairs
from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid, work_grid

Flags = NDArray[np.bool_]
Voxels = NDArray[np.int64]

# Half the edge of the box in which the object is sought; each holds the object of every size up to about its own.
HALF_SIZES_MM = (8.0, 20.0, 50.0, 125.0)
NODES = 33_000
_MOST_LEVELS = 12
_LEAST_SPREAD = 0.3


@dataclass(frozen=True)
class Found:
    """An outline on a grid.

    Attributes
    ----------
    region : (K, J, I) its nodes
    score : how well it lies on edges
    sure : (K, J, I) nodes that are to stay on their side
    joins : of a correction, whether the object grows
    """

    grid: WorkGrid
    region: Flags
    score: float
    sure: Flags | None = None
    joins: bool | None = None


def first_outline(
    volume: NDArray[Any],
    spacing_mm: NDArray[np.float64],
    inside: Voxels,
    outside: Voxels,
) -> Found:
    """Return the best outline around the voxels `inside` (N, 3), without those `outside` (M, 3); k, j, i."""
    best: Found | None = None
    before: WorkGrid | None = None
    for half_mm in HALF_SIZES_MM:
        reach = np.ceil(half_mm / spacing_mm).astype(np.int64)
        grid = work_grid(volume, spacing_mm, inside.min(axis=0) - reach, inside.max(axis=0) + reach, NODES)
        if before is not None and grid.shape == before.shape and np.array_equal(grid.first, before.first):
            break
        before = grid
        found = _grown(grid, np.array(volume.shape), inside, outside)
        if best is None or found.score > best.score:
            best = found
    assert best is not None
    return best


def _grown(grid: WorkGrid, image_size: Voxels, inside: Voxels, outside: Voxels) -> Found:
    seeds, others = marked(grid, inside), marked(grid, outside)
    others &= ~seeds
    pairs = node_pairs(grid)
    levels = seed_levels(grid, grid.node(inside))
    costs = path_costs(grid, pairs, seeds, others, levels)
    if others.any():
        held = outside[grid.holds(outside)]
        theirs = path_costs(grid, pairs, others, seeds, seed_levels(grid, grid.node(held)))
        costs = np.where(costs <= theirs, costs, np.inf)
    nothing, quiet = np.zeros(grid.shape, bool), levels.quiet(grid)
    place = click_place(grid, inside) if len(outside) == 0 else None
    faces = open_faces(grid, image_size)
    growth = best_growth(grid, pairs, costs, nothing, faces, quiet=quiet, place=place)
    return Found(grid, growth.region | seeds, growth.score)


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
