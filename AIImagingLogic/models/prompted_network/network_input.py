"""What the network is fed with: grey values of any modality on one scale, and prompts drawn as small balls."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

BALL_VOXELS = 2.0
"""Radius of a click on the network's grid."""
_PERCENTILES = (0.5, 99.5)


def normalised(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return grey values cut off at two percentiles, with mean 0 and deviation 1; an even image is 0."""
    low, high = np.percentile(values, _PERCENTILES)
    cut = np.clip(values, low, high).astype(np.float32)
    deviation = float(cut.std())
    return (cut - cut.mean()) / deviation if deviation > 1e-6 * max(abs(float(high)), 1e-6) else np.zeros_like(cut)


def draw_balls(into: NDArray[np.float32], places: Iterable[tuple[float, float, float]]) -> None:
    """Set the voxels within `BALL_VOXELS` of each place to 1; `places` in voxels, in the order of the array's axes."""
    reach = int(np.ceil(BALL_VOXELS))
    for place in places:
        middle = [round(value) for value in place]
        where = tuple(slice(max(m - reach, 0), max(m + reach + 1, 0)) for m in middle)
        part = into[where]
        if part.size == 0:
            continue
        offsets = np.ogrid[tuple(slice(s.start, s.start + extent) for s, extent in zip(where, part.shape))]
        far = sum((offset - value) ** 2 for offset, value in zip(offsets, place))
        part[np.asarray(far) <= BALL_VOXELS**2] = 1.0
