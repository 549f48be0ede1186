"""Dice of two label images, label by label."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.records.errors import GeometryError


def mean_label_dice(first: sitk.Image, second: sitk.Image) -> float:
    """Return the mean Dice coefficient over the labels that either image has; 1 when there are none.

    Raises
    ------
    GeometryError
        The two lie on different grids.

    References
    ----------
    Dice LR. Ecology 1945;26:297-302.
    """
    if not same_grid(first, second):
        raise GeometryError("The two label images lie on different grids.", "Resample one to the other first.")
    a, b = (sitk.GetArrayViewFromImage(image).reshape(-1) for image in (first, second))
    counts = [np.bincount(labels.astype(np.int64)) for labels in (a, b, a[a == b])]
    size = max(len(count) for count in counts)
    in_first, in_second, in_both = (np.pad(count, (0, size - len(count))).astype(float) for count in counts)
    total = (in_first + in_second)[1:]
    return float(np.mean(2.0 * in_both[1:][total > 0] / total[total > 0])) if np.any(total > 0) else 1.0
