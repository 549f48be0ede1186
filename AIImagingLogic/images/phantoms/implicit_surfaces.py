"""Implicit surfaces: functions that are negative inside a body, and how to join and blunt them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]


def ellipsoid(
    x: Field, y: Field, z: Field, center: Sequence[float], semi_axes: Sequence[float], turn_z: float = 0.0
) -> Field:
    """Return a distance-like function (mm near the surface) of an ellipsoid turned by `turn_z` radians about z."""
    dx, dy, dz = x - np.float32(center[0]), y - np.float32(center[1]), z - np.float32(center[2])
    if turn_z:
        cosine, sine = np.float32(np.cos(turn_z)), np.float32(np.sin(turn_z))
        dx, dy = cosine * dx + sine * dy, cosine * dy - sine * dx
    a, b, c = (np.float32(axis) for axis in semi_axes)
    radius = np.sqrt((dx / a) ** 2 + (dy / b) ** 2 + (dz / c) ** 2)
    return (radius - 1) * min(a, b, c)


def capsule_chain(x: Field, y: Field, z: Field, points: Sequence[Sequence[float]], radius_mm: float) -> Field:
    """Return the signed distance (mm) to a bent rod through `points`."""
    nearest = np.full(x.shape, np.inf, np.float32)
    for start, end in zip(points[:-1], points[1:]):
        ax, ay, az = (np.float32(e - s) for s, e in zip(start, end))
        dx, dy, dz = (p - np.float32(s) for p, s in zip((x, y, z), start))
        along = np.clip((dx * ax + dy * ay + dz * az) / (ax * ax + ay * ay + az * az), 0, 1)
        square = (dx - along * ax) ** 2 + (dy - along * ay) ** 2 + (dz - along * az) ** 2
        nearest = np.minimum(nearest, square)
    return np.sqrt(nearest) - np.float32(radius_mm)


def intersection(first: Field, second: Field, blunt_mm: float) -> Field:
    """Return the common part of two bodies, its edge rounded over about `blunt_mm`."""
    overlap = np.maximum(np.float32(blunt_mm) - np.abs(first - second), 0)
    return np.maximum(first, second) + overlap * overlap / np.float32(4 * blunt_mm)


def union(first: Field, second: Field, blunt_mm: float) -> Field:
    """Return two bodies joined, the groove between them filled over about `blunt_mm`."""
    return -intersection(-first, -second, blunt_mm)


def as_distance(values: Field, step_mm: float) -> Field:
    """Return `values`, sampled every `step_mm`, divided by its gradient: a distance in mm near the surface."""
    squares = np.zeros_like(values)
    for axis in range(values.ndim):
        squares += np.gradient(values, step_mm, axis=axis) ** 2
    return values / np.sqrt(np.maximum(squares, np.float32(0.04)))


def smooth_step(values: Field) -> Field:
    """Return 0 below 0, 1 above 1, and a curve without kinks between."""
    t = np.clip(values, 0, 1)
    return t * t * (3 - 2 * t)
