"""ABC/2: the bedside estimate of a haematoma's volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from AIImagingLogic.records.coding import CodedConcept
from AIImagingLogic.records.measurement import Measurement, measurement
from AIImagingLogic.records.resources import load_resource

_WHOLE_ABOVE, _HALF_FROM = 0.75, 0.25
_LEAST_ML = 0.1


@dataclass(frozen=True)
class Abc2:
    """The three lengths (mm) and what they give.

    Attributes
    ----------
    a_mm : longest diameter on the slice with the largest area
    b_mm : width at a right angle to it, on the same slice
    c_mm : thickness of all slices, weighted 1, 1/2 or 0
    """

    a_mm: float
    b_mm: float
    c_mm: float

    @property
    def ml(self) -> float:
        """A x B x C / 2."""
        return self.a_mm * self.b_mm * self.c_mm / 2000.0


def abc2(mask: sitk.Image) -> Abc2 | None:
    """Return A, B and C of one haematoma; None of an empty mask.

    Parameters
    ----------
    mask : non-zero inside; its slices are the planes across the grid's axis nearest to head-foot

    Notes
    -----
    A slice counts whole when its area is more than 75 % of the largest, half from 25 to 75 %, not at all below.

    References
    ----------
    Kothari RU, et al. The ABCs of measuring intracerebral hemorrhage volumes. Stroke 1996;27:1304-1305.
    """
    slices, (row_mm, column_mm), step_mm = _slices(mask)
    areas = slices.sum(axis=(1, 2))
    if not areas.any():
        return None
    largest = int(np.argmax(areas))
    share = areas / areas[largest]
    weights = np.where(share > _WHOLE_ABOVE, 1.0, np.where(share >= _HALF_FROM, 0.5, 0.0))
    a_mm, b_mm = _diameters(slices[largest], row_mm, column_mm)
    return Abc2(a_mm, b_mm, float(weights.sum()) * step_mm)


def abc2_ml(mask: sitk.Image) -> float:
    """Return the sum (ml) of ABC/2 over the separate haematomas of a mask; pieces under 0.1 ml are left out."""
    parts = sitk.ConnectedComponent(sitk.Cast(mask != 0, sitk.sitkUInt8), True)
    values = sitk.GetArrayViewFromImage(parts)
    voxel_ml = float(np.prod(mask.GetSpacing())) / 1000.0
    total = 0.0
    for label, box in enumerate(ndimage.find_objects(values), start=1):
        if np.count_nonzero(values[box] == label) * voxel_ml >= _LEAST_ML:
            k, j, i = box
            found = abc2(parts[i, j, k] == label)
            total += found.ml if found else 0.0
    return total


def haematoma_measurements(kind: CodedConcept, mask: sitk.Image) -> tuple[Measurement, ...]:
    """Return what is measured of a haematoma beside its volume: ABC/2; nothing of other segments."""
    if kind.type.value not in load_resource("rules/haemorrhage.json")["type_codes"]:
        return ()
    return (measurement("abc2_volume", abc2_ml(mask)),)


def _slices(mask: sitk.Image) -> tuple[NDArray[np.bool_], tuple[float, float], float]:
    """Return the slices across the axis nearest to head-foot, their pixels (mm) and their distance (mm)."""
    direction = np.array(mask.GetDirection()).reshape(3, 3)
    axis = int(np.argmax(np.abs(direction[2])))
    inside = np.moveaxis(sitk.GetArrayViewFromImage(mask) != 0, 2 - axis, 0)
    spacing = [mask.GetSpacing()[n] for n in (2, 1, 0) if n != axis]
    return inside, (spacing[0], spacing[1]), mask.GetSpacing()[axis]


def _diameters(plane: NDArray[np.bool_], row_mm: float, column_mm: float) -> tuple[float, float]:
    """Return the longest diameter of a plane region and its width at a right angle to it, corner to corner."""
    rows, columns = np.nonzero(plane)
    middles = np.stack([rows * row_mm, columns * column_mm], axis=1)
    half = np.array([row_mm, column_mm]) / 2
    # Half a voxel on both sides would make a slanting diameter too long: the middles of a voxel's faces end it.
    ends = np.concatenate([middles + half * corner for corner in ((1, 0), (-1, 0), (0, 1), (0, -1))])
    try:
        ends = ends[ConvexHull(ends).vertices]
    except QhullError:
        return 0.0, 0.0
    apart = np.linalg.norm(ends[:, None] - ends[None], axis=-1)
    first, last = np.unravel_index(int(np.argmax(apart)), apart.shape)
    along = (ends[last] - ends[first]) / apart[first, last]
    across = ends @ np.array([-along[1], along[0]])
    return float(apart[first, last]), float(np.ptp(across))
