"""A small FLAIR of a head made by formula: scalp, dark skull, cortex, white matter, ventricles. Lopsided."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

BRAIN_MM = np.array([62.0, 76.0, 54.0])
_GREY_MM = 4.0


def brain_texture(seed: int = 3) -> NDArray[np.float64]:
    """Return smooth values of about 1 SD on a 2 mm grid of 200 mm, which give the white matter its shape."""
    random = np.random.default_rng(seed)
    values = ndimage.gaussian_filter(random.standard_normal((100, 100, 100)), 3.5)
    return values / values.std()


def flair_at(points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the brightness at points (N, 3) mm: white matter 250, cortex 300, fluid 30, scalp 120."""
    folds = ndimage.map_coordinates(brain_texture(), (points / 2.0 + 50).T, order=1, mode="nearest")
    radius = np.linalg.norm(points / BRAIN_MM, axis=1)
    to_surface_mm = (1 - radius) * BRAIN_MM.min() + 1.5 * folds
    sides = np.where(points[:, :1] > 0, [[11.0, 3.0, 4.0]], [[-12.0, 0.0, 5.0]])
    ventricles = np.linalg.norm((points - sides) / [6.0, 20.0, 9.0], axis=1) - 1
    values = np.where(to_surface_mm > _GREY_MM + 3 * folds, 250.0, 300.0)
    values = np.where(to_surface_mm < 0, 30.0, values)
    values = np.where(ventricles < 0, 30.0, values)
    outside = (radius - 1) * BRAIN_MM.min()
    values = np.where((outside > 8) & (outside < 12), 120.0, values)
    return np.where(outside >= 12, 5.0, values).astype(np.float32)


def flair(
    axes: NDArray[np.float64] | None = None,
    spacing_mm: Sequence[float] = (1.5, 1.5, 3.0),
    center_mm: Sequence[float] = (0, 0, 0),
    width_mm: Sequence[float] = (165, 195, 150),
) -> sitk.Image:
    """Return the head without noise, slightly blurred. `axes` (3, 3): columns are i, j, k in LPS."""
    axes = np.eye(3) if axes is None else axes
    spacing = np.asarray(spacing_mm, float)
    size = np.round(np.asarray(width_mm) / spacing).astype(int)
    origin = np.asarray(center_mm, float) - axes @ ((size - 1) / 2 * spacing)
    k, j, i = np.meshgrid(*(np.arange(n) for n in size[::-1]), indexing="ij")
    points = np.stack([i, j, k], axis=-1).reshape(-1, 3) * spacing @ axes.T + origin
    values = ndimage.gaussian_filter(flair_at(points).reshape(size[::-1]), 0.8 / spacing[::-1])
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(origin.tolist())
    image.SetDirection(axes.ravel().tolist())
    return image
