"""From a region on a coarse grid to voxels: once more on a grid that just holds it, then voxel by voxel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.prompted_outline.correction import Found
from AIImagingLogic.models.builtin.prompted_outline.node_pairs import node_pairs
from AIImagingLogic.models.builtin.prompted_outline.offers import marked
from AIImagingLogic.models.builtin.prompted_outline.settling import settled
from AIImagingLogic.models.builtin.prompted_outline.whole_voxels import voxels_from
from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid, region_on, work_grid

Flags = NDArray[np.bool_]
Voxels = NDArray[np.int64]

NODES = 80_000
# Nodes of the coarse grid around what changed.
_MARGIN = 3
# A correction moves the outline this far, in coarse nodes, around what it changes.
_NEAR = 2
_MORE_PASSES = 2
# And elsewhere, the way of the mark, at most this many times as many nodes and some more.
_ELSEWHERE = 3.0
_FEW = 20
_SHRUNK = 0.4


def finished(
    volume: NDArray[Any],
    mask: Flags,
    spacing_mm: NDArray[np.float64],
    found: Found,
    first: bool,
    extent: tuple[NDArray[np.int64], NDArray[np.int64]] | None,
    inside: Voxels,
    outside: Voxels,
) -> tuple[tuple[slice, ...], Flags]:
    """Return the box in which the outline changes, and its voxels there.

    Parameters
    ----------
    mask : (K, J, I) the outline so far; of a first one it says nothing
    first : whether there was no outline before
    extent : first voxel of the object so far, and the one after its last, when all of it may move; else only what lies
        near the change may
    inside, outside : (N, 3) voxels k, j, i that were shown
    """
    coarse = found.grid
    before = np.zeros(coarse.shape, bool) if first else coarse.mean_of(mask) >= 0.5
    changed = found.region != before
    if not changed.any():
        # A mark in the image's last voxels may lie beside the grid: the node next to it then.
        changed = np.zeros(coarse.shape, bool)
        changed[tuple(coarse.node(np.concatenate([inside, outside])).T)] = True
    where = ndimage.find_objects(changed.astype(np.int8))[0]
    low = coarse.first + coarse.step * np.array([s.start - _MARGIN for s in where])
    high = coarse.first + coarse.step * np.array([s.stop + _MARGIN for s in where]) - 1
    if extent is not None:
        margin = _MARGIN * coarse.step
        low, high = np.minimum(low, extent[0] - margin), np.maximum(high, extent[1] - 1 + margin)
    grid = work_grid(volume, spacing_mm, low, high, NODES)
    region = region_on(grid, coarse, found.region, None if first else mask)
    seeds_in, seeds_out = marked(grid, inside), marked(grid, outside)
    near = may_move = None
    if not first:
        near = region_on(grid, coarse, ndimage.binary_dilation(changed, iterations=_NEAR))
        may_move = near if found.sure is None else near & ~region_on(grid, coarse, found.sure)
        if extent is not None:
            may_move = may_move | ~near
    pairs = node_pairs(grid)
    shares = settled(grid, pairs, region, seeds_in & ~seeds_out, seeds_out, may_move)
    for _ in range(_MORE_PASSES):
        # What the object looks like is known better now.
        shares = settled(grid, pairs, shares >= 0.5, seeds_in & ~seeds_out, seeds_out, may_move)
    if near is not None and extent is not None and found.joins is not None:
        # Elsewhere the outline follows as far as it goes the way of the mark.
        other_way = (region & (shares < 0.5)) if found.joins else (~region & (shares >= 0.5))
        shares[other_way & ~near] = region[other_way & ~near]
        was = region_on(grid, coarse, before, mask)
        _only_sure(shares, was, near)
        near = near | ndimage.binary_dilation((shares >= 0.5) != was)
    if float((shares >= 0.5).sum()) < _SHRUNK * float(region.sum()):
        # Inside and outside look alike: intensities would take the object away.
        shares = region.astype(np.float32)
    if first:
        shares = _one_object(shares, seeds_in)
    values = voxels_from(grid, shares)
    if near is not None:
        values = np.where(_flags_on_voxels(grid, near), values, mask[grid.slices])
    box = grid.slices
    _mark_voxels(values, grid, inside, True)
    _mark_voxels(values, grid, outside, False)
    return box, values


def _only_sure(shares: NDArray[np.float32], was: Flags, near: Flags) -> None:
    """Of what changes elsewhere keep the surest nodes, in number no more than the change near the mark allows.

    A person shows the largest error: an outline that moves more elsewhere has lost its hold.
    """
    moved = (shares >= 0.5) != was
    most = int(_ELSEWHERE * (float((moved & near).sum()) + _FEW))
    far = np.flatnonzero(moved & ~near)
    if len(far) > most:
        surest = np.argsort(-np.abs(shares.ravel()[far] - 0.5), kind="stable")
        back = far[surest[most:]]
        shares.flat[back] = was.ravel()[back]


def _flags_on_voxels(grid: WorkGrid, flags: Flags) -> Flags:
    for axis, step in enumerate(grid.step):
        flags = np.repeat(flags, int(step), axis=axis)
    return flags


def _one_object(shares: NDArray[np.float32], seeds: Flags) -> NDArray[np.float32]:
    """Keep the parts that hold a seed, without one the largest, with their holes filled."""
    parts, count = ndimage.label(shares >= 0.5)
    if not count:
        return shares
    numbers = np.unique(parts[seeds])
    if not numbers.any():
        # Started from a box alone.
        numbers = np.array([np.bincount(parts.ravel())[1:].argmax() + 1])
    kept = np.isin(parts, numbers[numbers > 0])
    filled = ndimage.binary_fill_holes(kept)
    shares = np.where((parts > 0) & ~kept, np.float32(0), shares)
    return np.where(filled & ~kept, np.float32(1), shares)


def _mark_voxels(values: Flags, grid: WorkGrid, voxels: Voxels, inside: bool) -> None:
    held = voxels[np.all((voxels >= grid.first) & (voxels < grid.first + np.array(values.shape)), axis=1)]
    values[tuple((held - grid.first).T)] = inside
