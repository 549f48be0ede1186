"""What a bundle's workflow gives becomes labels on the image's grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.records.errors import ModelError

_LARGEST = 65535
_SAME_PLACE_MM = 1e-3


def labels_on_grid(given: Any, image: sitk.Image, values: Sequence[int]) -> sitk.Image:
    """Return labels on exactly the grid of the image.

    Parameters
    ----------
    given : (channels, i, j, k) or (channels, i, j), of torch or numpy; labels, or one channel a label; where it has an
        `affine` (RAS mm), it may lie on another grid
    image : 3D
    values : labels that may occur; anything else is background

    Raises
    ------
    ModelError
        It is no image of labels, or it is not known where it lies.
    """
    voxels = np.asarray(given.cpu() if hasattr(given, "cpu") else given, np.float64)
    dimensions = 2 if image.GetSize()[2] == 1 and voxels.ndim == 3 else 3
    if voxels.ndim == dimensions:
        voxels = voxels[None]
    if voxels.ndim != dimensions + 1:
        raise ModelError(f"The bundle gives an array of shape {voxels.shape}, no labels.", "It cannot be used here.")
    labels = _labels(voxels, values)
    labels = labels[..., None] if dimensions == 2 else labels
    found = sitk.GetImageFromArray(labels.transpose(2, 1, 0))
    affine = getattr(given, "affine", None)
    wanted = _affine(image)
    if dimensions == 3 and affine is not None:
        own = np.asarray(affine, np.float64)
        if labels.shape != image.GetSize() or not np.allclose(own, wanted, atol=_SAME_PLACE_MM):
            return _brought(found, own, image)
    if labels.shape != image.GetSize():
        raise ModelError(
            f"The bundle gives labels of {labels.shape} voxels for an image of {image.GetSize()}, without their place.",
            "It cannot be used here.",
        )
    found.CopyInformation(image)
    return found


def _labels(voxels: NDArray[np.float64], values: Sequence[int]) -> NDArray[np.uint16]:
    if len(voxels) == 1:
        found = np.nan_to_num(voxels[0])
        found = np.where((found >= 0) & (found <= _LARGEST), found, 0).round()
    else:
        found = voxels.argmax(0).astype(np.float64)
    found[~np.isin(found, values)] = 0
    kind = np.uint8 if found.max(initial=0) < 256 else np.uint16
    return found.astype(kind)


def _affine(image: sitk.Image) -> NDArray[np.float64]:
    """Return the matrix from voxels (i, j, k, 1) to RAS mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix


def _brought(labels: sitk.Image, affine: NDArray[np.float64], image: sitk.Image) -> sitk.Image:
    """Bring labels from their grid to the image's: each voxel gets the nearest label."""
    matrix = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    labels.SetSpacing(spacing.tolist())
    labels.SetDirection((matrix[:3, :3] / spacing).ravel().tolist())
    labels.SetOrigin(matrix[:3, 3].tolist())
    return sitk.Resample(labels, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
