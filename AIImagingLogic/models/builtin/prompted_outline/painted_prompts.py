"""Prompts as voxels of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from AIImagingLogic.images.geometry import index_matrix, world_to_index
from AIImagingLogic.records.boxes import OrientedBox, Vector
from AIImagingLogic.records.prompts import Stroke

Voxels = NDArray[np.int64]
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


def click_mark(image: sitk.Image, point_mm: Vector, inside: bool) -> Mark:
    """Return the voxel of a click."""
    return Mark(_within(image, _voxels_at(image, [point_mm])), inside)


def stroke_mark(image: sitk.Image, stroke: Stroke) -> Mark:
    """Return the voxels within the pen's radius of a stroke's line, and those on the line."""
    corners = np.array(stroke.points_mm, dtype=float).reshape(-1, 3)
    step = 0.5 * min(image.GetSpacing())
    line = [corners[:1]]
    for start, end in zip(corners[:-1], corners[1:], strict=True):
        count = max(int(np.ceil(np.linalg.norm(end - start) / step)), 1)
        line.append(start + (end - start) * (np.arange(1, count + 1) / count)[:, None])
    points = np.concatenate(line)
    on_line = _voxels_at(image, points)
    reach = np.floor(stroke.radius_mm / np.array(image.GetSpacing()))
    ranges = [np.arange(-n, n + 1) for n in reach]
    offsets = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)
    near = np.linalg.norm(offsets @ index_matrix(image).T, axis=1) <= stroke.radius_mm
    offsets = offsets[near].astype(np.int64) if near.any() else np.zeros((1, 3), np.int64)
    voxels = np.unique((np.unique(on_line, axis=0)[:, None] + offsets).reshape(-1, 3), axis=0)
    return Mark(_within(image, voxels), stroke.inside)


def lasso_marks(image: sitk.Image, lasso_mm: tuple[Vector, ...]) -> tuple[Mark, Mark]:
    """Return the voxels in the lasso's slice that it holds, and a ring beside it.

    The slice is the one along the image's axes in which the line lies best.
    """
    corners = world_to_index(image, lasso_mm)
    across = int(np.argmin(np.ptp(corners, axis=0) * np.array(image.GetSpacing())))
    plane = [axis for axis in range(3) if axis != across]
    size = np.array(image.GetSize())[plane]
    margin = np.maximum(np.ptp(corners[:, plane], axis=0) * 0.25, 2.0)
    first = np.maximum(np.floor(corners[:, plane].min(axis=0) - margin), 0).astype(np.int64)
    last = np.minimum(np.ceil(corners[:, plane].max(axis=0) + margin), size - 1).astype(np.int64)
    a, b = np.meshgrid(np.arange(first[0], last[0] + 1), np.arange(first[1], last[1] + 1), indexing="ij")
    held = _held_by(corners[:, plane], a.ravel(), b.ravel())
    voxels = np.empty((a.size, 3), dtype=np.int64)
    voxels[:, plane[0]], voxels[:, plane[1]] = a.ravel(), b.ravel()
    voxels[:, across] = int(np.floor(corners[:, across].mean() + 0.5))
    return Mark(_within(image, voxels[held]), True), Mark(_within(image, voxels[~held]), False)


def box_bounds(image: sitk.Image, box: OrientedBox) -> tuple[Voxels, Voxels]:
    """Return the first and last voxel (k, j, i) of the image that the box touches."""
    half = np.array(box.size_mm) / 2
    signs = np.stack(np.meshgrid(*([-1, 1],) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    corners = world_to_index(image, np.array(box.center_mm) + (signs * half) @ np.array(box.axes))
    first = np.ceil(corners.min(axis=0) - 0.5 + 1e-6)
    last = np.maximum(np.floor(corners.max(axis=0) + 0.5 - 1e-6), first)
    top = np.array(image.GetSize()) - 1
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


def _voxels_at(image: sitk.Image, points_mm: ArrayLike) -> Voxels:
    """Return the voxels (N, 3), i, j, k, of points; on the face between two it is the farther one, as in SimpleITK."""
    return np.floor(world_to_index(image, points_mm) + 0.5).astype(np.int64)


def _within(image: sitk.Image, index: Voxels) -> Voxels:
    """Return those voxels (i, j, k) that the image has, as k, j, i."""
    held = np.all((index >= 0) & (index < np.array(image.GetSize())), axis=1)
    return np.ascontiguousarray(index[held][:, ::-1]) if held.any() else _NONE
