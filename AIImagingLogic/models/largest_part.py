"""The largest connected part of all labels together; small parts apart from it are noise of the network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk


def keep_largest_part(labels: sitk.Image) -> tuple[sitk.Image, float]:
    """Return the labels without parts that do not touch the largest one, and the volume left out, ml.

    Parameters
    ----------
    labels : 3D, 0 is background; voxels that share a corner touch, whatever their label

    Returns
    -------
    labels
        On the same grid, of the same type.
    left_out_ml
        0 when there is one part only, or none.
    """
    everything = labels != 0
    parts = sitk.ConnectedComponent(everything, True)
    counts = np.bincount(sitk.GetArrayViewFromImage(parts).reshape(-1))
    if len(counts) <= 2:
        return labels, 0.0
    largest = int(np.argmax(counts[1:])) + 1
    left_out = int(counts[1:].sum() - counts[largest])
    kept = sitk.Mask(labels, parts == largest)
    return kept, left_out * float(np.prod(labels.GetSpacing())) / 1000.0


def keep_largest_of_each(labels: sitk.Image, values: Sequence[int]) -> tuple[sitk.Image, float]:
    """Return the labels with the largest part only of each label in `values`, and the volume left out, ml.

    Parameters
    ----------
    labels : 3D; voxels of one label that share a corner touch
    values : labels to look at; others stay as they are
    """
    kept, left_out_ml = labels, 0.0
    for value in values:
        largest, volume = keep_largest_part(labels == value)
        if volume:
            kept = sitk.Mask(kept, sitk.Or(labels != value, largest))
            left_out_ml += volume
    return kept, left_out_ml
