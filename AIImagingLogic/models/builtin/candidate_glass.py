"""Ground glass inside a candidate: tissue of its density that is even, where a vessel's blurred edge is steep."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.candidate_contrast import GRID_MM, LungContrast, blurred

Array = NDArray[np.float64]

_BLUR_MM = 0.8
_BAND_HU = (120.0, 380.0)
"""Contrast of ground glass over lung."""
_STEEPEST_HU_PER_MM = 80.0
_SHELLS = (0.2, 0.45, 0.65, 0.8)
"""In radii of the candidate."""


def glass_plateau(contrast: LungContrast, centers: Array, radii_mm: Array, way: Array) -> Array:
    """Return the share (N,) of each ball that is as dense as ground glass and even.

    Parameters
    ----------
    contrast : the lung, not capped
    centers : (N, 3) indices k, j, i
    radii_mm : (N,)
    way : (R, 3) unit vectors spread over the sphere
    """
    even = _even_glass(contrast)
    highest = np.array(even.shape) - 1
    share, weight = np.zeros(len(centers)), 0.0
    for shell in _SHELLS:
        points = centers[:, None, :] + way[None] * (shell * radii_mm / GRID_MM)[:, None, None]
        nearest = np.clip(np.rint(points).astype(np.intp), 0, highest)
        # A shell stands for a part of the ball that grows with its area.
        share += shell**2 * even[nearest[..., 0], nearest[..., 1], nearest[..., 2]].mean(axis=1)
        weight += shell**2
    return share / weight


def _even_glass(contrast: LungContrast) -> NDArray[np.bool_]:
    soft = blurred(contrast.hu, _BLUR_MM)
    even = (soft > _BAND_HU[0]) & (soft < _BAND_HU[1])
    where = np.nonzero(even)
    steep = np.zeros(len(where[0]), dtype=np.float32)
    for axis in range(3):
        before, after = list(where), list(where)
        before[axis] = np.maximum(where[axis] - 1, 0)
        after[axis] = np.minimum(where[axis] + 1, even.shape[axis] - 1)
        steep += (soft[tuple(after)] - soft[tuple(before)]) ** 2
    even[where] = np.sqrt(steep) < 2.0 * GRID_MM * _STEEPEST_HU_PER_MM
    return even
