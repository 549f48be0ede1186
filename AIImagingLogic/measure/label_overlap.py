"""Overlap of two segmentations of one image."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

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
    return mask_dice(*(labels != 0 for labels in _arrays(first, second)))


def mask_dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Return the Dice coefficient of two masks of one shape; 1 when both are empty."""
    total = int(np.count_nonzero(first)) + int(np.count_nonzero(second))
    return 1.0 if total == 0 else 2.0 * int(np.count_nonzero(first & second)) / total


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
    a, b = (labels.reshape(-1) for labels in _arrays(first, second))
    counts = [np.bincount(labels.astype(np.int64)) for labels in (a, b, a[a == b])]
    size = max(len(count) for count in counts)
    in_first, in_second, in_both = (np.pad(count, (0, size - len(count))).astype(float) for count in counts)
    total = (in_first + in_second)[1:]
    return float(np.mean(2.0 * in_both[1:][total > 0] / total[total > 0])) if np.any(total > 0) else 1.0


def _arrays(first: sitk.Image, second: sitk.Image) -> tuple[NDArray[Any], NDArray[Any]]:
    if not same_grid(first, second):
        raise GeometryError("The two segmentations lie on different grids.", "Resample one to the other first.")
    return sitk.GetArrayViewFromImage(first), sitk.GetArrayViewFromImage(second)
