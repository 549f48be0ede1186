"""Prompts as voxels of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.images.geometry import Grid, grid_size, grid_spacing, index_matrix
from AIImagingLogic.models.builtin.prompted_outline.canonical_grid import index_of, voxel_of
from AIImagingLogic.records.boxes import OrientedBox, Vector
from AIImagingLogic.records.prompts import Stroke

Voxels = NDArray[np.int64]
# A voxel on the pen's very rim counts whatever the layout of the grid.
_ROUNDING_MM = 1e-6
_NONE = np.zeros((0, 3), dtype=np.int64)


@dataclass(frozen=True)
class Mark:
    """Voxels (N, 3), k, j, i, that were shown to lie in the object, or beside it."""

    voxels: Voxels
    inside: bool


def shown(marks: Sequence[Mark], size: tuple[int, ...]) -> tuple[Voxels, Voxels]:
    """Return the voxels (N, 3) shown inside and those beside; where marks contradict each other the last one holds."""
    inside, outside, seen = [_NONE], [_NONE], np.zeros(0, np.int64)
    for mark in reversed(marks):
        numbers = np.ravel_multi_index(tuple(mark.voxels.T), size)
        (inside if mark.inside else outside).append(mark.voxels[~np.isin(numbers, seen)])
        seen = np.concatenate([seen, numbers])
    return np.concatenate(inside), np.concatenate(outside)


def click_mark(grid: Grid, point_mm: Vector, inside: bool) -> Mark:
    """Return the voxel of a click."""
    return Mark(_within(grid, voxel_of(grid, [point_mm])), inside)


def stroke_mark(grid: Grid, stroke: Stroke) -> Mark:
    """Return the voxels within the pen's radius of a stroke's line, and those on the line."""
    corners = np.array(stroke.points_mm, dtype=float).reshape(-1, 3)
    step = 0.5 * float(grid_spacing(grid).min())
    line = [corners[:1]]
    for start, end in zip(corners[:-1], corners[1:], strict=True):
        count = max(int(np.ceil(np.linalg.norm(end - start) / step)), 1)
        line.append(start + (end - start) * (np.arange(1, count + 1) / count)[:, None])
    points = np.concatenate(line)
    on_line = voxel_of(grid, points)
    reach = np.floor((stroke.radius_mm + _ROUNDING_MM) / grid_spacing(grid))
    ranges = [np.arange(-n, n + 1) for n in reach]
    offsets = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)
    near = np.linalg.norm(offsets @ index_matrix(grid).T, axis=1) <= stroke.radius_mm + _ROUNDING_MM
    offsets = offsets[near].astype(np.int64) if near.any() else np.zeros((1, 3), np.int64)
    voxels = np.unique((np.unique(on_line, axis=0)[:, None] + offsets).reshape(-1, 3), axis=0)
    return Mark(_within(grid, voxels), stroke.inside)


def lasso_marks(grid: Grid, lasso_mm: tuple[Vector, ...]) -> tuple[Mark, Mark]:
    """Return the voxels in the lasso's slice that it holds, and a ring beside it.

    The slice is the one along the image's axes in which the line lies best.
    """
    corners = index_of(grid, lasso_mm)
    across = int(np.argmin(np.ptp(corners, axis=0) * grid_spacing(grid)))
    plane = [axis for axis in range(3) if axis != across]
    size = grid_size(grid)[plane]
    margin = np.maximum(np.ptp(corners[:, plane], axis=0) * 0.25, 2.0)
    first = np.maximum(np.floor(corners[:, plane].min(axis=0) - margin), 0).astype(np.int64)
    last = np.minimum(np.ceil(corners[:, plane].max(axis=0) + margin), size - 1).astype(np.int64)
    a, b = np.meshgrid(np.arange(first[0], last[0] + 1), np.arange(first[1], last[1] + 1), indexing="ij")
    held = _held_by(corners[:, plane], a.ravel(), b.ravel())
    voxels = np.empty((a.size, 3), dtype=np.int64)
    voxels[:, plane[0]], voxels[:, plane[1]] = a.ravel(), b.ravel()
    voxels[:, across] = int(np.floor(corners[:, across].mean() + 0.5))
    return Mark(_within(grid, voxels[held]), True), Mark(_within(grid, voxels[~held]), False)


def box_bounds(grid: Grid, box: OrientedBox) -> tuple[Voxels, Voxels]:
    """Return the first and last voxel (k, j, i) of the image that the box touches."""
    half = np.array(box.size_mm) / 2
    signs = np.stack(np.meshgrid(*([-1, 1],) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    corners = index_of(grid, np.array(box.center_mm) + (signs * half) @ np.array(box.axes))
    first = np.ceil(corners.min(axis=0) - 0.5 + 1e-6)
    last = np.maximum(np.floor(corners.max(axis=0) + 0.5 - 1e-6), first)
    top = grid_size(grid) - 1
    return np.clip(first, 0, top).astype(np.int64)[::-1], np.clip(last, 0, top).astype(np.int64)[::-1]


def _held_by(corners: NDArray[np.float64], a: Voxels, b: Voxels) -> NDArray[np.bool_]:
    """Say of each point whether a ray from it crosses the closed line an odd number of times."""
    odd = np.zeros(a.size, bool)
    for (a0, b0), (a1, b1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if b0 == b1:
            continue
        spans = (b0 > b) != (b1 > b)
        odd ^= spans & (a < a0 + (b - b0) * (a1 - a0) / (b1 - b0))
    return odd


def _within(grid: Grid, index: Voxels) -> Voxels:
    """Return those voxels (i, j, k) that the image has, as k, j, i."""
    held = np.all((index >= 0) & (index < grid_size(grid)), axis=1)
    return np.ascontiguousarray(index[held][:, ::-1]) if held.any() else _NONE
