"""Distances in millimetres to a mask of an anisotropic grid, and closings and cores made from them."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Spacing = tuple[float, ...]
"""mm along k, j, i: the order of the array's axes."""


def distance_to(mask: Mask, spacing_mm: Spacing) -> NDArray[np.float32]:
    """Return the distance (mm) of each voxel of a (k, j, i) array to `mask`: 0 inside, infinite when it is empty."""
    if not mask.any():
        return np.full(mask.shape, np.inf, dtype=np.float32)
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(spacing_mm[::-1])
    distance = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
    outside: NDArray[np.float32] = np.maximum(sitk.GetArrayFromImage(distance), 0.0)
    return outside


def depth_in(mask: Mask, spacing_mm: Spacing) -> NDArray[np.float32]:
    """Return how deep (mm) each voxel lies in `mask`; what lies outside of the array does not count as outside."""
    return distance_to(~mask, spacing_mm)


def closed(mask: Mask, radius_mm: float, spacing_mm: Spacing) -> Mask:
    """Return `mask` closed by a ball: indentations into which the ball does not fit are filled."""
    result: Mask = distance_to(distance_to(mask, spacing_mm) > radius_mm, spacing_mm) > radius_mm
    return result | mask


def joined_to(seed: Mask, region: Mask) -> Mask:
    """Return the parts of `region` or `seed` that are connected with `seed`."""
    labels, count = ndimage.label(region | seed)
    touched = np.zeros(count + 1, dtype=bool)
    touched[labels[seed]] = True
    touched[0] = False
    result: Mask = touched[labels]
    return result


def box_of(mask: Mask, margin_mm: float, spacing_mm: Spacing) -> tuple[slice, ...]:
    """Return the box that holds `mask` and a margin around it. `mask` must not be empty."""
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    return tuple(
        slice(max(part.start - round(margin_mm / step), 0), part.stop + round(margin_mm / step))
        for part, step in zip(box, spacing_mm, strict=True)
    )
