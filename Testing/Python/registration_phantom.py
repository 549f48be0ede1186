"""An asymmetric object known at every point, to be scanned on any grid after any motion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

Points = NDArray[np.float64]
Motion = Callable[[Points], Points]

_BLOBS = 110
_STEP_MM = 1.0
_HALF_MM = np.array([75, 75, 85])
BODY_RADII_MM = np.array([42.0, 52.0, 64.0])

AXES = {
    "straight": np.eye(3),
    "oblique": Rotation.from_euler("xyz", [20, -25, 35], degrees=True).as_matrix(),
    "flipped": np.diag([-1.0, -1.0, 1.0]),
    "left-handed and permuted": np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]),
}


@cache
def _at_rest(seed: int) -> NDArray[np.float64]:
    """Return cubic spline coefficients of the object at rest, 1 mm apart, in array order z, y, x."""
    random = np.random.default_rng(seed)
    lines = [np.arange(-half, half + _STEP_MM, _STEP_MM) for half in _HALF_MM]
    x, y, z = np.meshgrid(*lines, indexing="ij", sparse=True)
    values = np.full((x.size, y.size, z.size), 300.0)
    for _ in range(_BLOBS):
        center = random.uniform(-38, 38, 3) * [0.8, 1.0, 1.25]
        width, height = random.uniform(3.0, 7.0), random.uniform(150, 400) * random.choice([-1, 1])
        near = tuple(slice(*np.searchsorted(line, [c - 4 * width, c + 4 * width])) for line, c in zip(lines, center))
        parts = [np.exp(-((line[cut] - c) ** 2) / (2 * width**2)) for line, cut, c in zip(lines, near, center)]
        values[near] += height * parts[0][:, None, None] * parts[1][:, None] * parts[2]
    radius = np.sqrt(sum((line / length) ** 2 for line, length in zip((x, y, z), BODY_RADII_MM)))
    return ndimage.spline_filter(values / (1 + np.exp((radius - 1) * 25)))


def object_at(points: Points, seed: int = 20) -> NDArray[np.float64]:
    """Return the object's brightness at points (N, 3) mm: an ellipsoid of 300 with blobs, lopsided, 0 outside.

    Another seed is another object of the same outline.
    """
    index = ((points + _HALF_MM) / _STEP_MM).T
    return ndimage.map_coordinates(_at_rest(seed), index, order=3, prefilter=False, mode="constant")


def scanned(
    to_object: Motion,
    axes: Points,
    spacing_mm: Sequence[float],
    center_mm: Sequence[float] = (0, 0, 0),
    width_mm: Sequence[float] = (130, 140, 160),
    noise: float = 10.0,
    seed: int = 0,
    object_seed: int = 20,
) -> sitk.Image:
    """Return an image (float32) of the object.

    Parameters
    ----------
    to_object : takes points of the patient (LPS mm) to points of the object at rest
    axes : (3, 3), columns are i, j, k in LPS
    center_mm, width_mm : of the field of view, LPS and along i, j, k
    noise, seed : standard deviation and seed of the scan's noise
    object_seed : which object
    """
    spacing = np.asarray(spacing_mm, float)
    size = np.round(np.asarray(width_mm) / spacing).astype(int)
    origin = np.asarray(center_mm, float) - axes @ ((size - 1) / 2 * spacing)
    k, j, i = np.meshgrid(*(np.arange(n) for n in size[::-1]), indexing="ij")
    points = np.stack([i, j, k], axis=-1).reshape(-1, 3) * spacing @ axes.T + origin
    values = object_at(to_object(points), object_seed) + np.random.default_rng(seed).normal(0, noise, len(points))
    image = sitk.GetImageFromArray(values.reshape(size[::-1]).astype(np.float32))
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(origin.tolist())
    image.SetDirection(axes.ravel().tolist())
    return image


def points_inside(count: int = 400) -> Points:
    """Return points (N, 3) mm in the inner 90% of the object at rest."""
    points = np.random.default_rng(5).uniform(-1, 1, (4 * count, 3))
    return points[np.linalg.norm(points, axis=1) < 0.9][:count] * BODY_RADII_MM
