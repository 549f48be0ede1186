"""Tubes drawn on a grid as a scanner with a Gaussian point spread function shows them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ncx2

from AIImagingLogic.images.phantoms.tubes import Tubes

_Array = NDArray[np.float32]
_SAMPLES = 96
_REACH_SIGMAS = 3.2


@dataclass(frozen=True)
class BlurredTubes:
    """Tubes in grid millimetres with, for each, how its blurred density falls with the distance from its axis.

    The blur of a long cylinder of radius r by a Gaussian is, at distance d from the axis, the probability that a
    two-dimensional Gaussian centred at d falls inside r: a noncentral chi-square distribution, so no supersampling
    is needed.
    """

    start: _Array
    end: _Array
    reach_mm: _Array
    profiles: _Array

    def draw(self, fraction: _Array, xs: _Array, ys: _Array, zs: _Array) -> None:
        """Raise `fraction` (len(zs), len(ys), len(xs)) to the share of each point that tubes fill.

        Parameters
        ----------
        xs, ys, zs
            Ascending coordinates of the grid's planes, grid mm.
        """
        low = np.minimum(self.start, self.end) - self.reach_mm[:, None]
        high = np.maximum(self.start, self.end) + self.reach_mm[:, None]
        bounds = [
            (np.searchsorted(axis, low[:, k]), np.searchsorted(axis, high[:, k])) for k, axis in enumerate((xs, ys, zs))
        ]
        filled = np.ones(len(self.start), bool)
        for first, last in bounds:
            filled &= last > first
        for index in np.flatnonzero(filled).tolist():
            (x0, x1), (y0, y1), (z0, z1) = ((first[index], last[index]) for first, last in bounds)
            view = fraction[z0:z1, y0:y1, x0:x1]
            np.maximum(view, self._share(index, xs[x0:x1], ys[y0:y1], zs[z0:z1]), out=view)

    def _share(self, index: int, xs: _Array, ys: _Array, zs: _Array) -> _Array:
        start, along = self.start[index], self.end[index] - self.start[index]
        dx = (xs - start[0])[None, None, :]
        dy = (ys - start[1])[None, :, None]
        dz = (zs - start[2])[:, None, None]
        length = max(float(along @ along), 1e-9)
        share = (dx * along[0] + dy * along[1] + dz * along[2]) * np.float32(1 / length)
        np.clip(share, 0, 1, out=share)
        square = (dx - share * along[0]) ** 2
        square += (dy - share * along[1]) ** 2
        square += (dz - share * along[2]) ** 2
        np.sqrt(square, out=square)
        square *= np.float32((_SAMPLES - 1) / self.reach_mm[index])
        np.minimum(square, _SAMPLES - 1, out=square)
        return self.profiles[index].take(square.astype(np.int32))


def blurred(
    tubes: Tubes,
    radius_mm: NDArray[np.float64],
    to_grid: NDArray[np.float64],
    origin: NDArray[np.float64],
    sigma_mm: float,
) -> BlurredTubes:
    """Return `tubes` with radii `radius_mm`, in the grid's frame, blurred by a Gaussian of `sigma_mm`.

    Parameters
    ----------
    to_grid
        (3, 3): LPS mm offsets from `origin` times this are grid mm.
    """
    reach = radius_mm + _REACH_SIGMAS * sigma_mm
    distance = np.linspace(0, 1, _SAMPLES)[None] * reach[:, None]
    profiles = ncx2.cdf((radius_mm[:, None] / sigma_mm) ** 2, 2, (distance / sigma_mm) ** 2)
    profiles[:, -1] = 0
    return BlurredTubes(
        ((tubes.start - origin) @ to_grid).astype(np.float32),
        ((tubes.end - origin) @ to_grid).astype(np.float32),
        reach.astype(np.float32),
        profiles.astype(np.float32),
    )
