"""The part of an image that holds something: the box of voxels that are not 0, and labels put back around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

Corner = tuple[int, int, int]


def cropped_to_content(images: Sequence[sitk.Image]) -> tuple[list[sitk.Image], Corner]:
    """Crop images on one grid to the box of voxels where any of them is not 0.

    Parameters
    ----------
    images : 3D, on one grid

    Returns
    -------
    The images, and the box's first voxel (i, j, k). Images that are 0 everywhere stay whole.
    """
    depth, height, width = sitk.GetArrayViewFromImage(images[0]).shape
    along = [np.zeros(size, bool) for size in (width, height, depth)]
    for image in images:
        for number, plane in enumerate(sitk.GetArrayViewFromImage(image)):
            content = plane != 0
            along[0] |= content.any(axis=0)
            along[1] |= content.any(axis=1)
            along[2][number] |= content.any()
    places = [np.flatnonzero(line) for line in along]
    if any(len(found) == 0 for found in places):
        return list(images), (0, 0, 0)
    first = [int(found[0]) for found in places]
    size = [int(found[-1]) + 1 - start for found, start in zip(places, first)]
    corner = (first[0], first[1], first[2])
    if tuple(size) == images[0].GetSize():
        return list(images), corner
    return [sitk.RegionOfInterest(image, size, first) for image in images], corner


def put_back(labels: NDArray[Any], corner: Corner, whole: sitk.Image) -> NDArray[Any]:
    """Return labels (k, j, i) of a box as labels of the whole image, 0 around the box.

    Parameters
    ----------
    labels : of the box
    corner : the box's first voxel (i, j, k)
    whole : 3D
    """
    width, height, depth = whole.GetSize()
    if labels.shape == (depth, height, width):
        return labels
    framed = np.zeros((depth, height, width), labels.dtype)
    where = tuple(slice(start, start + size) for start, size in zip(reversed(corner), labels.shape))
    framed[where] = labels
    return framed


def filled_content(images: Sequence[sitk.Image]) -> NDArray[np.bool_]:
    """Return where any of the images is not 0, with holes filled: (k, j, i)."""
    from scipy import ndimage

    content = np.zeros(sitk.GetArrayViewFromImage(images[0]).shape, bool)
    for image in images:
        content |= sitk.GetArrayViewFromImage(image) != 0
    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(content)
    return filled
