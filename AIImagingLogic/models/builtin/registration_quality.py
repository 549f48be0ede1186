"""By which figures a registration is judged: similarity, folding, forth and back."""

from __future__ import annotations

import dataclasses

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from AIImagingLogic.images.geometry import transform_points
from AIImagingLogic.models.builtin.registration_deformable import jacobian_determinant
from AIImagingLogic.models.builtin.registration_grid import Array, Points
from AIImagingLogic.models.builtin.registration_linear import LinearMap, moved_linearly
from AIImagingLogic.models.builtin.registration_pyramid import Level
from AIImagingLogic.models.builtin.registration_spline import Lattice

SIMILARITY_NAME = "correlation of local structure"
# Less in common than this share of the mask, and no similarity is stated.
LEAST_OVERLAP = 0.2
_SENT_POINTS = 1500


def similarity(fixed: Array, moved: Array, weight: Array) -> tuple[float, float]:
    """Return the correlation (-1..1) of two arrays inside a weight, and the share 0..1 of the weight both know.

    The correlation is 0 where they have too little in common.
    """
    known = np.isfinite(moved) & np.isfinite(fixed) & (weight > 0.5)
    overlap = float(known.sum()) / max(float((weight > 0.5).sum()), 1.0)
    if overlap < LEAST_OVERLAP:
        return 0.0, overlap
    first, second = fixed[known].astype(np.float64), moved[known].astype(np.float64)
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return (float((first * second).sum()) / size if size > 0 else 0.0), overlap


def linear_similarity(level: Level, mapping: LinearMap) -> tuple[float, float]:
    """Return `similarity` of local structure on `level` after a linear map."""
    return similarity(level.fixed[0].values, moved_linearly(level, mapping)[0], level.weight)


def deformed_similarity(level: Level, lattice: Lattice, coefficients: Array) -> float:
    """Return `similarity` of local structure on `level` after a field; its first voxel is that of the lattice."""
    lattice = dataclasses.replace(lattice, grid=level.grid)
    shift = level.moving_grid.to_index(level.grid.origin_mm[None])[0][::-1]
    places = np.indices(level.grid.shape, dtype=np.float32) + shift.astype(np.float32).reshape(3, 1, 1, 1)
    places += lattice.at_voxels(coefficients) / np.float32(level.grid.spacing_mm)
    moved = ndimage.map_coordinates(
        level.moving[0].values, places, order=1, mode="constant", cval=np.nan, output=np.float32
    )
    return similarity(level.fixed[0].values, moved, level.weight)[0]


def folding_percent(lattice: Lattice, coefficients: Array, weight: Array) -> float:
    """Return the percentage of voxels in the weight where the field's Jacobian determinant is not positive."""
    determinant = jacobian_determinant(lattice.at_voxels(coefficients), lattice.grid.spacing_mm)
    inside = weight > 0.5
    return 100.0 * float((determinant[inside] <= 0).mean()) if inside.any() else 0.0


def sent_points(level: Level) -> Points:
    """Return up to 1,500 points (N, 3) mm, LPS spread evenly over the weight of `level`."""
    places = np.argwhere(level.weight > 0.5)
    chosen = places[:: max(1, len(places) // _SENT_POINTS)]
    return level.grid.to_world(chosen[:, ::-1].astype(float))


def forth_and_back_mm(points: Points, forth: sitk.Transform, back: sitk.Transform) -> float | None:
    """Return the mean distance (mm) between points (N, 3) and themselves sent forth and back; None without points."""
    if len(points) == 0:
        return None
    returned = transform_points(back, transform_points(forth, points))
    return float(np.linalg.norm(returned - points, axis=1).mean())
