"""The plane between the hemispheres, and where in the cranial cavity a voxel lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.distances import Mask, Spacing

_LEAST_WIDTH_MM = 70.0
_ROUNDS = 4


@dataclass(frozen=True)
class Midline:
    """The mid-sagittal plane of a head whose axes are nearest to LPS, and the extent of its cavity.

    Attributes
    ----------
    shape : of the grid, k, j, i
    spacing_mm : mm along k, j, i
    plane : offset, slope along j, slope along k: i (mm) = offset + slope_j * j (mm) + slope_k * k (mm)
    low_mm, high_mm : (2,) first and last k and j (mm) of the cavity
    """

    shape: tuple[int, ...]
    spacing_mm: Spacing
    plane: tuple[float, float, float]
    low_mm: tuple[float, float]
    high_mm: tuple[float, float]

    def distance_mm(self, box: tuple[slice, ...]) -> NDArray[np.float32]:
        """Return the signed distance of the voxels of `box` to the plane, positive to the patient's left."""
        k, j, i = self._positions(box)
        offset, slope_j, slope_k = self.plane
        distance = (i - offset - slope_j * j - slope_k * k) / np.sqrt(1 + slope_j**2 + slope_k**2)
        return np.asarray(distance, dtype=np.float32)

    def place(self, box: tuple[slice, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return how far backward (0 front, 1 back) and how high (0 base, 1 crown) the voxels of `box` lie."""
        k, j, i = self._positions(box)
        height = (k - self.low_mm[0]) / (self.high_mm[0] - self.low_mm[0]) + 0 * (i + j)
        backward = (j - self.low_mm[1]) / (self.high_mm[1] - self.low_mm[1]) + 0 * (i + k)
        return np.asarray(backward, dtype=np.float32), np.asarray(height, dtype=np.float32)

    def _positions(self, box: tuple[slice, ...]) -> tuple[NDArray, NDArray, NDArray]:
        axes = [np.arange(part.start, min(part.stop, n)) * s for part, n, s in zip(box, self.shape, self.spacing_mm)]
        return axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :]


def find_midline(space: Mask, spacing_mm: Spacing) -> Midline:
    """Return the plane in the middle between the left and right border of the cavity.

    Parameters
    ----------
    space : (k, j, i) bool, axes nearest to LPS; not empty
    spacing_mm : mm along k, j, i

    Notes
    -----
    Fitted to the middles of all rows that are at least 70 mm wide, outliers left out.
    """
    k, j = np.nonzero(space.any(axis=2))
    rows = space[k, j]
    first = rows.argmax(axis=1)
    last = rows.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)
    wide = (last - first) * spacing_mm[2] >= _LEAST_WIDTH_MM
    wide = wide if wide.sum() > 10 else np.ones_like(wide)
    middle = ((first + last) / 2 * spacing_mm[2])[wide]
    terms = np.stack([np.ones(len(middle)), j[wide] * spacing_mm[1], k[wide] * spacing_mm[0]], axis=1)
    kept = np.ones(len(middle), dtype=bool)
    plane = np.zeros(3)
    for _ in range(_ROUNDS):
        plane = np.linalg.lstsq(terms[kept], middle[kept], rcond=None)[0]
        off = np.abs(middle - terms @ plane)
        kept = off <= max(2.0, 2.0 * float(np.median(off)))
    low = (float(k.min() * spacing_mm[0]), float(j.min() * spacing_mm[1]))
    high = (float((k.max() + 1) * spacing_mm[0]), float((j.max() + 1) * spacing_mm[1]))
    return Midline(space.shape, spacing_mm, (float(plane[0]), float(plane[1]), float(plane[2])), low, high)
