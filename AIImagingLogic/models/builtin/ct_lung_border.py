"""The border of one lung: aerated part in, closed lung out, with vessels and juxtapleural nodules inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.coarse_grid import FULL
from AIImagingLogic.models.builtin.distances import Mask, Spacing, box_of, closed

CLOSING_RADIUS_MM = 12.0
"""A nodule on the pleura is filled when it is no larger than this ball; the aorta and the heart are larger."""
_TISSUE_HU = 0.0
_LUNG_HU = -800.0


def close_lung(
    aerated: Mask, barred: Mask, hu: NDArray[np.int16], spacing_mm: Spacing, radius_mm: float = CLOSING_RADIUS_MM
) -> NDArray[np.uint8]:
    """Return the membership (0..`FULL`, half is the border) of the closed lung.

    Parameters
    ----------
    aerated : (k, j, i) bool, the aerated part of one lung
    barred : (k, j, i) bool, what must stay outside: airways with their walls, the other lung
    hu : (k, j, i) HU
    spacing_mm : mm along k, j, i

    Notes
    -----
    Where the border is that of aerated lung, the share of air in each voxel places it between the voxels; where the
    closing made it, it lies on the voxels' sides.
    """
    result = np.zeros(aerated.shape, dtype=np.uint8)
    box = box_of(aerated, radius_mm + 4.0, spacing_mm)
    inner, barrier = aerated[box], barred[box]
    filled = _holes_filled(closed(inner, radius_mm, spacing_mm)) & ~barrier
    share = np.clip((_TISSUE_HU - hu[box]) / (_TISSUE_HU - _LUNG_HU), 0.0, 1.0) * FULL
    rim = ndimage.binary_dilation(inner) & ~filled & ~barrier
    membership = np.where(filled, np.where(inner, np.maximum(share, FULL / 2), FULL), 0.0)
    membership[rim] = np.minimum(share[rim], FULL / 2 - 1)
    result[box] = membership.astype(np.uint8)
    return result


def _holes_filled(mask: Mask) -> Mask:
    """Return `mask` with cavities filled that do not reach the border of the array."""
    labels, count = ndimage.label(~mask)
    open_parts = np.zeros(count + 1, dtype=bool)
    for axis in range(3):
        for face in (labels.take(0, axis), labels.take(-1, axis)):
            open_parts[np.unique(face)] = True
    open_parts[0] = False
    result: Mask = ~open_parts[labels]
    return result
