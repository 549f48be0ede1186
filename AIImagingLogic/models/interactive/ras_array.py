"""An image as networks of MONAI see it: its axes turned to right, anterior, superior, array order x, y, z; and back."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from AIImagingLogic.images.geometry import world_to_index


class RasArray:
    """Turns by exchanging and flipping axes alone, as MONAI's `Orientationd` does: an oblique image stays oblique.

    Parameters
    ----------
    image : 3D, any orientation
    spacing_mm : to resample to, along right, anterior, superior; None: the image's own
    """

    def __init__(self, image: sitk.Image, spacing_mm: tuple[float, float, float] | None = None) -> None:
        self._image = image
        self._turned = sitk.DICOMOrient(image, "RAS")
        self._grid = self._turned if spacing_mm is None else _resampled(self._turned, spacing_mm)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along x, y, z."""
        x, y, z = self._grid.GetSize()
        return x, y, z

    def voxels(self, image: sitk.Image | None = None) -> NDArray[np.float32]:
        """Return the image, or another one on its grid, as float32 (x, y, z)."""
        turned = self._turned if image is None else sitk.DICOMOrient(image, "RAS")
        if self._grid is not self._turned:
            turned = sitk.Resample(
                sitk.Cast(turned, sitk.sitkFloat32), self._grid, sitk.Transform(), sitk.sitkLinear, _least(turned)
            )
        return np.ascontiguousarray(sitk.GetArrayViewFromImage(turned).transpose(2, 1, 0), dtype=np.float32)

    def indices(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return where points (N, 3), LPS mm, lie in the array: continuous x, y, z."""
        return world_to_index(self._grid, np.asarray(points_mm, dtype=float).reshape(-1, 3))

    def back(self, values: NDArray[np.floating]) -> sitk.Image:
        """Return values (x, y, z) of the array as a float32 image on exactly the grid of the image."""
        result = sitk.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0), dtype=np.float32))
        result.CopyInformation(self._grid)
        # The turned grid holds the same voxels in another order: each value is met exactly.
        return sitk.Resample(result, self._image, sitk.Transform(), sitk.sitkLinear, float(values.min()))


def _resampled(image: sitk.Image, spacing_mm: tuple[float, float, float]) -> sitk.Image:
    """Return an empty grid over the extent of an image, its first voxel in the same place."""
    extent = np.array(image.GetSize()) * image.GetSpacing()
    size = np.maximum(np.rint(extent / np.array(spacing_mm)), 1).astype(int)
    grid = sitk.Image(size.tolist(), sitk.sitkUInt8)
    grid.SetSpacing(spacing_mm)
    grid.SetDirection(image.GetDirection())
    grid.SetOrigin(image.GetOrigin())
    return grid


def _least(image: sitk.Image) -> float:
    return float(sitk.GetArrayViewFromImage(image).min())
