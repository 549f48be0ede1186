"""Where to begin: shifts and turns worth trying before the fine search, for patients that lie far apart."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import fft
from scipy.spatial.transform import Rotation

from AIImagingLogic.models.builtin.registration_grid import Array, Points
from AIImagingLogic.models.builtin.registration_linear import LinearFit, LinearMap, fit_linear, shift
from AIImagingLogic.models.builtin.registration_pyramid import Level
from AIImagingLogic.records.progress import Progress

# A shift must bring at least this share of the largest possible common volume together.
_LEAST_COMMON = 0.5
_TURN_DEGREES = 20.0
# Starts closer than this end in the same place.
_SAME_START_MM = 10.0


def best_start(level: Level, fixed_center_mm: Points, moving_center_mm: Points, progress: Progress) -> LinearFit:
    """Return the best rigid fit on a coarse level from several starts.

    Tried are: as the scanner says, centre on centre, the shift of highest correlation; then, about the best of them,
    turns of 20 degrees to either side about each axis.

    Parameters
    ----------
    level : coarse
    fixed_center_mm, moving_center_mm : (3,) mm, LPS, centres of mass of the masks
    """
    offsets = [np.zeros(3), moving_center_mm - fixed_center_mm, correlated_shift_mm(level)]
    starts: list[LinearMap] = []
    for offset in offsets:
        if all(np.linalg.norm(offset - other.offset) > _SAME_START_MM for other in starts):
            starts.append(shift(offset))
    best = _best_of(level, starts, progress.part(0.0, 0.3))
    turns = [
        _turned(best.map, vector, fixed_center_mm)
        for vector in np.concatenate([np.eye(3), -np.eye(3)]) * np.deg2rad(_TURN_DEGREES)
    ]
    return min(best, _best_of(level, turns, progress.part(0.3, 1.0)), key=lambda fit: fit.cost)


def _best_of(level: Level, starts: list[LinearMap], progress: Progress) -> LinearFit:
    share = 1 / len(starts)
    fits = [
        fit_linear([level], start, True, progress.part(number * share, (number + 1) * share))
        for number, start in enumerate(starts)
    ]
    return min(fits, key=lambda fit: fit.cost)


def center_of_mass_mm(mask: sitk.Image) -> Points:
    """Return the centre of mass (3,) mm, LPS of a mask that is not empty."""
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.ComputePerimeterOff()
    shape.Execute(sitk.Cast(mask > 0, sitk.sitkUInt8))
    return np.array(shape.GetCentroid(1))


def correlated_shift_mm(level: Level) -> Points:
    """Return the shift (3,) mm, LPS from fixed to moving points with the highest normalised correlation.

    Only what both fields of view show enters each correlation.

    References
    ----------
    D. Padfield, Masked object registration in the Fourier domain (2012).
    """
    fixed, moving = level.fixed[-1].values, level.moving[-1].values
    known = np.isfinite(moving).astype(np.float32)
    moving = np.where(known > 0, moving, np.float32(0))
    weight = level.weight * np.isfinite(fixed)
    fixed = np.where(weight > 0, fixed, np.float32(0))
    shape = [fft.next_fast_len(a + b - 1, real=True) for a, b in zip(fixed.shape, moving.shape, strict=True)]

    def spectrum(values: Array) -> np.ndarray:
        return fft.rfftn(values.astype(np.float64), shape)

    own = [np.conj(spectrum(values)) for values in (weight, weight * fixed, weight * fixed**2)]
    other = [spectrum(values) for values in (known, moving, moving**2)]

    def correlated(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return fft.irfftn(first * second, shape)

    common = np.maximum(correlated(own[0], other[0]), 1e-6)
    fixed_sum, moving_sum = correlated(own[1], other[0]), correlated(own[0], other[1])
    product = correlated(own[1], other[1]) - fixed_sum * moving_sum / common
    fixed_spread = np.maximum(correlated(own[2], other[0]) - fixed_sum**2 / common, 0)
    moving_spread = np.maximum(correlated(own[0], other[2]) - moving_sum**2 / common, 0)
    least = 1e-3 * float((weight * fixed**2).sum()) ** 2 + 1e-9
    correlation = product / np.sqrt(fixed_spread * moving_spread + least * 1e-3)
    correlation[common < _LEAST_COMMON * common.max()] = -1
    peak = np.array(np.unravel_index(int(correlation.argmax()), correlation.shape))
    # Beyond the moving image's own length an index means a shift to the other side.
    peak = np.where(peak >= np.array(moving.shape), peak - np.array(shape), peak)
    target = level.moving_grid.to_world(peak[None, ::-1].astype(float))[0]
    return target - level.grid.origin_mm


def _turned(mapping: LinearMap, vector: Points, center_mm: Points) -> LinearMap:
    turn = Rotation.from_rotvec(vector).as_matrix()
    return mapping.after(turn, center_mm - turn @ center_mm)
