"""What lies around a candidate: thick vessels and the hilum, and the air of airways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.candidate_contrast import GRID_MM, LungContrast, blurred

Array = NDArray[np.float64]

_SHRINK = 4
_BRIGHT_HU = 400.0
_NEAR_MM, _WIDE_MM = 9.0, 15.0
_AIR_BLUR_MM = 0.7
_AIR_HU, _AIR_RANGE_HU = -50.0, 80.0
_AIR_NEAR_MM = 3.5


@dataclass(frozen=True)
class Surroundings:
    """Maps of one lung, each on a grid of its own that is a whole number of times coarser than the contrast's.

    Attributes
    ----------
    bright : share of dense tissue in the lung around, Gaussian of 9 mm, on `_SHRINK` times `GRID_MM`
    air : share of voxels as dark as the air of an airway around, Gaussian of 3.5 mm, on twice `GRID_MM`
    hilum : (3,) k, j, i on the grid of the contrast, where the lung's dense tissue gathers (Gaussian of 15 mm)
    """

    bright: NDArray[np.float32]
    air: NDArray[np.float32]
    hilum: Array

    def bright_at(self, centers: Array, radii_mm: Array, core_hu: Array) -> Array:
        """Return the share of dense tissue (N,) around blobs, without the blobs themselves."""
        own = np.clip(core_hu / _BRIGHT_HU, 0.0, 1.0) * radii_mm**3 * (4.0 / 3.0 * np.pi)
        own /= (2.0 * np.pi) ** 1.5 * _NEAR_MM**3
        return _sampled(self.bright, centers, _SHRINK) - own

    def air_at(self, centers: Array) -> Array:
        """Return the share of air (N,) around blobs."""
        return _sampled(self.air, centers, 2)

    def hilum_distance_mm(self, centers: Array) -> Array:
        """Return the distance of blobs (N,) from the hilum."""
        result: Array = np.linalg.norm(centers - self.hilum, axis=1) * GRID_MM
        return result


def surroundings(contrast: LungContrast) -> Surroundings:
    """Return what lies around everywhere in a lung."""
    bright = _shrunk(np.clip(contrast.hu / np.float32(_BRIGHT_HU), 0.0, 1.0), _SHRINK)
    gathered = blurred(bright, _WIDE_MM, GRID_MM * _SHRINK)
    hilum = np.array(np.unravel_index(int(gathered.argmax()), gathered.shape), np.float64)
    dark = np.clip((np.float32(_AIR_HU) - blurred(contrast.hu, _AIR_BLUR_MM)) / np.float32(_AIR_RANGE_HU), 0.0, 1.0)
    air = blurred(_shrunk(dark * contrast.inside, 2), _AIR_NEAR_MM, 2.0 * GRID_MM)
    return Surroundings(blurred(bright, _NEAR_MM, GRID_MM * _SHRINK), air, (hilum + 0.5) * _SHRINK - 0.5)


def _shrunk(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    image = sitk.BinShrink(sitk.GetImageFromArray(values.astype(np.float32, copy=False)), [factor] * 3)
    result: NDArray[np.float32] = sitk.GetArrayFromImage(image)
    return result


def _sampled(values: NDArray[np.float32], centers: Array, shrink: int) -> Array:
    where = (centers + 0.5) / shrink - 0.5
    result: Array = ndimage.map_coordinates(values, where.T, order=1, mode="nearest").astype(np.float64)
    return result
