"""Growth of one place in an image: radial magnification around a centre that fades out, exactly invertible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_NEWTON_STEPS = 40


@dataclass(frozen=True)
class LocalGrowth:
    """A map that magnifies by `scale` up to `inner_mm` from `center_mm` and leaves alone what is beyond `outer_mm`."""

    center_mm: tuple[float, float, float]
    scale: float
    inner_mm: float
    outer_mm: float

    def forward(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return where points (..., 3) LPS mm go."""
        offsets = np.asarray(points, float) - np.asarray(self.center_mm)
        radius = np.linalg.norm(offsets, axis=-1, keepdims=True)
        return np.asarray(points, float) + offsets * (self._stretch(radius)[0] - 1)

    def backward(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return where points (..., 3) LPS mm came from."""
        offsets = np.asarray(points, float) - np.asarray(self.center_mm)
        radius = np.linalg.norm(offsets, axis=-1, keepdims=True)
        source = radius.copy()
        for _ in range(_NEWTON_STEPS):
            stretch, slope = self._stretch(source)
            step = (source * stretch - radius) / (stretch + source * slope)
            source -= step
            if np.max(np.abs(step), initial=0.0) < 1e-9:
                break
        return np.asarray(self.center_mm) + offsets / self._stretch(source)[0]

    def _stretch(self, radius: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the factor on the radius, and its derivative."""
        width = self.outer_mm - self.inner_mm
        t = np.clip((radius - self.inner_mm) / width, 0, 1)
        gain = self.scale - 1
        return 1 + gain * (1 - t * t * (3 - 2 * t)), -gain * 6 * t * (1 - t) / width
