"""Overlap of two segmentations of one image."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.records.errors import GeometryError


def dice(first: sitk.Image, second: sitk.Image) -> float:
    """Return the Dice coefficient of what is not 0 in either image; 1 when both are empty.

    Raises
    ------
    GeometryError
        The two lie on different grids.

    References
    ----------
    Dice LR. Ecology 1945;26:297-302.
    """
    if not same_grid(first, second):
        raise GeometryError("The two segmentations lie on different grids.", "Resample one to the other first.")
    a, b = (sitk.GetArrayViewFromImage(image) != 0 for image in (first, second))
    total = int(np.count_nonzero(a)) + int(np.count_nonzero(b))
    return 1.0 if total == 0 else 2.0 * int(np.count_nonzero(a & b)) / total
