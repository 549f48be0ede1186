"""The grid of a visit: where its voxels lie in patient space and in its own millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.phantoms.recipe import ScanRecipe

_CENTER_MM = np.array([0.0, 2.0, -8.0])
_SMALLEST_COARSE_STEP_MM = 2.5
_SUB_SLICE_MM = 0.85


@dataclass(frozen=True)
class Scan:
    """A visit's grid. Grid mm are distances from the first voxel along the grid's own axes.

    Attributes
    ----------
    size : voxels along i, j, k
    spacing_mm : (3,)
    origin_mm : (3,) LPS, centre of the first voxel
    axes : (3, 3) rows are the directions of i, j, k in LPS
    """

    size: tuple[int, int, int]
    spacing_mm: NDArray[np.float64]
    origin_mm: NDArray[np.float64]
    axes: NDArray[np.float64]

    @property
    def sub_slices(self) -> int:
        """How many thin planes make up a slice: their mean is the slice's profile."""
        return max(1, round(float(self.spacing_mm[2]) / _SUB_SLICE_MM))

    def sub_slice_heights(self, first: int, last: int) -> NDArray[np.float32]:
        """Return the grid mm along k of the thin planes of the slices `first` to `last` (excluded)."""
        count, spacing = self.sub_slices, self.spacing_mm[2]
        offsets = ((np.arange(count) + 0.5) / count - 0.5) * spacing
        heights: NDArray[np.float32] = (np.arange(first, last)[:, None] * spacing + offsets).ravel().astype(np.float32)
        return heights

    def plane_coordinates(self, axis: int) -> NDArray[np.float32]:
        """Return the grid mm of the voxels along one axis."""
        return (np.arange(self.size[axis]) * self.spacing_mm[axis]).astype(np.float32)

    def coarse_points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return points (k, j, i, 3) LPS mm every few mm that cover the grid, and the grid mm (3,) of the first."""
        first = -np.full(3, self.coarse_step_mm)
        counts = np.ceil((np.array(self.size) - 1) * self.spacing_mm / self.coarse_step_mm).astype(int) + 3
        offsets = [first[k] + np.arange(counts[k]) * self.coarse_step_mm for k in range(3)]
        k, j, i = np.meshgrid(offsets[2], offsets[1], offsets[0], indexing="ij")
        return self.origin_mm + np.stack([i, j, k], axis=-1) @ self.axes, first

    def holds(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which points (n, 3) LPS mm lie within the grid."""
        indices = (points - self.origin_mm) @ self.axes.T / self.spacing_mm
        return np.all((indices >= 0) & (indices <= np.array(self.size) - 1), axis=-1)

    @property
    def coarse_step_mm(self) -> float:
        """Distance between the points of `coarse_points`."""
        return max(_SMALLEST_COARSE_STEP_MM, float(self.spacing_mm[0]))

    def image(self, values: NDArray[np.generic]) -> sitk.Image:
        """Return `values` (k, j, i) as an image on this grid."""
        image = sitk.GetImageFromArray(values)
        image.SetSpacing([float(s) for s in self.spacing_mm])
        image.SetOrigin([float(o) for o in self.origin_mm])
        image.SetDirection([float(d) for d in self.axes.T.ravel()])
        return image


def scan_grid(recipe: ScanRecipe) -> Scan:
    """Return the grid of a recipe, centred on the chest."""
    axes = np.array(recipe.direction, float).reshape(3, 3).T
    spacing = np.array([recipe.in_plane_mm, recipe.in_plane_mm, recipe.slice_mm])
    extent = np.array([recipe.width_mm, recipe.width_mm, recipe.height_mm])
    size = np.maximum(np.round(extent / spacing).astype(int), 2)
    origin = _CENTER_MM - ((size - 1) * spacing / 2) @ axes
    return Scan((int(size[0]), int(size[1]), int(size[2])), spacing, origin, axes)
