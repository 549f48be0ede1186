"""Where the lungs of the phantom lie at baseline, for placing things in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from AIImagingLogic.images.phantoms.implicit_surfaces import Field
from AIImagingLogic.images.phantoms.thorax import Physique, lung_distances

_STEP_MM = 3.0
_LOW = np.array([-144.0, -100.0, -132.0])
_HIGH = np.array([145.0, 105.0, 118.0])
RIGHT, LEFT = "right", "left"


@dataclass(frozen=True)
class LungMap:
    """Signed distances (mm, negative inside) of both lungs and the mediastinum on a coarse grid, LPS mm."""

    right: Field
    left: Field
    mediastinum: Field

    def distance(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distance of `points` (..., 3) from the border of the nearer lung."""
        return self._at(np.minimum(self.right, self.left), points)

    def mediastinum_distance(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distance of `points` (..., 3) from the mediastinum."""
        return self._at(self.mediastinum, points)

    def inward(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the unit vectors (..., 3) at `point` (..., 3) that lead deeper into the lung."""
        steps = np.eye(3) * _STEP_MM
        near = np.asarray(point, float)[..., None, :]
        slope = self.distance(near - steps) - self.distance(near + steps)
        unit: NDArray[np.float64] = slope / np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-9)
        return unit

    def drawn_inside(self, points: NDArray[np.float64], depth_mm: float) -> NDArray[np.float64]:
        """Return `points` (n, 3), those outside the lungs or too near to their border moved to `depth_mm` inside."""
        moved = np.array(points, float)
        for _ in range(3):
            missing = np.maximum(self.distance(moved) + depth_mm, 0)
            moved += self.inward(moved) * missing[:, None]
        return moved

    def points_between(
        self, side: str, nearest_mm: float, farthest_mm: float, count: int, random: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return up to `count` random points (n, 3) of one lung, `nearest_mm` to `farthest_mm` deep in it."""
        values = self.right if side == RIGHT else self.left
        cells = np.argwhere((values < -nearest_mm) & (values > -farthest_mm))
        chosen = cells[random.integers(0, len(cells), count)] if len(cells) else cells
        points = _LOW + (chosen[:, ::-1] + random.uniform(-0.5, 0.5, chosen.shape)) * _STEP_MM
        depth = -self._at(values, points)
        kept: NDArray[np.float64] = points[(depth >= nearest_mm) & (depth <= farthest_mm)]
        return kept

    def height_range(self, side: str) -> tuple[float, float]:
        """Return the z (LPS mm) of the lowest and the highest point of one lung."""
        planes = np.flatnonzero((self.right if side == RIGHT else self.left).min(axis=(1, 2)) < 0)
        return float(_LOW[2] + planes[0] * _STEP_MM), float(_LOW[2] + planes[-1] * _STEP_MM)

    @staticmethod
    def _at(values: Field, points: NDArray[np.float64]) -> NDArray[np.float64]:
        indices = (np.asarray(points, float).reshape(-1, 3) - _LOW)[:, ::-1].T / _STEP_MM
        found = map_coordinates(values, indices, order=1, mode="nearest", prefilter=False, output=np.float64)
        return found.reshape(np.shape(points)[:-1])


def lung_map(physique: Physique) -> LungMap:
    """Return the map of a person's lungs."""
    axes = [np.arange(low, high, _STEP_MM, dtype=np.float32) for low, high in zip(_LOW, _HIGH)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    return LungMap(*lung_distances(x, y, z, _STEP_MM, physique))
