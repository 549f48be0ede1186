"""One orientation for every image: the outline of a patient does not depend on how a file lays out its voxels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from AIImagingLogic.images.geometry import Grid, grid_size, grid_spacing, index_to_world, world_to_index
from AIImagingLogic.records.boxes import OrientedBox, Vector
from AIImagingLogic.records.image_info import ImageInfo

# Two layouts of one grid agree on a place only up to rounding; what is nearer than this, in voxels or shares, is one.
_DECIMALS = 6


@dataclass(frozen=True)
class CanonicalView:
    """The voxels of an image with i, j, k along the patient's x, y, z as far as they go (LPS).

    Attributes
    ----------
    grid : geometry of the view
    order : array axis of the image for each array axis of the view
    flipped : whether each array axis of the view runs against that of the image
    """

    grid: ImageInfo
    order: tuple[int, ...]
    flipped: tuple[bool, ...]

    def of(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return an array on the image's grid (k, j, i) as a view in this orientation; nothing is copied."""
        return values.transpose(self.order)[self._turned()]

    def back(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return an array of this orientation as a view in that of the image."""
        return values[self._turned()].transpose(np.argsort(self.order))

    def first_in_image(self, first: ArrayLike, last: ArrayLike) -> list[int]:
        """Return the first voxel (k, j, i of the image) of the box `first`..`last` (k, j, i here; last excluded)."""
        size = grid_size(self.grid)[::-1]
        corner = np.where(self.flipped, size - np.asarray(last), np.asarray(first))
        return [int(n) for n in corner[np.argsort(self.order)]]

    def _turned(self) -> tuple[slice, ...]:
        return tuple(slice(None, None, -1 if turned else 1) for turned in self.flipped)


def canonical_view(image: sitk.Image) -> CanonicalView:
    """Return the view of an image that does not change when the image's axes are flipped or permuted."""
    columns = np.array(image.GetDirection(), dtype=float).reshape(3, 3).T
    order, signs = _aligned(columns)
    size, spacing = grid_size(image)[list(order)], grid_spacing(image)[list(order)]
    corner = np.zeros(3)
    for axis, sign in zip(order, signs, strict=True):
        corner[axis] = 0 if sign > 0 else image.GetSize()[axis] - 1
    grid = ImageInfo(
        modality="",
        intensity_unit="",
        size=(int(size[0]), int(size[1]), int(size[2])),
        spacing_mm=_vector(spacing),
        origin_mm=_vector(index_to_world(image, corner)),
        direction=tuple(float(value) for value in (columns[list(order)] * signs[:, None]).T.ravel()),
        content_hash="",
    )
    # Arrays are k, j, i.
    axes = tuple(2 - order[2 - axis] for axis in range(3))
    return CanonicalView(grid, axes, tuple(bool(signs[2 - axis] < 0) for axis in range(3)))


def canonical_box(box: OrientedBox) -> OrientedBox:
    """Return the same box with its axes named and turned the canonical way."""
    order, signs = _aligned(np.array(box.axes))
    axes = np.array(box.axes)[list(order)] * signs[:, None]
    rows = (_vector(axes[0]), _vector(axes[1]), _vector(axes[2]))
    return replace(box, size_mm=_vector(np.array(box.size_mm)[list(order)]), axes=rows)


def index_of(grid: Grid, points_mm: ArrayLike) -> NDArray[np.float64]:
    """Return the continuous i, j, k (N, 3) of points (N, 3) LPS mm, free of the rounding that a layout leaves."""
    return np.round(world_to_index(grid, points_mm), _DECIMALS)


def voxel_of(grid: Grid, points_mm: ArrayLike) -> NDArray[np.int64]:
    """Return the voxels (N, 3), i, j, k, of points; on the face between two it is the farther one, as in SimpleITK."""
    return np.floor(index_of(grid, points_mm) + 0.5).astype(np.int64)


def _aligned(vectors: NDArray[np.float64]) -> tuple[tuple[int, ...], NDArray[np.float64]]:
    """Return which of three unit vectors (rows) goes along x, y and z, and the sign that turns each that way.

    Where two choices align as well, the vectors decide that come out, not the order in which they came.
    """
    best: tuple[Any, ...] | None = None
    for order in permutations(range(3)):
        chosen = np.round(vectors[list(order)], _DECIMALS)
        # A vector square to its axis is turned by its own first part.
        signs = np.array([np.sign(row[axis]) or np.sign(row[row != 0][0]) for axis, row in enumerate(chosen)])
        turned = chosen * signs[:, None]
        key = (round(float(np.trace(turned)), _DECIMALS - 1), *(turned.ravel() + 0.0).tolist())
        if best is None or key > best[0]:
            best = (key, order, signs)
    assert best is not None
    return best[1], best[2]


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
