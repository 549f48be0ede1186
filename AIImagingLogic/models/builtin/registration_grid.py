"""The working grid of a registration: isotropic, along the fixed image's axes, cut to what matters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.geometry import grid_size, index_to_world

Array = NDArray[np.float32]
Points = NDArray[np.float64]


@dataclass(frozen=True)
class WorkGrid:
    """An isotropic grid in the patient.

    Attributes
    ----------
    origin_mm : (3,) mm, LPS, centre of the first voxel
    axes : (3, 3) orthonormal; columns are the directions of x, y, z of the grid in LPS
    spacing_mm : the same along all axes
    size : voxels along x, y, z; arrays on the grid have the shape (z, y, x)
    """

    origin_mm: Points
    axes: Points
    spacing_mm: float
    size: tuple[int, int, int]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of arrays on the grid: (z, y, x)."""
        return (self.size[2], self.size[1], self.size[0])

    @property
    def extent_mm(self) -> Points:
        """(3,) mm from the first to the last voxel centre along x, y, z of the grid."""
        return (np.array(self.size) - 1) * self.spacing_mm

    @property
    def center_mm(self) -> Points:
        """(3,) mm, LPS."""
        return self.origin_mm + self.axes @ (self.extent_mm / 2)

    def image(self) -> sitk.Image:
        """Return an empty image (uint8) that carries the geometry."""
        image = sitk.Image(self.size, sitk.sitkUInt8)
        image.SetOrigin(self.origin_mm.tolist())
        image.SetSpacing([self.spacing_mm] * 3)
        image.SetDirection(self.axes.ravel().tolist())
        return image

    def to_index(self, points: Points) -> Points:
        """Return the continuous x, y, z indices (N, 3) of points (N, 3) mm, LPS."""
        return (points - self.origin_mm) @ self.axes / self.spacing_mm

    def to_world(self, indices: Points) -> Points:
        """Return the points (N, 3) mm, LPS of x, y, z indices (N, 3)."""
        return np.asarray(indices) * self.spacing_mm @ self.axes.T + self.origin_mm

    def halved(self) -> WorkGrid:
        """Return the grid of every second voxel."""
        size = ((self.size[0] + 1) // 2, (self.size[1] + 1) // 2, (self.size[2] + 1) // 2)
        return WorkGrid(self.origin_mm, self.axes, 2 * self.spacing_mm, size)

    def widened(self, voxels: int) -> WorkGrid:
        """Return the grid with `voxels` more on each side; the old voxels stay where they are."""
        origin = self.origin_mm - self.axes @ np.full(3, voxels * self.spacing_mm)
        size = (self.size[0] + 2 * voxels, self.size[1] + 2 * voxels, self.size[2] + 2 * voxels)
        return WorkGrid(origin, self.axes, self.spacing_mm, size)


def orthonormal_axes(image: sitk.Image) -> Points:
    """Return the axes of `image`, columns in LPS, freed of rounding."""
    axes = np.array(image.GetDirection()).reshape(3, 3)
    left, _, right = np.linalg.svd(axes)
    return left @ right


def region_corners(image: sitk.Image, mask: NDArray[np.bool_] | None) -> Points:
    """Return the eight corners (8, 3) mm, LPS of the box of `mask` (k, j, i), or of the whole image."""
    low, high = np.zeros(3), grid_size(image) - 1.0
    if mask is not None:
        for axis in range(3):
            others = tuple(other for other in range(3) if other != 2 - axis)
            present = np.flatnonzero(mask.any(axis=others))
            low[axis], high[axis] = present[0], present[-1]
    bounds = np.stack([low, high])
    corners = np.stack(np.meshgrid(*bounds.T, indexing="ij"), axis=-1).reshape(-1, 3)
    return index_to_world(image, corners)


def grid_around(corners: Points, axes: Points, spacing_mm: float, margin_mm: float) -> WorkGrid:
    """Return the grid along `axes` that holds points (N, 3) mm, LPS with a margin."""
    along = corners @ axes
    low, high = along.min(axis=0) - margin_mm, along.max(axis=0) + margin_mm
    size = np.maximum(np.ceil((high - low) / spacing_mm).astype(int) + 1, 4)
    return WorkGrid(axes @ low, axes, spacing_mm, (int(size[0]), int(size[1]), int(size[2])))


def sampled(image: sitk.Image, grid: WorkGrid, transform: sitk.Transform | None = None) -> Array:
    """Return `image` on `grid`, averaged down where it is finer; not-a-number outside its field of view.

    Parameters
    ----------
    image : any voxel type
    grid : the target
    transform : takes points of `grid` to points of `image`; none: both lie in one space
    """
    part = _averaged(_cut(image, grid, transform), grid.spacing_mm)
    resampled = sitk.Resample(
        part, grid.image(), transform or sitk.Transform(3, sitk.sitkIdentity), sitk.sitkLinear, float("nan")
    )
    return sitk.GetArrayFromImage(resampled)


def _averaged(image: sitk.Image, spacing_mm: float) -> sitk.Image:
    """Return `image` in float32, averaged over whole voxels that stay finer than `spacing_mm`."""
    factors = [max(1, int(spacing_mm / step + 0.05)) for step in image.GetSpacing()]
    factors = [min(factor, size) for factor, size in zip(factors, image.GetSize(), strict=True)]
    image = sitk.Cast(image, sitk.sitkFloat32)
    return sitk.BinShrink(image, factors) if max(factors) > 1 else image


def _cut(image: sitk.Image, grid: WorkGrid, transform: sitk.Transform | None) -> sitk.Image:
    """Return the part of `image` that `grid` can reach, so that the rest is never converted."""
    ends = np.stack([np.zeros(3), np.array(grid.size) - 1.0])
    corners = grid.to_world(np.stack(np.meshgrid(*ends.T, indexing="ij"), axis=-1).reshape(-1, 3))
    if transform is not None:
        corners = np.array([transform.TransformPoint(corner) for corner in corners.tolist()])
    index = np.array([image.TransformPhysicalPointToContinuousIndex(corner) for corner in corners.tolist()])
    size = np.array(image.GetSize())
    allowance = np.ceil(grid.spacing_mm / np.array(image.GetSpacing())) + 1
    low = np.clip(np.floor(index.min(axis=0) - allowance), 0, size - 1).astype(int)
    high = np.clip(np.ceil(index.max(axis=0) + allowance), 0, size - 1).astype(int)
    return sitk.RegionOfInterest(image, (high - low + 1).tolist(), low.tolist())
