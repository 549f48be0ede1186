"""Where voxels lie in the patient: indices and points, grids compared, parts cut out and put back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.image_info import ImageInfo

Grid: TypeAlias = "sitk.Image | ImageInfo"
Points = NDArray[np.float64]

# A file that stores its geometry in single precision moves a corner by less than this.
_SAME_GRID_VOXELS = 1e-3
_OVERLAP_SAMPLES = 24
_ON_THE_FACE = 1e-6


def grid_size(grid: Grid) -> NDArray[np.int64]:
    """Return the number of voxels along i, j, k: (3,)."""
    return np.array(grid.size if isinstance(grid, ImageInfo) else grid.GetSize(), dtype=np.int64)


def grid_spacing(grid: Grid) -> Points:
    """Return the spacing along i, j, k: (3,) mm."""
    return np.array(grid.spacing_mm if isinstance(grid, ImageInfo) else grid.GetSpacing(), dtype=float)


def index_matrix(grid: Grid) -> Points:
    """Return the (3, 3) matrix whose columns are the steps of one voxel along i, j, k: mm, LPS."""
    direction = grid.direction if isinstance(grid, ImageInfo) else grid.GetDirection()
    return np.array(direction, dtype=float).reshape(3, 3) * grid_spacing(grid)


def index_to_world(grid: Grid, indices: ArrayLike) -> Points:
    """Return where voxel indices lie.

    Parameters
    ----------
    grid : image or its `ImageInfo`
    indices : (N, 3) or (3,) i, j, k, whole or not

    Returns
    -------
    (N, 3) or (3,) mm, LPS
    """
    return np.asarray(indices, dtype=float) @ index_matrix(grid).T + _origin(grid)


def world_to_index(grid: Grid, points: ArrayLike) -> Points:
    """Return the continuous i, j, k (N, 3) or (3,) of points (mm, LPS) of the same shape."""
    return (np.asarray(points, dtype=float) - _origin(grid)) @ np.linalg.inv(index_matrix(grid)).T


def same_grid(first: Grid, second: Grid) -> bool:
    """Whether two images have the same size and their corners lie within 0.001 voxel of each other."""
    size = grid_size(first)
    if not np.array_equal(size, grid_size(second)):
        return False
    corners = np.stack(np.meshgrid(*((0, n - 1) for n in size), indexing="ij"), axis=-1).reshape(-1, 3)
    apart = np.linalg.norm(index_to_world(first, corners) - index_to_world(second, corners), axis=1).max()
    return bool(apart <= _SAME_GRID_VOXELS * grid_spacing(first).min())


def transform_points(transform: sitk.Transform, points: ArrayLike) -> Points:
    """Return where a transform takes points: (N, 3) mm, LPS to (N, 3) mm, LPS."""
    points = np.asarray(points, dtype=float).reshape(-1, 3)
    if transform.IsLinear():
        basis = np.array([transform.TransformPoint(row) for row in np.eye(3).tolist()])
        zero = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
        return points @ (basis - zero) + zero
    return np.array([transform.TransformPoint(point) for point in points.tolist()]).reshape(-1, 3)


def inside(grid: Grid, points: ArrayLike) -> NDArray[np.bool_]:
    """Say of each point (N, 3) mm, LPS whether it lies in a voxel of the image, border voxels whole: (N,)."""
    index = world_to_index(grid, points)
    return np.all((index >= -0.5) & (index <= grid_size(grid) - 0.5), axis=-1)


def overlap_share(fixed: Grid, moving: Grid, transform: sitk.Transform | None = None) -> float:
    """Return the share (0..1) of the smaller field of view that lies in the other.

    Parameters
    ----------
    fixed, moving : images or their `ImageInfo`
    transform : takes points of `fixed` to points of `moving`; none: both lie in one space

    Notes
    -----
    Counted on 24 x 24 x 24 points spread evenly over the smaller image: right to about 1%.
    """
    smaller_is_fixed = _volume(fixed) <= _volume(moving)
    own, other = (fixed, moving) if smaller_is_fixed else (moving, fixed)
    steps = (np.arange(_OVERLAP_SAMPLES) + 0.5) / _OVERLAP_SAMPLES
    shares = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    points = index_to_world(own, shares * grid_size(own) - 0.5)
    if transform is not None:
        points = transform_points(transform if smaller_is_fixed else transform.GetInverse(), points)
    return float(inside(other, points).mean())


def crop_around(image: sitk.Image, center_mm: Sequence[float], size_mm: float | Sequence[float]) -> sitk.Image:
    """Cut out every voxel that a box along the image's own axes touches; what lies outside the image is left out.

    Parameters
    ----------
    image : 3D image
    center_mm : (3,) mm, LPS
    size_mm : full edge length, one for all or one for each of i, j, k; mm

    Returns
    -------
    sitk.Image
        Its voxels lie exactly on voxels of `image`; at least one.

    Raises
    ------
    GeometryError
        The box and the image have nothing in common.
    """
    center = world_to_index(image, center_mm)
    half = np.broadcast_to(np.asarray(size_mm, dtype=float), 3) / grid_spacing(image) / 2
    size = grid_size(image)
    # A box that ends on the face of a voxel, up to rounding, does not touch it.
    first = np.floor(center - half + 0.5 + _ON_THE_FACE)
    last = np.maximum(np.ceil(center + half - 0.5 - _ON_THE_FACE), first)
    first, last = np.maximum(first, 0).astype(int), np.minimum(last, size - 1).astype(int)
    if np.any(last < first):
        place = ", ".join(f"{value:.1f}" for value in center_mm)
        raise GeometryError(f"The point ({place}) mm lies outside the image.", "Choose a point inside the image.")
    return sitk.RegionOfInterest(image, [int(n) for n in last - first + 1], [int(n) for n in first])


def paste(crop: sitk.Image, onto: sitk.Image) -> sitk.Image:
    """Return a copy of `onto` with the voxels of `crop` in their place.

    Raises
    ------
    GeometryError
        The crop's voxels do not lie on voxels of `onto`, or not inside it.
    """
    start = world_to_index(onto, crop.GetOrigin())
    at = np.rint(start).astype(int)
    aligned = np.allclose(start, at, atol=0.01) and np.allclose(index_matrix(crop), index_matrix(onto), atol=1e-4)
    if not aligned or np.any(at < 0) or np.any(at + grid_size(crop) > grid_size(onto)):
        raise GeometryError("A crop does not lie on the grid of its image.", "Resample it to the image first.")
    same_type = sitk.Cast(crop, onto.GetPixelID())
    return sitk.Paste(onto, same_type, crop.GetSize(), destinationIndex=[int(n) for n in at])


def _origin(grid: Grid) -> Points:
    return np.array(grid.origin_mm if isinstance(grid, ImageInfo) else grid.GetOrigin(), dtype=float)


def _volume(grid: Grid) -> float:
    return float(np.prod(grid_size(grid) * grid_spacing(grid)))
