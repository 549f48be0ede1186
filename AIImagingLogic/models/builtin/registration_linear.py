"""The rigid or affine map that brings two images together, by Gauss-Newton from coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from AIImagingLogic.models.builtin.registration_equations import (
    BLOCK_VOXELS,
    NormalEquations,
    block_shape,
    gradients,
    normal_equations,
)
from AIImagingLogic.models.builtin.registration_grid import Array, Points, WorkGrid
from AIImagingLogic.models.builtin.registration_pyramid import Level
from AIImagingLogic.records.progress import Progress

_ITERATIONS = 25
_STILL_VOXELS = 0.02
_LONGEST_STEP_MM = 40.0
# Lengths are counted in this unit while solving, so that turning and shifting weigh alike.
_UNIT_MM = 100.0
_DAMPING = 1e-3
# What a voxel without a counterpart costs, so that leaving the field of view is never a gain.
_COST_OUTSIDE = 0.6
_PAIR = ((0, 1, 2), (1, 3, 4), (2, 4, 5))


@dataclass(frozen=True)
class LinearMap:
    """Points of the fixed image to points of the moving one, LPS mm: ``matrix @ point + offset``.

    Attributes
    ----------
    matrix : (3, 3)
    offset : (3,) mm
    """

    matrix: Points
    offset: Points

    def __call__(self, points: Points) -> Points:
        """Return where points (N, 3) go."""
        return points @ self.matrix.T + self.offset

    def inverse(self) -> LinearMap:
        """Return the map back."""
        back = np.asarray(np.linalg.inv(self.matrix), np.float64)
        return LinearMap(back, -back @ self.offset)

    def after(self, matrix: Points, offset: Points) -> LinearMap:
        """Return this map after ``matrix @ point + offset``."""
        return LinearMap(self.matrix @ matrix, self.matrix @ offset + self.offset)

    def transform(self) -> sitk.Transform:
        """Return it as a transform that Slicer reads as linear."""
        return sitk.AffineTransform(self.matrix.ravel().tolist(), self.offset.tolist())


@dataclass(frozen=True)
class LinearFit:
    """A map and how well it fits: `cost` (lower is better) and the share 0..1 of the fixed region that it covers."""

    map: LinearMap
    cost: float
    overlap: float


def shift(offset_mm: Points) -> LinearMap:
    """Return the map that moves every point by `offset_mm`."""
    return LinearMap(np.eye(3), np.asarray(offset_mm, float))


def fit_linear(levels: Sequence[Level], start: LinearMap, rigid: bool, progress: Progress) -> LinearFit:
    """Return the best map near `start`.

    Parameters
    ----------
    levels : to pass through, the finest first
    start : from here
    rigid : turn and shift only; else also stretch and shear
    progress : asked for cancellation at each iteration
    """
    fit = LinearFit(start, np.inf, 0.0)
    for number, level in enumerate(reversed(levels)):
        fit = _fitted(level, fit.map, rigid, progress.part(number / len(levels), (number + 1) / len(levels)))
    return fit


def moved_linearly(level: Level, mapping: LinearMap) -> list[Array]:
    """Return the moving channels of `level` on the fixed grid; not-a-number outside the moving image."""
    matrix, offset = _index_map(level.grid, level.moving_grid, mapping)
    return [
        ndimage.affine_transform(
            channel.values, matrix, offset, level.grid.shape, np.float32, order=1, mode="constant", cval=np.nan
        )
        for channel in level.moving
    ]


def _fitted(level: Level, mapping: LinearMap, rigid: bool, progress: Progress) -> LinearFit:
    spacing = level.grid.spacing_mm
    fixed_gradients = gradients(level.fixed, spacing)
    basis = _basis(level.grid)
    best = LinearFit(mapping, np.inf, 0.0)
    for iteration in range(_ITERATIONS + 1):
        progress.report(iteration / _ITERATIONS, f"Rigid and affine, {spacing:.1f} mm")
        equations = normal_equations(
            level.fixed, fixed_gradients, moved_linearly(level, mapping), level.weight, spacing
        )
        cost = equations.energy * equations.overlap + _COST_OUTSIDE * (1 - equations.overlap)
        if cost < best.cost:
            best = LinearFit(mapping, cost, equations.overlap)
        elif iteration > 2 and cost > 1.2 * best.cost:
            break
        if equations.overlap < 0.02:
            break
        matrix, offset, step = _step(equations, basis, level.grid, rigid)
        mapping = mapping.after(matrix, offset)
        if step < _STILL_VOXELS * spacing:
            break
    return best


def _step(
    equations: NormalEquations, basis: NDArray[np.float64], grid: WorkGrid, rigid: bool
) -> tuple[Points, Points, float]:
    """Return matrix, offset (LPS) and greatest displacement (mm) of one Gauss-Newton step.

    The unknowns are a shift and a 3 x 3 matrix about the grid's centre, along z, y, x: basis 1, z, y, x each.
    """
    tensor = equations.tensor.reshape(6, -1).astype(np.float64)
    moments = np.einsum("nq,aq,bq->nab", tensor, basis, basis, optimize=True)
    square = np.array([[moments[_PAIR[i][j]] for j in range(3)] for i in range(3)]).transpose(0, 2, 1, 3)
    square = square.reshape(12, 12)
    right = (equations.pull.reshape(3, -1).astype(np.float64) @ basis.T).ravel()
    allowed = _turns_and_shifts() if rigid else np.eye(12)
    square, right = allowed.T @ square @ allowed, allowed.T @ right
    square += np.diag(_DAMPING * np.diag(square) + 1e-9)
    unknowns = (allowed @ np.linalg.solve(square, right)).reshape(3, 4)
    along, moved = unknowns[:, 1:] / _UNIT_MM, unknowns[:, 0]
    half = grid.extent_mm[::-1] / 2
    step = float(np.linalg.norm(np.abs(along) @ half + np.abs(moved)))
    if step > _LONGEST_STEP_MM:
        along, moved = along * _LONGEST_STEP_MM / step, moved * _LONGEST_STEP_MM / step
    flip = np.eye(3)[::-1]
    axes = grid.axes
    matrix = np.eye(3) + axes @ (flip @ along @ flip) @ axes.T
    if rigid:
        skew = matrix - np.eye(3)
        matrix = Rotation.from_rotvec([skew[2, 1], skew[0, 2], skew[1, 0]]).as_matrix()
    return matrix, grid.center_mm + axes @ (flip @ moved) - matrix @ grid.center_mm, step


def _basis(grid: WorkGrid) -> NDArray[np.float64]:
    """Return 1, z, y, x of each block about the grid's centre: (4, blocks), lengths in `_UNIT_MM`."""
    middle = (BLOCK_VOXELS - 1) / 2
    lines = [
        ((np.arange(blocks) * BLOCK_VOXELS + middle) * grid.spacing_mm - extent / 2) / _UNIT_MM
        for blocks, extent in zip(block_shape(grid.shape), grid.extent_mm[::-1], strict=True)
    ]
    z, y, x = np.meshgrid(*lines, indexing="ij")
    return np.stack([np.ones(z.size), z.ravel(), y.ravel(), x.ravel()])


def _turns_and_shifts() -> NDArray[np.float64]:
    """Return how three shifts and three turns make up the twelve affine unknowns: (12, 6)."""
    allowed = np.zeros((12, 6))
    for axis in range(3):
        allowed[4 * axis, axis] = 1
    for column, (first, second) in enumerate(((0, 1), (0, 2), (1, 2))):
        allowed[4 * first + 1 + second, 3 + column] = 1
        allowed[4 * second + 1 + first, 3 + column] = -1
    return allowed


def _index_map(grid: WorkGrid, moving_grid: WorkGrid, mapping: LinearMap) -> tuple[Points, Points]:
    """Return matrix and offset from fixed to moving voxel indices in array order (z, y, x)."""
    scale = grid.spacing_mm / moving_grid.spacing_mm
    matrix = moving_grid.axes.T @ mapping.matrix @ grid.axes * scale
    offset = moving_grid.to_index(mapping(grid.origin_mm[None]))[0]
    return matrix[::-1, ::-1], offset[::-1]
