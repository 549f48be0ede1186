"""A cube of cubic voxels laid over a part of an image, along the image's own axes: values in, outlines back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.float32]


@dataclass(frozen=True)
class WindowGrid:
    """A cube of `side` voxels of `voxel_mm`; all in the order k, j, i.

    Attributes
    ----------
    centre : (3,) of the cube, in voxels of the image
    spacing_mm : (3,) of the image
    shape : of the image
    """

    centre: NDArray[np.float64]
    voxel_mm: float
    side: int
    spacing_mm: NDArray[np.float64]
    shape: tuple[int, ...]

    @property
    def step(self) -> NDArray[np.float64]:
        """Voxels of the image in one of the cube, along each axis."""
        return self.voxel_mm / self.spacing_mm

    @property
    def first(self) -> NDArray[np.float64]:
        """Where the cube's first voxel lies, in voxels of the image."""
        return self.centre - (self.side - 1) / 2 * self.step

    @property
    def covers_image(self) -> bool:
        """Whether all of the image lies in the cube."""
        last = self.first + (self.side - 1) * self.step
        return bool(np.all(self.first <= 0) and np.all(last >= np.array(self.shape) - 1))

    @property
    def box(self) -> tuple[slice, ...]:
        """The voxels of the image that the cube covers."""
        last = self.first + (self.side - 1) * self.step
        low = np.clip(np.floor(self.first + 0.5), 0, np.array(self.shape) - 1).astype(int)
        high = np.clip(np.floor(last + 0.5), 0, np.array(self.shape) - 1).astype(int)
        return tuple(slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))

    def places(self, voxels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return where voxels (N, 3) of the image lie in the cube."""
        return (voxels.reshape(-1, 3) - self.first) / self.step

    def taken(self, volume: NDArray[np.generic]) -> Volume:
        """Return a volume of the image's shape on the cube; beside the image its border goes on."""
        part, weights = volume, []
        for axis in range(3):
            low, high, weight = self._into(axis)
            part = part[(slice(None),) * axis + (slice(low, high),)]
            weights.append(weight)
        found: Volume = part.astype(np.float32)
        # The axis that loses most goes first: less is left for the others.
        for axis in sorted(range(3), key=lambda a: weights[a].shape[0] / weights[a].shape[1]):
            found = np.moveaxis(np.tensordot(weights[axis], found, (1, axis)), 0, axis)
        return np.ascontiguousarray(found)

    def back(self, values: Volume) -> Volume:
        """Return values of the cube on the voxels of the image in `box`, interpolated."""
        found = values
        for axis, where in enumerate(self.box):
            at = (np.arange(where.start, where.stop) - self.first[axis]) / self.step[axis]
            low = np.clip(np.floor(at).astype(int), 0, self.side - 2)
            shape = [1, 1, 1]
            shape[axis] = len(at)
            share = np.clip(at - low, 0, 1).astype(np.float32).reshape(shape)
            found = np.take(found, low, axis) * (1 - share) + np.take(found, low + 1, axis) * share
        return found

    def _into(self, axis: int) -> tuple[int, int, Volume]:
        """Return the range of voxels along an axis that the cube sees, and the weight of each in each of its own."""
        step, extent = float(self.step[axis]), self.shape[axis]
        # A coarse voxel is the mean of the image over its own width.
        count = max(int(np.ceil(step)), 1)
        offsets = (np.arange(count) + 0.5) / count - 0.5
        at = self.first[axis] + step * (np.arange(self.side)[:, None] + offsets)
        at = np.clip(at, 0, extent - 1)
        low = np.clip(np.floor(at).astype(int), 0, max(extent - 2, 0))
        share = (at - low).astype(np.float32)
        start, stop = int(low.min()), int(min(low.max() + 2, extent))
        weights = np.zeros((self.side, stop - start), np.float32)
        rows = np.broadcast_to(np.arange(self.side)[:, None], at.shape)
        np.add.at(weights, (rows, low - start), (1 - share) / count)
        np.add.at(weights, (rows, np.minimum(low + 1, extent - 1) - start), share / count)
        return start, stop, weights
