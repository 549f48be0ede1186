"""Which aerated parts of a coarse chest CT are lung, and of which side of the patient."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.coarse_grid import image_like
from AIImagingLogic.models.builtin.ct_air import Air
from AIImagingLogic.models.builtin.distances import Mask, box_of, depth_in, distance_to

_LEAST_LUNG_ML = 50.0
_LEAST_PART_ML = 5.0
_PART_REACH_MM = 8.0
_GAS_MARGIN_HU = 45
_DENSEST_LUNG_HU = -450
_ONE_PART_RATIO = 2.5
_LEAST_SHARE = 0.12
_BONE_HU = 250


def lung_sides(coarse: sitk.Image, air: Air, airways: Mask) -> tuple[Mask | None, Mask | None]:
    """Return the aerated right and left lung, (k, j, i) bool each; None for a side that is not in the image.

    Parameters
    ----------
    coarse : CT in HU, axes nearest to LPS
    air : its air
    airways : trachea and main bronchi with their walls, which do not count as lung

    Notes
    -----
    Sides are the patient's: right is the smaller LPS x, whatever the axes of the image. A lung that stands alone in
    a crop is told by what lies medially of it: the trachea, the spine, and no outside air.
    """
    voxel_ml = float(np.prod(coarse.GetSpacing())) / 1000.0
    hu = sitk.GetArrayViewFromImage(coarse)
    labels, count = ndimage.label(air.inside & ~airways)
    volumes_ml = np.bincount(labels.ravel(), minlength=count + 1) * voxel_ml
    volumes_ml[0] = 0.0
    boxes = ndimage.find_objects(labels)
    aerated = set()
    for number in np.flatnonzero(volumes_ml >= _LEAST_PART_ML).tolist():
        box = boxes[number - 1]
        median = float(np.median(hu[box][labels[box] == number]))
        if air.level_hu + _GAS_MARGIN_HU < median < _DENSEST_LUNG_HU:
            aerated.add(number)
    mains = sorted((n for n in aerated if volumes_ml[n] >= _LEAST_LUNG_ML), key=lambda n: -volumes_ml[n])
    if not mains:
        return None, None
    lungs = _main_lungs(labels, [(n, float(volumes_ml[n])) for n in mains], coarse)
    for number in sorted(aerated - set(mains[:1] if len(lungs) == 1 else mains[:2])):
        _join_nearest(lungs, labels, number, coarse)
    if len(lungs) == 1:
        return (lungs[0], None) if _is_right(lungs[0], coarse, air, airways) else (None, lungs[0])
    first, second = (_mean_x_mm(lung, coarse) for lung in lungs)
    return (lungs[0], lungs[1]) if first < second else (lungs[1], lungs[0])


def _main_lungs(labels: NDArray[np.int32], mains: list[tuple[int, float]], coarse: sitk.Image) -> list[Mask]:
    first = labels == mains[0][0]
    if len(mains) > 1 and mains[0][1] < _ONE_PART_RATIO * mains[1][1]:
        second = labels == mains[1][0]
        return [first, second] if _lie_abreast(first, second, coarse) else [first]
    halves = _split_where_thin(first, coarse)
    if halves is not None:
        return list(halves)
    if len(mains) > 1:
        second = labels == mains[1][0]
        if _lie_abreast(first, second, coarse):
            return [first, second]
    return [first]


def _split_where_thin(both: Mask, coarse: sitk.Image) -> tuple[Mask, Mask] | None:
    """Return the two lungs of one connected part that joins both, or None when it is one lung.

    The part is eroded until it falls into two large pieces side by side; each voxel then goes to the piece that a
    watershed of the depth leads it to, so that the cut is where the bridge is thinnest.
    """
    spacing_mm = coarse.GetSpacing()[::-1]
    depth = depth_in(both, spacing_mm)
    for radius_mm in np.arange(1.0, 16.0, 1.5):
        labels, count = ndimage.label(depth > radius_mm)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        sizes[0] = 0
        order = np.argsort(sizes)[::-1]
        if count < 2 or sizes[order[1]] < _LEAST_SHARE * sizes.sum():
            continue
        pieces = labels == order[0], labels == order[1]
        if not _lie_abreast(*pieces, coarse):
            continue
        markers = pieces[0].astype(np.uint8) + 2 * pieces[1].astype(np.uint8)
        relief = image_like((-depth).astype(np.float32), coarse)
        basins = sitk.GetArrayFromImage(
            sitk.MorphologicalWatershedFromMarkers(relief, image_like(markers, coarse), markWatershedLine=False)
        )
        return both & (basins == 1), both & (basins == 2)
    return None


def _lie_abreast(first: Mask, second: Mask, coarse: sitk.Image) -> bool:
    """Whether two parts lie beside each other as lungs do, not above or before each other as lobes do."""
    apart = np.abs(_center_mm(first, coarse) - _center_mm(second, coarse))
    return bool(apart[0] > 40.0 and apart[0] > 1.2 * max(apart[1], apart[2]))


def _join_nearest(lungs: list[Mask], labels: NDArray[np.int32], number: int, coarse: sitk.Image) -> None:
    part = labels == number
    spacing_mm = coarse.GetSpacing()[::-1]
    box = box_of(part, _PART_REACH_MM, spacing_mm)
    near = distance_to(part[box], spacing_mm) <= _PART_REACH_MM
    contacts = [int((near & lung[box]).sum()) for lung in lungs]
    if max(contacts) > 0:
        lungs[int(np.argmax(contacts))] |= part


def _is_right(lung: Mask, coarse: sitk.Image, air: Air, airways: Mask) -> bool:
    """Whether a lung that stands alone is the right one; each cue votes with how clearly it speaks."""
    own = _mean_x_mm(lung, coarse)
    votes = 2.0 * _outside_on_patients_right(lung, air.outside)
    for cue, weight in ((airways, 2.0), (sitk.GetArrayViewFromImage(coarse) > _BONE_HU, 1.0)):
        if cue.sum() > 0.001 * lung.sum():
            votes += weight * float(np.clip((_mean_x_mm(cue, coarse) - own) / 30.0, -1.0, 1.0))
    return votes >= 0.0


def _outside_on_patients_right(lung: Mask, outside: Mask) -> float:
    """Return the share of the lung's rows that meet outside air towards the patient's right less that to the left.

    Rows run along the last axis, which is the one nearest to LPS x. A lung's ribs face the air; in a crop the
    mediastinum faces the cut.
    """
    rows = lung.any(axis=2)
    first = lung.argmax(axis=2)[rows][:, None]
    last = lung.shape[2] - 1 - lung[:, :, ::-1].argmax(axis=2)[rows][:, None]
    column = np.arange(lung.shape[2])[None, :]
    air = outside[rows]
    to_right = (air & (column < first)).any(axis=1).mean()
    to_left = (air & (column > last)).any(axis=1).mean()
    return float(to_right - to_left)


def _mean_x_mm(mask: Mask, coarse: sitk.Image) -> float:
    return float(_center_mm(mask, coarse)[0])


def _center_mm(mask: Mask, coarse: sitk.Image) -> NDArray[np.float64]:
    center = [
        float(np.average(np.arange(size), weights=mask.sum(axis=tuple(other for other in range(3) if other != axis))))
        for axis, size in enumerate(mask.shape)
    ]
    return np.array(coarse.TransformContinuousIndexToPhysicalPoint(center[::-1]))
