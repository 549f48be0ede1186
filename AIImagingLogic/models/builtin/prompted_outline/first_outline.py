"""The first outline from a mark: of outlines at every scale, the one that lies best on edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.prompted_outline.growth import best_growth, path_costs
from AIImagingLogic.models.builtin.prompted_outline.node_pairs import node_pairs
from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid, work_grid

Flags = NDArray[np.bool_]
Voxels = NDArray[np.int64]

# Half the edge of the box in which the object is sought; each holds the object of every size up to about its own.
HALF_SIZES_MM = (8.0, 20.0, 50.0, 125.0)
NODES = 33_000


@dataclass(frozen=True)
class Found:
    """A region on a grid, and how well its outline lies on edges."""

    grid: WorkGrid
    region: Flags
    score: float


def first_outline(volume: NDArray[Any], spacing_mm: NDArray[np.float64], inside: Voxels, outside: Voxels) -> Found:
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
    seeds, blocked = marked(grid, inside), marked(grid, outside)
    blocked &= ~seeds
    pairs = node_pairs(grid)
    costs = path_costs(grid, pairs, seeds, blocked, seed_level(grid, seeds))
    growth = best_growth(grid, pairs, costs, np.zeros(grid.shape, bool), open_faces(grid, image_size))
    return Found(grid, growth.region | seeds, growth.score)


def marked(grid: WorkGrid, voxels: Voxels) -> Flags:
    """Return the nodes of those voxels (N, 3) that the grid holds."""
    flags = np.zeros(grid.shape, bool)
    held = voxels[grid.holds(voxels)]
    flags[tuple(grid.node(held).T)] = True
    return flags


def seed_level(grid: WorkGrid, seeds: Flags) -> float:
    """Return what the image is like at the seeds and right beside them."""
    around = ndimage.binary_dilation(seeds, np.ones((3, 3, 3), bool)) if seeds.sum() < 27 else seeds
    return float(np.median(grid.smoothed[around]))


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
