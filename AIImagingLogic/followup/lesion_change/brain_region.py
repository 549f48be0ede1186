"""The brain on a FLAIR image, without learning: the largest bright object that thin bridges do not hold together."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.images.resample import resample_like, resample_to_spacing
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.resources import load_resource

# The middle of the head, in shares of its radius, is brain whatever the scalp looks like.
_MIDDLE = 0.5
_SMALLEST_BRAIN_ML = 300.0


def brain_region(image: sitk.Image) -> sitk.Image:
    """Return the brain with its ventricles.

    Parameters
    ----------
    image : FLAIR, 3D, any axes; LPS mm

    Returns
    -------
    sitk.Image
        uint8 on the grid of `image`: 1 in the brain.

    Raises
    ------
    WrongImageError
        There is no object of the size of a brain.

    Notes
    -----
    Tissue is what is brighter than a share of the middle of the head. Skull and the fluid around the brain are dark on
    FLAIR, so that removing thin bridges parts brain from scalp; closing brings back sulci and ventricles.
    """
    limits = load_resource("rules/lesion_change.json")["brain"]
    step = limits["working_mm"]
    small = resample_to_spacing(sitk.Cast(image, sitk.sitkFloat32), step)
    values = sitk.GetArrayFromImage(small)
    tissue = values > limits["tissue_share"] * _level(values)
    bridge = limits["bridge_mm"] / step
    inner = _largest(_distance(tissue) > bridge)
    if not inner.any():
        raise WrongImageError("No brain was found on this image.", "Choose a FLAIR of the whole head.")
    grown = (ndimage.distance_transform_edt(~inner) <= bridge + 1) & tissue
    closed = _closed(_largest(grown), limits["closing_mm"] / step)
    if closed.sum() * step**3 / 1000 < _SMALLEST_BRAIN_ML:
        raise WrongImageError("No object of the size of a brain was found.", "Choose a FLAIR of the whole head.")
    mask = sitk.GetImageFromArray(closed.astype(np.float32))
    mask.CopyInformation(small)
    return sitk.Cast(resample_like(mask, image, outside=0.0) > 0.5, sitk.sitkUInt8)


def _level(values: NDArray[np.float32]) -> float:
    """Return the brightness of brain tissue: the median of the brighter half in the middle of the head."""
    head = values > ndimage.gaussian_filter(values, 2).max() * 0.15
    if not head.any():
        raise WrongImageError("The image is empty.", "Choose a FLAIR of the whole head.")
    where = np.argwhere(head)
    low, high = np.percentile(where, 2, axis=0), np.percentile(where, 98, axis=0)
    middle, half = (low + high) / 2, np.maximum((high - low) / 2, 1)
    grid = np.indices(values.shape, dtype=np.float32)
    radius2 = sum(((axis - m) / h) ** 2 for axis, m, h in zip(grid, middle, half, strict=True))
    inside = values[head & (np.asarray(radius2) < _MIDDLE**2)]
    if not inside.size:
        raise WrongImageError("The middle of the image is empty.", "Choose a FLAIR of the whole head.")
    return float(np.median(inside[inside >= np.median(inside)]))


def _distance(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    # The image's faces do not count as a border: a brain that is cut off there is not thinned.
    padded = np.pad(mask, 1, mode="edge")
    distance: NDArray[np.float64] = ndimage.distance_transform_edt(padded)[1:-1, 1:-1, 1:-1]
    return distance


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    return np.asarray(labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:])))


def _closed(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    width = int(np.ceil(radius)) + 1
    padded = np.pad(mask, width)
    grown = ndimage.distance_transform_edt(~padded) <= radius
    closed = ndimage.distance_transform_edt(grown) > radius
    filled = ndimage.binary_fill_holes(closed | padded)
    return np.asarray(filled[width:-width, width:-width, width:-width])
