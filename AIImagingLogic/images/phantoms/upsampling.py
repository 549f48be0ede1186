"""Several coarse fields brought to the fine planes of a scan, linearly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Weights = tuple[NDArray[np.intp], NDArray[np.float32]]


@dataclass(frozen=True)
class CoarseFields:
    """Fields (n, k, j, i) every `step_mm` from `first_mm` (3,), all in grid mm."""

    values: NDArray[np.float32]
    first_mm: NDArray[np.float64]
    step_mm: float

    def plane(self, x_weights: Weights, y_weights: Weights, height_mm: float) -> NDArray[np.float32]:
        """Return the fields (n, rows, columns) on the plane at `height_mm`."""
        lower, share = divmod((height_mm - self.first_mm[2]) / self.step_mm, 1.0)
        below = int(np.clip(lower, 0, self.values.shape[1] - 2))
        flat = _between(self.values[:, below], self.values[:, below + 1], np.float32(share))
        index, weight = y_weights
        rows = _between(flat[:, index], flat[:, index + 1], weight[None, :, None])
        index, weight = x_weights
        return _between(rows.take(index, axis=2), rows.take(index + 1, axis=2), weight)

    def weights(self, coordinates: NDArray[np.float32], axis: int) -> Weights:
        """Return, for grid mm along `axis` (0 = i), the lower neighbour and the share of the upper one."""
        position = (coordinates - self.first_mm[axis]) / self.step_mm
        lower = np.clip(np.floor(position), 0, self.values.shape[3 - axis] - 2).astype(np.intp)
        return lower, (position - lower).astype(np.float32)


def _between(
    low: NDArray[np.float32], high: NDArray[np.float32], share: NDArray[np.float32] | np.float32
) -> NDArray[np.float32]:
    result = high - low
    result *= share
    result += low
    return result
