"""A smooth field that brings two roughly aligned images together, from coarse to fine, without folding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from AIImagingLogic.models.builtin.registration_equations import NormalEquations, gradients, normal_equations
from AIImagingLogic.models.builtin.registration_grid import Array
from AIImagingLogic.models.builtin.registration_pyramid import Level, warped
from AIImagingLogic.models.builtin.registration_spline import BENDING_DIAGONAL, Lattice, bending
from AIImagingLogic.records.progress import Progress

CONTROL_STEP_VOXELS = 4
# How stiff the field is, in units that do not depend on the size of the organ (times the finest spacing squared).
_STIFFNESS = 7.0
_ITERATIONS_COARSEST, _ITERATIONS = 12, 6
# A level ends when an iteration lowers the difference by less than this share.
_LEAST_GAIN = 0.005
_SOLVER_STEPS = 25
_SOLVER_TOLERANCE = 0.03
# Below this the tissue would shrink tenfold: the field is stiffened until it does not.
_SMALLEST_JACOBIAN = 0.1
_STIFFER = 4.0
_STIFFENINGS = 4


def deform(levels: Sequence[Level], progress: Progress) -> tuple[Lattice, Array]:
    """Return the lattice and coefficients (3, z, y, x) of the field from the fixed grid to the moving one.

    Parameters
    ----------
    levels : the finest first, on halved grids
    progress : asked for cancellation at each iteration

    Notes
    -----
    Gauss-Newton on a cubic B-spline with bending energy; a level whose field comes near to folding is repeated stiffer.

    References
    ----------
    D. Rueckert et al., Nonrigid registration using free-form deformations (1999), for the model.
    """
    stiffness = _STIFFNESS * levels[0].grid.spacing_mm ** 2
    coarsest = levels[-1]
    step = CONTROL_STEP_VOXELS * coarsest.grid.spacing_mm
    lattice = Lattice.over(coarsest.grid, step)
    coefficients = lattice.zero()
    shares = np.cumsum([0.0, *(1.0 / 4**number for number in range(len(levels) - 1, -1, -1))])
    shares /= shares[-1]
    for number, level in enumerate(reversed(levels)):
        if number:
            lattice, coefficients = lattice.finer(level.grid, coefficients)
        part = progress.part(float(shares[number]), float(shares[number + 1]))
        iterations = _ITERATIONS if number else _ITERATIONS_COARSEST
        coefficients = _unfolded(level, lattice, coefficients, stiffness, iterations, part)
    return lattice, coefficients


def smallest_jacobian(displacement: Array, spacing_mm: float, inside: np.ndarray) -> float:
    """Return the smallest Jacobian determinant of a field (3, z, y, x; mm along z, y, x) inside a mask."""
    values = jacobian_determinant(displacement, spacing_mm)[inside]
    return float(values.min()) if values.size else 1.0


def jacobian_determinant(displacement: Array, spacing_mm: float) -> Array:
    """Return how much a field (3, z, y, x; mm along z, y, x) swells each voxel: 1 as before, <= 0 folded."""
    rows = [list(np.gradient(component, spacing_mm)) for component in displacement]
    for axis in range(3):
        rows[axis][axis] += 1
    (a, b, c), (d, e, f), (g, h, i) = rows
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def _unfolded(
    level: Level, lattice: Lattice, start: Array, stiffness: float, iterations: int, progress: Progress
) -> Array:
    inside = level.weight > 0.5
    for _ in range(_STIFFENINGS):
        coefficients = _descended(level, lattice, start, stiffness, iterations, progress)
        if smallest_jacobian(lattice.at_voxels(coefficients), level.grid.spacing_mm, inside) >= _SMALLEST_JACOBIAN:
            return coefficients
        stiffness *= _STIFFER
    return start


def _descended(
    level: Level, lattice: Lattice, coefficients: Array, stiffness: float, iterations: int, progress: Progress
) -> Array:
    spacing = level.grid.spacing_mm
    shift = level.moving_grid.to_index(level.grid.origin_mm[None])[0][::-1]
    own = np.indices(level.grid.shape, dtype=np.float32) + shift.astype(np.float32).reshape(3, 1, 1, 1)
    fixed_gradients = gradients(level.fixed, spacing)
    energy = np.inf
    for iteration in range(iterations):
        progress.report(iteration / iterations, f"Deformable, {spacing:.1f} mm")
        moved = warped(level.moving, own + lattice.at_voxels(coefficients) / np.float32(spacing))
        equations = normal_equations(level.fixed, fixed_gradients, moved, level.weight, spacing)
        if iteration > 1 and equations.energy > (1 - _LEAST_GAIN) * energy:
            break
        energy = equations.energy
        coefficients = coefficients + _solved(equations, lattice, coefficients, stiffness / lattice.step_mm)
    return coefficients


def _solved(equations: NormalEquations, lattice: Lattice, coefficients: Array, stiffness: float) -> Array:
    """Return the change of the coefficients that the equations and the stiffness ask for; conjugate gradients."""
    zz, zy, zx, yy, yx, xx = equations.tensor
    squared = [basis**2 for basis in lattice.block_basis]
    diagonal = np.stack([_spread(part, squared) for part in (zz, yy, xx)])
    diagonal += np.float32(stiffness * BENDING_DIAGONAL)

    def product(direction: Array) -> Array:
        z, y, x = lattice.at_blocks(direction)
        force = np.stack([zz * z + zy * y + zx * x, zy * z + yy * y + yx * x, zx * z + yx * y + xx * x])
        return (lattice.gathered(force) + np.float32(stiffness) * bending(direction)) * lattice.free

    residual = (lattice.gathered(equations.pull) - np.float32(stiffness) * bending(coefficients)) * lattice.free
    solution = np.zeros_like(residual)
    scaled = residual / diagonal
    direction = scaled.copy()
    size = first_size = _dot(residual, scaled)
    for _ in range(_SOLVER_STEPS):
        if size <= _SOLVER_TOLERANCE**2 * first_size or size == 0:
            break
        image = product(direction)
        length = size / _dot(direction, image)
        solution += np.float32(length) * direction
        residual -= np.float32(length) * image
        scaled = residual / diagonal
        size, old = _dot(residual, scaled), size
        direction = scaled + np.float32(size / old) * direction
    return solution


def _spread(values: Array, basis: list[Array]) -> Array:
    result = np.einsum("zyx,zc->cyx", values, basis[0], optimize=True)
    result = np.einsum("cyx,yd->cdx", result, basis[1], optimize=True)
    return np.einsum("cdx,xe->cde", result, basis[2], optimize=True)


def _dot(first: Array, second: Array) -> float:
    return float(np.dot(first.ravel(), second.ravel()))
