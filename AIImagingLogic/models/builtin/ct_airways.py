"""The lumen of trachea and main bronchi in a coarse chest CT."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.ct_air import TISSUE_HU, Air
from AIImagingLogic.models.builtin.distances import depth_in, distance_to, joined_to

_LUMEN_AREA_MM2 = (60.0, 900.0)
_LEAST_TRACHEA_LENGTH_MM = 25.0
_LEAST_FILL_OF_BOX = 0.55
_WALLED_SHARE = 0.7
_LARGEST_AIRWAYS_ML = 150.0
_LEAK_GROWTH = 1.35
_LEAK_ML = 6.0
_BRONCHUS_RADIUS_MM = 3.0
_WALL_MM = 2.0


def find_airways(coarse: sitk.Image, air: Air) -> NDArray[np.bool_]:
    """Return the lumen of trachea and main bronchi, (k, j, i) bool; empty where the image shows no trachea.

    The trachea is the longest run of round, walled, nearly pure air from slice to slice. From it the region of the
    highest threshold that does not yet leak into the lungs is grown, and what is thinner than a main bronchus cut.

    References
    ----------
    Mori K, et al. Automated extraction and visualization of bronchus from 3D CT images of lung. CVRMed 1995.
    """
    hu = sitk.GetArrayViewFromImage(coarse)
    spacing_mm = coarse.GetSpacing()[::-1]
    seed = _trachea(hu, air, spacing_mm)
    if not seed.any():
        return seed
    box = _around(seed, spacing_mm)
    grown = _grow(hu[box], seed[box], air.inside[box], air.level_hu, spacing_mm)
    lumen = np.zeros(seed.shape, dtype=bool)
    lumen[box] = _large_part(grown, seed[box], spacing_mm)
    return lumen


def with_wall(lumen: NDArray[np.bool_], coarse: sitk.Image) -> NDArray[np.bool_]:
    """Return `lumen` and what lies within its wall's thickness, which partial volume makes look like lung."""
    if not lumen.any():
        return lumen
    result: NDArray[np.bool_] = distance_to(lumen, coarse.GetSpacing()[::-1]) <= _WALL_MM
    return result


def _trachea(hu: NDArray[np.int16], air: Air, spacing_mm: tuple[float, ...]) -> NDArray[np.bool_]:
    """Return the run of slices' lumens that most looks like a trachea; empty when none does."""
    in_plane = np.zeros((3, 3, 3), dtype=bool)
    in_plane[1] = ndimage.generate_binary_structure(2, 1)
    # Half way between lung and air, not lung and tissue: emphysema and lung apices are left out.
    core = air.inside & (hu < air.level_hu + 150)
    labels, count = ndimage.label(core, structure=in_plane)
    if count == 0:
        return core
    area_mm2 = np.bincount(labels.ravel(), minlength=count + 1) * spacing_mm[1] * spacing_mm[2]
    boxes = ndimage.find_objects(labels)
    lumens = np.zeros(count + 1, dtype=bool)
    for slice_number, box in enumerate(boxes, start=1):
        if _LUMEN_AREA_MM2[0] <= area_mm2[slice_number] <= _LUMEN_AREA_MM2[1]:
            lumens[slice_number] = _is_walled_tube(hu, labels, box, slice_number)
    runs, count = ndimage.label(lumens[labels])
    best, best_weight = 0, 0.0
    for number, box in enumerate(ndimage.find_objects(runs), start=1):
        length_mm = (box[0].stop - box[0].start) * spacing_mm[0]
        if length_mm < _LEAST_TRACHEA_LENGTH_MM:
            continue
        inside = runs[box] == number
        emptiness = TISSUE_HU - float(np.median(hu[box][inside]))
        weight = emptiness * length_mm
        if weight > best_weight:
            best, best_weight = number, weight
    return runs == best if best else np.zeros_like(core)


def _is_walled_tube(hu: NDArray[np.int16], labels: NDArray[np.int32], box: tuple[slice, ...], number: int) -> bool:
    """Whether a slice's lumen fills its box like a disc and tissue lies around it."""
    margin = 4
    window = (
        box[0],
        slice(max(box[1].start - margin, 0), box[1].stop + margin),
        slice(max(box[2].start - margin, 0), box[2].stop + margin),
    )
    lumen = (labels[window] == number)[0]
    height, width = box[1].stop - box[1].start, box[2].stop - box[2].start
    if lumen.sum() < _LEAST_FILL_OF_BOX * height * width or max(height, width) > 3 * min(height, width):
        return False
    rim = ndimage.binary_dilation(lumen, iterations=3) & ~ndimage.binary_dilation(lumen, iterations=1)
    return bool(np.mean(hu[window][0][rim] > TISSUE_HU) >= _WALLED_SHARE)


def _around(seed: NDArray[np.bool_], spacing_mm: tuple[float, ...]) -> tuple[slice, ...]:
    """Return the box in which the main bronchi of this trachea must lie."""
    reach_mm = (110.0, 80.0, 90.0)
    box = ndimage.find_objects(seed.astype(np.uint8))[0]
    return tuple(
        slice(max(part.start - round(reach / step), 0), part.stop + round(reach / step))
        for part, reach, step in zip(box, reach_mm, spacing_mm, strict=True)
    )


def _grow(
    hu: NDArray[np.int16],
    seed: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    level_hu: float,
    spacing_mm: tuple[float, ...],
) -> NDArray[np.bool_]:
    voxel_ml = float(np.prod(spacing_mm)) / 1000.0
    grown, volume_ml = seed, float(seed.sum()) * voxel_ml
    for margin_hu in range(40, 200, 15):
        region = joined_to(seed, inside & (hu < level_hu + margin_hu))
        region_ml = float(region.sum()) * voxel_ml
        if region_ml > min(_LARGEST_AIRWAYS_ML, _LEAK_GROWTH * volume_ml + _LEAK_ML):
            break
        grown, volume_ml = region, region_ml
    return grown


def _large_part(lumen: NDArray[np.bool_], seed: NDArray[np.bool_], spacing_mm: tuple[float, ...]) -> NDArray[np.bool_]:
    """Return what of `lumen` a ball of a main bronchus's radius reaches, and is joined to the trachea."""
    core = depth_in(lumen, spacing_mm) > _BRONCHUS_RADIUS_MM
    return joined_to(seed, lumen & (distance_to(core, spacing_mm) <= _BRONCHUS_RADIUS_MM + 1.0))
