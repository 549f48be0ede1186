"""Masks as arrays and back."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


def flags(mask: sitk.Image) -> Flags:
    """Return where a mask is not 0, (k, j, i)."""
    return np.asarray(sitk.GetArrayViewFromImage(mask) != 0)


def mask_like(inside: Flags, mask: sitk.Image) -> sitk.Image:
    """Return flags (k, j, i) as uint8 on the grid of `mask`."""
    result = sitk.GetImageFromArray(inside.astype(np.uint8))
    result.CopyInformation(mask)
    return result


def spacing_kji(image: sitk.Image) -> tuple[float, float, float]:
    """Return the spacing in the order of an array's axes, mm."""
    i, j, k = image.GetSpacing()
    return k, j, i
