"""The known motion between two visits: breath, chest expansion, bend and patient shift; exactly invertible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_APEX_MM = 95.0
_BASE_MM = -70.0
_SPINE_Y_MM = 72.0
_NEWTON_STEPS = 12


@dataclass(frozen=True)
class BreathingField:
    """A smooth one-to-one map of baseline points to follow-up points (LPS mm).

    It is a chain of steps that each move one coordinate as a function of the others, or monotonically, so the inverse
    needs no search over the volume.

    Attributes
    ----------
    diaphragm_mm : fall of the diaphragm from baseline to follow-up; negative when it rises
    lateral_mm : outward motion of the chest's side at its widest
    bend_mm : amplitude of the slow bends along x and y
    phases : (2,) phase of the bends, radians
    rotation_deg : (3,) rotation of the patient about the LPS axes
    shift_mm : (3,) shift of the patient, LPS
    """

    diaphragm_mm: float = 0.0
    lateral_mm: float = 0.0
    bend_mm: float = 0.0
    phases: tuple[float, float] = (0.0, 0.0)
    rotation_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def to_followup(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return where baseline points (..., 3) LPS mm lie at follow-up."""
        moved = np.array(points, float)
        x, y, z = moved[..., 0], moved[..., 1], moved[..., 2]
        z -= self.diaphragm_mm * _breath_weight(x, y) * _breath_profile(z)[0]
        across, deep = self._expansion(z)
        x *= across
        y += (y - _SPINE_Y_MM) * (deep - 1)
        x += self._bend_x(y, z)
        y += self._bend_y(x, z)
        return moved @ self._rotation().T + np.asarray(self.shift_mm)

    def to_baseline(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return where follow-up points (..., 3) LPS mm lay at baseline; exact to 1e-6 mm."""
        moved = (np.asarray(points, float) - np.asarray(self.shift_mm)) @ self._rotation()
        x, y, z = moved[..., 0], moved[..., 1], moved[..., 2]
        y -= self._bend_y(x, z)
        x -= self._bend_x(y, z)
        across, deep = self._expansion(z)
        y -= (y - _SPINE_Y_MM) * (1 - 1 / deep)
        x /= across
        fall = self.diaphragm_mm * _breath_weight(x, y)
        source = z + fall * _breath_profile(z)[0]
        for _ in range(_NEWTON_STEPS):
            profile, slope = _breath_profile(source)
            step = (source - fall * profile - z) / (1 - fall * slope)
            source -= step
            if np.max(np.abs(step), initial=0.0) < 1e-7:
                break
        moved[..., 2] = source
        return moved

    def _expansion(self, z: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the stretch along x about the midline and along y about the spine."""
        share = np.exp(-(((z + 30.0) / 110.0) ** 2))
        return 1 + self.lateral_mm / 130.0 * share, 1 + self.lateral_mm / 150.0 * share

    def _bend_x(self, y: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.bend_mm * np.sin(2 * np.pi * (0.8 * z + 0.6 * y) / 170.0 + self.phases[0])

    def _bend_y(self, x: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.bend_mm * np.sin(2 * np.pi * (0.7 * z - 0.7 * x) / 190.0 + self.phases[1])

    def _rotation(self) -> NDArray[np.float64]:
        a, b, c = np.deg2rad(self.rotation_deg)
        about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
        about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
        about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
        return about_z @ about_y @ about_x


def _breath_profile(z: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the share of the diaphragm's fall at height `z`, 0 at the apex and 1 at the base, and its slope."""
    length = _APEX_MM - _BASE_MM
    t = np.clip((_APEX_MM - z) / length, 0, 1)
    return t * t * (3 - 2 * t), -6 * t * (1 - t) / length


def _breath_weight(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the fall away from the domes: ribs and spine follow less; the right side falls more."""
    radius = np.sqrt((x / 128.0) ** 2 + ((y + 8.0) / 88.0) ** 2)
    t = np.clip((radius - 0.4) / 0.8, 0, 1)
    return (0.3 + 0.7 * (1 - t * t * (3 - 2 * t))) * (1 - 0.08 * np.tanh(x / 40.0))
