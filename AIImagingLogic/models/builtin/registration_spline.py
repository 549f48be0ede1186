"""Smooth displacement fields: cubic B-splines on a lattice over a working grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.models.builtin.registration_equations import BLOCK_VOXELS, block_shape
from AIImagingLogic.models.builtin.registration_grid import Array, WorkGrid

# The outermost coefficients stay zero, so that the field fades to nothing before the lattice ends.
_CLAMPED = 3
# Beyond the grid the field fades over this length: steep enough to stay near, not so steep as to fold.
_FADING_MM = 30.0


@dataclass(frozen=True)
class Lattice:
    """Control points of a cubic B-spline over a grid and some way beyond.

    Attributes
    ----------
    grid : where the field is needed
    step_mm : distance of the control points
    first_mm : (3,) place of the first control point along z, y, x, relative to the grid's first voxel
    count : control points along z, y, x
    """

    grid: WorkGrid
    step_mm: float
    first_mm: tuple[float, float, float]
    count: tuple[int, int, int]

    @classmethod
    def over(cls, grid: WorkGrid, step_mm: float) -> Lattice:
        """Return a lattice over `grid` that is wide enough for its field to fade beyond it."""
        ahead = int(np.ceil(_FADING_MM / step_mm)) + _CLAMPED
        count = [2 * ahead + int(np.ceil(length / step_mm)) + 1 for length in grid.extent_mm[::-1]]
        return cls(grid, step_mm, (-ahead * step_mm,) * 3, (count[0], count[1], count[2]))

    def finer(self, grid: WorkGrid, coefficients: Array) -> tuple[Lattice, Array]:
        """Return the lattice of half the step over `grid` (same first voxel), and the same field on it.

        Parameters
        ----------
        coefficients : (3, z, y, x) on this lattice; beyond the finer one, which is less wide, the field is dropped
        """
        target = Lattice.over(grid, self.step_mm / 2)
        values = _refined(coefficients)
        for axis in range(3):
            skipped = round((target.first_mm[axis] - self.first_mm[axis]) / target.step_mm)
            lines = np.arange(skipped, skipped + target.count[axis])
            known = (lines >= 0) & (lines < values.shape[axis + 1])
            values = np.take(values, np.clip(lines, 0, values.shape[axis + 1] - 1), axis=axis + 1)
            values *= known.reshape([-1 if other == axis + 1 else 1 for other in range(4)])
        return target, values * target.free

    @cached_property
    def voxel_basis(self) -> list[Array]:
        """Weight of each control point at each voxel, an (n voxels, n points) matrix for z, y, x."""
        return [
            self._basis(axis, np.arange(length) * self.grid.spacing_mm) for axis, length in enumerate(self.grid.shape)
        ]

    @cached_property
    def block_basis(self) -> list[Array]:
        """The same at the centres of the blocks of the normal equations."""
        middle = (BLOCK_VOXELS - 1) / 2
        return [
            self._basis(axis, (np.arange(length) * BLOCK_VOXELS + middle) * self.grid.spacing_mm)
            for axis, length in enumerate(block_shape(self.grid.shape))
        ]

    @cached_property
    def free(self) -> Array:
        """1 for control points that may move, 0 for the clamped border: (z, y, x)."""
        free = np.zeros(self.count, np.float32)
        free[(slice(_CLAMPED, -_CLAMPED),) * 3] = 1
        return free

    def zero(self) -> Array:
        """Return the coefficients of no displacement: (3, z, y, x)."""
        return np.zeros((3, *self.count), np.float32)

    def at_voxels(self, coefficients: Array) -> Array:
        """Return the displacement at each voxel: (3, z, y, x), mm along z, y, x of the grid."""
        return _expanded(coefficients, self.voxel_basis)

    def at_blocks(self, coefficients: Array) -> Array:
        """Return the displacement at each block of voxels: (3, z, y, x) mm."""
        return _expanded(coefficients, self.block_basis)

    def gathered(self, values: Array) -> Array:
        """Return the transpose of `at_blocks`: values of blocks summed onto control points."""
        return _expanded(values, [basis.T for basis in self.block_basis])

    def transform(self, coefficients: Array) -> sitk.Transform:
        """Return the field as a transform of points, LPS mm; identity beyond the lattice."""
        vectors = np.tensordot(self.grid.axes, coefficients[::-1].astype(np.float64), axes=1)
        first = self.grid.to_world(np.array([self.first_mm[::-1]]) / self.grid.spacing_mm)[0]
        images = []
        for component in vectors:
            image = sitk.GetImageFromArray(component)
            image.SetSpacing([self.step_mm] * 3)
            image.SetOrigin(first.tolist())
            image.SetDirection(self.grid.axes.ravel().tolist())
            images.append(image)
        return sitk.BSplineTransform(images, 3)

    def _basis(self, axis: int, places_mm: np.ndarray) -> Array:
        points = self.first_mm[axis] + self.step_mm * np.arange(self.count[axis])
        return _cubic((places_mm[:, None] - points) / self.step_mm).astype(np.float32)


def _refined(coefficients: Array) -> Array:
    """Return the coefficients of the very same field on control points half as far apart.

    Parameters
    ----------
    coefficients : (3, z, y, x)

    Returns
    -------
    (3, 2z - 1, 2y - 1, 2x - 1); the two-scale relation of cubic B-splines (weights 1, 4, 6, 4, 1 over 8).
    """
    for axis in (1, 2, 3):
        old = np.moveaxis(coefficients, axis, 0)
        new = np.zeros((2 * old.shape[0] - 1, *old.shape[1:]), np.float32)
        new[::2] = 0.75 * old
        new[2::2] += 0.125 * old[:-1]
        new[:-1:2] += 0.125 * old[1:]
        new[1::2] = 0.5 * (old[:-1] + old[1:])
        coefficients = np.moveaxis(new, 0, axis)
    return np.ascontiguousarray(coefficients)


def bending(coefficients: Array) -> Array:
    """Return the gradient of the bending of a field: squared second differences along and across the axes.

    Parameters
    ----------
    coefficients : (3, z, y, x), zero at the border, where the sum of all second differences is the squared Laplacian

    References
    ----------
    P. H. C. Eilers, B. D. Marx, Flexible smoothing with B-splines and penalties (1996).
    """
    return _laplacian(_laplacian(coefficients))


BENDING_DIAGONAL = 42
"""The diagonal of `bending` as a matrix, away from the border: 6 squared, and 1 for each of 6 neighbours."""


def _laplacian(values: Array) -> Array:
    result = np.float32(6) * values
    for axis in (1, 2, 3):
        low = [slice(None)] * 4
        high = [slice(None)] * 4
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        result[tuple(low)] -= values[tuple(high)]
        result[tuple(high)] -= values[tuple(low)]
    return result


def _expanded(values: Array, basis: list[Array]) -> Array:
    """Return the product of (3, z, y, x) values with a matrix along each axis."""
    along_x = values @ basis[2].T
    along_y = np.matmul(basis[1], along_x)
    flat = along_y.reshape(3, along_y.shape[1], -1)
    return np.matmul(basis[0], flat).reshape(3, -1, *along_y.shape[2:])


def _cubic(distance: np.ndarray) -> np.ndarray:
    away = np.abs(distance)
    near = 2 / 3 - away**2 + away**3 / 2
    return np.where(away < 1, near, np.where(away < 2, (2 - away) ** 3 / 6, 0.0))
