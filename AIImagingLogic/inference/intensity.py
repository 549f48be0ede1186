"""Steps that bring an image's values to what a network was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Voxels = NDArray[np.float32]


class IntensityStep(Protocol):
    """One step. It may work in place and returns the result."""

    def apply(self, voxels: Voxels) -> Voxels:
        """Return the new values of one channel, any shape."""
        ...


@dataclass(frozen=True)
class Clip:
    """Values outside `low`..`high` become the nearer of the two."""

    low: float
    high: float

    def apply(self, voxels: Voxels) -> Voxels:
        return np.clip(voxels, np.float32(self.low), np.float32(self.high), out=voxels)


@dataclass(frozen=True)
class ScaleRange:
    """`low`..`high` is mapped linearly to `new_low`..`new_high`; with `clip`, values outside end at the new limits."""

    low: float
    high: float
    new_low: float = 0.0
    new_high: float = 1.0
    clip: bool = False

    def apply(self, voxels: Voxels) -> Voxels:
        scale = (self.new_high - self.new_low) / (self.high - self.low)
        voxels -= np.float32(self.low)
        voxels *= np.float32(scale)
        voxels += np.float32(self.new_low)
        return np.clip(voxels, np.float32(self.new_low), np.float32(self.new_high), out=voxels) if self.clip else voxels


@dataclass(frozen=True)
class Standardise:
    """Subtract `mean` and divide by `deviation`, both stated by the package."""

    mean: float
    deviation: float

    def apply(self, voxels: Voxels) -> Voxels:
        voxels -= np.float32(self.mean)
        voxels /= np.float32(max(self.deviation, 1e-8))
        return voxels


@dataclass(frozen=True)
class StandardiseImage:
    """Subtract the image's mean, divide by its standard deviation; with `nonzero`, of and in voxels that are not 0."""

    nonzero: bool = False

    def apply(self, voxels: Voxels) -> Voxels:
        where = voxels != 0 if self.nonzero else np.ones(voxels.shape, bool)
        if not where.any():
            return voxels
        values = voxels[where].astype(np.float64)
        deviation = values.std()
        voxels[where] = ((values - values.mean()) / (deviation if deviation > 0 else 1.0)).astype(np.float32)
        return voxels


@dataclass(frozen=True)
class StandardiseContent:
    """Subtract the mean and divide by the standard deviation of the content, in the content; 0 stays 0 outside.

    Content is where any channel is not 0, with its holes filled.
    """

    def of(self, content: NDArray[np.bool_]) -> IntensityStep:
        """Return the step for images with this content."""
        return _StandardiseWithin(content)

    def apply(self, voxels: Voxels) -> Voxels:
        """Return the values of one channel whose content is all of it."""
        return StandardiseImage().apply(voxels)


@dataclass(frozen=True)
class _StandardiseWithin:
    content: NDArray[np.bool_]

    def apply(self, voxels: Voxels) -> Voxels:
        values = voxels[self.content].astype(np.float64)
        if len(values):
            voxels[self.content] = ((values - values.mean()) / max(values.std(), 1e-8)).astype(np.float32)
        return voxels


@dataclass(frozen=True)
class ScaleToExtremes:
    """The image's least and greatest value are mapped to `new_low` and `new_high`."""

    new_low: float = 0.0
    new_high: float = 1.0

    def apply(self, voxels: Voxels) -> Voxels:
        low, high = float(voxels.min()), float(voxels.max())
        return ScaleRange(low, high if high > low else low + 1.0, self.new_low, self.new_high).apply(voxels)


@dataclass(frozen=True)
class ScaleToPercentiles:
    """The percentiles `lower` and `upper` (0..100) of the image are mapped to `new_low` and `new_high`."""

    lower: float
    upper: float
    new_low: float = 0.0
    new_high: float = 1.0
    clip: bool = False

    def apply(self, voxels: Voxels) -> Voxels:
        low, high = (float(value) for value in np.percentile(voxels, (self.lower, self.upper)))
        return ScaleRange(low, high if high > low else low + 1.0, self.new_low, self.new_high, self.clip).apply(voxels)
