"""The plain baseline that an exam must defeat: threshold the lungs, take compact components."""

from __future__ import annotations

import math

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import find_objects, label

from AIImagingLogic.evaluation.detection import Mark

THRESHOLD_HU = -450
SMALLEST_DIAMETER_MM, LARGEST_DIAMETER_MM = 3.0, 30.0


def threshold_marks(image: sitk.Image, lungs: sitk.Image) -> list[Mark]:
    """Return a mark on each connected component above -450 HU in the lungs, scored by how much of its ball it fills.

    Parameters
    ----------
    image
        CT in Hounsfield units.
    lungs
        Lungs with vessels and nodules in them, not 0, on the same grid. The true ones: the baseline gets every help.

    Notes
    -----
    The ball is the one across the component's longest extent along the grid, so a round component scores near 1 and
    a vessel near 0.
    """
    inside = sitk.GetArrayViewFromImage(lungs) > 0
    labels, _ = label((sitk.GetArrayViewFromImage(image) > THRESHOLD_HU) & inside)
    spacing = np.array(image.GetSpacing())[::-1]
    cell = float(np.prod(spacing))
    marks = []
    for number, box in enumerate(find_objects(labels), 1):
        component = labels[box] == number
        volume = float(np.count_nonzero(component)) * cell
        diameter = (6 * volume / math.pi) ** (1 / 3)
        if SMALLEST_DIAMETER_MM <= diameter <= LARGEST_DIAMETER_MM:
            extent = float((np.array(component.shape) * spacing).max())
            center = np.argwhere(component).mean(0) + [part.start for part in box]
            position = image.TransformContinuousIndexToPhysicalPoint([float(c) for c in center[::-1]])
            marks.append(Mark(position, min(1.0, volume / (math.pi / 6 * extent**3))))
    return marks
