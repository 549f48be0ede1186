"""Voxel types: whole numbers that fit stay 16 bit, everything else is single precision."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_INT16 = np.iinfo(np.int16)
_PART = 1 << 22


def settled_voxels(values: NDArray[Any]) -> NDArray[Any]:
    """Return `values` as int16 when all are whole and fit, else as float32."""
    if values.dtype == np.int16:
        return values
    flat = values.reshape(-1)
    if all(_fits(flat[start : start + _PART]) for start in range(0, max(flat.size, 1), _PART)):
        return values.astype(np.int16)
    return values.astype(np.float32, copy=False)


def _fits(part: NDArray[Any]) -> bool:
    """Whether all values of a part (a part at a time keeps the memory small) are whole and fit in 16 bit."""
    if part.size == 0:
        return True
    low, high = part.min(), part.max()
    # A comparison with not-a-number is false.
    if not (low >= _INT16.min and high <= _INT16.max):
        return False
    return part.dtype.kind in "iub" or bool(np.all(np.rint(part) == part))
