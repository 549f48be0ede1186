"""A transform as vectors on an even grid, fine enough to stand for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.geometry import Grid, grid_size, grid_spacing, index_matrix, index_to_world, transform_points

# Between the vectors a reader interpolates; by at most this much may that differ from the transform.
TOLERANCE_MM = 0.1
_COARSEST_MM, _FINEST_MM = 8.0, 0.5
# 12 bytes each: 240 MB.
_MOST_NODES = 20_000_000
_CHECKED_POINTS = 20_000


@dataclass(frozen=True)
class DeformationGrid:
    """Vectors in mm (LPS) at the nodes of a right-handed grid.

    Attributes
    ----------
    field : vector image of doubles; its origin is the centre of the first node
    error_mm : largest difference from the transform at random points of the grid when interpolated linearly
    """

    field: sitk.Image
    error_mm: float


def deformation_grid(transform: sitk.Transform, grid: Grid) -> DeformationGrid:
    """Sample where a transform takes the points of an image, minus the points.

    The grid covers the image with its outermost voxels. It is refined until linear interpolation between its nodes is
    within 0.1 mm of the transform, or the nodes are as dense as 0.5 mm or as many as fit into 240 MB.
    """
    spacing_mm = _COARSEST_MM
    while True:
        field = _sampled(transform, grid, spacing_mm)
        error_mm = _error(transform, field)
        finer = spacing_mm / 2
        too_many = field.GetNumberOfPixels() * 8 > _MOST_NODES
        if error_mm <= TOLERANCE_MM or finer < _FINEST_MM or too_many:
            return DeformationGrid(field, error_mm)
        spacing_mm = finer


def _sampled(transform: sitk.Transform, grid: Grid, spacing_mm: float) -> sitk.Image:
    axes = index_matrix(grid) / grid_spacing(grid)
    corner = np.full(3, -0.5)
    if np.linalg.det(axes) < 0:
        axes = axes * (1, 1, -1)
        corner[2] = grid_size(grid)[2] - 0.5
    extent = grid_size(grid) * grid_spacing(grid)
    # One interval more than the image is long: rounding must not leave its last face outside.
    nodes = np.ceil(extent / spacing_mm).astype(int) + 1
    return sitk.TransformToDisplacementField(
        transform,
        sitk.sitkVectorFloat64,
        nodes.tolist(),
        index_to_world(grid, corner).tolist(),
        (extent / (nodes - 1)).tolist(),
        axes.ravel().tolist(),
    )


def _error(transform: sitk.Transform, field: sitk.Image) -> float:
    draw = np.random.default_rng(0)
    inside: NDArray[np.float64] = draw.uniform(0, 1, (_CHECKED_POINTS, 3)) * (np.array(field.GetSize()) - 1)
    points = np.array(field.GetOrigin()) + inside @ index_matrix(field).T
    # The transform takes over the image that it is given.
    sampled = sitk.DisplacementFieldTransform(sitk.Image(field))
    apart = transform_points(transform, points) - transform_points(sampled, points)
    return float(np.linalg.norm(apart, axis=1).max())
