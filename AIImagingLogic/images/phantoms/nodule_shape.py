"""The shape of a nodule: a lobulated ellipsoid, with a solid core where it is part-solid."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

_LOBES = 9
_LOBE_SHARPNESS = 8.0


@dataclass(frozen=True)
class NoduleShape:
    """A star-shaped body around `center_mm`.

    Attributes
    ----------
    center_mm : (3,) LPS mm
    semi_axes_mm : (3,) before lobulation
    axes : (3, 3) unit vectors, one row a semi-axis
    lobes : (n, 3) unit directions of bumps (positive) and notches (negative)
    lobe_heights : (n,) as a share of the radius
    core_share : radius of the solid core as a share of the outer one, 0 without a core
    core_shift_mm : (3,) of the core's centre from the nodule's
    """

    center_mm: NDArray[np.float64]
    semi_axes_mm: NDArray[np.float64]
    axes: NDArray[np.float64]
    lobes: NDArray[np.float64]
    lobe_heights: NDArray[np.float64]
    core_share: float = 0.0
    core_shift_mm: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))

    @property
    def reach_mm(self) -> float:
        """A radius around the centre that holds the whole shape."""
        return float(self.semi_axes_mm.max() * (1 + np.maximum(self.lobe_heights, 0).sum() * 0.5))

    def distance(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far outside the surface `points` (..., 3) lie, mm along the ray from the centre."""
        return self._depth(points - self.center_mm, 1.0)

    def core_distance(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the same for the solid core; infinite without one."""
        if self.core_share <= 0:
            return np.full(points.shape[:-1], np.inf)
        return self._depth(points - self.center_mm - self.core_shift_mm, self.core_share)

    def moved(self, center_mm: NDArray[np.float64], scale: float, core_scale: float = 1.0) -> NoduleShape:
        """Return the shape at another place, `scale` times as wide, its core `core_scale` times as wide."""
        share = self.core_share * core_scale / scale
        return replace(
            self,
            center_mm=np.asarray(center_mm, float),
            semi_axes_mm=self.semi_axes_mm * scale,
            core_share=min(share, 0.9),
            core_shift_mm=self.core_shift_mm * scale,
        )

    def _depth(self, offsets: NDArray[np.float64], share: float) -> NDArray[np.float64]:
        local = offsets @ self.axes.T
        length = np.sqrt((local * local).sum(-1))
        unit = local / np.maximum(length, 1e-9)[..., None]
        unit[length < 1e-9] = (1.0, 0.0, 0.0)
        surface = share / np.sqrt(((unit / self.semi_axes_mm) ** 2).sum(-1))
        bumps = np.zeros_like(surface)
        for lobe, height in zip(self.lobes, self.lobe_heights):
            bumps += height * np.exp(_LOBE_SHARPNESS * (unit @ lobe - 1))
        return length - surface * (1 + bumps)


def random_shape(
    center_mm: NDArray[np.float64], mean_diameter_mm: float, lobulation: float, random: np.random.Generator
) -> NoduleShape:
    """Return a shape about `mean_diameter_mm` wide; `lobulation`: height of its bumps as a share of the radius."""
    stretch = np.exp(random.normal(0, 0.11, 3))
    stretch /= np.prod(stretch) ** (1 / 3)
    axes, _ = np.linalg.qr(random.normal(size=(3, 3)))
    lobes = random.normal(size=(_LOBES, 3))
    lobes /= np.linalg.norm(lobes, axis=1, keepdims=True)
    heights = random.uniform(-lobulation, lobulation, _LOBES)
    return NoduleShape(np.asarray(center_mm, float), mean_diameter_mm / 2 * stretch, axes, lobes, heights)


def with_core(shape: NoduleShape, share: float, random: np.random.Generator) -> NoduleShape:
    """Return the shape with a solid core of `share` of its radius, somewhat off centre."""
    direction = random.normal(size=3)
    direction /= np.linalg.norm(direction)
    room = 0.5 * (1 - share) * float(shape.semi_axes_mm.min())
    return replace(shape, core_share=share, core_shift_mm=direction * room * random.uniform(0.2, 1.0))
