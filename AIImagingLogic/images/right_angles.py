"""Grids whose axes do not stand at right angles, brought onto one whose axes do."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

# Rounding of direction cosines in files; ITK accepts as much.
_ROUNDING = 1e-4


def with_right_angles(image: sitk.Image) -> tuple[sitk.Image, tuple[str, ...]]:
    """Return the image on a grid with axes at right angles, and a note when it had to be resampled.

    A grid that is off by rounding alone is straightened without resampling. A sheared one is resampled linearly onto
    the nearest orthonormal axes (polar decomposition), with its own spacing, over its whole extent.
    """
    direction = np.array(image.GetDirection()).reshape(3, 3)
    left, _, right = np.linalg.svd(direction)
    axes = left @ right
    if np.abs(axes - direction).max() <= _ROUNDING:
        image.SetDirection(axes.ravel().tolist())
        return image, ()
    angle = float(np.degrees(np.arcsin(np.clip(np.abs(direction.T @ direction - np.eye(3)).max(), 0, 1))))
    size, spacing = np.array(image.GetSize()), np.array(image.GetSpacing())
    corners = np.stack(np.meshgrid(*((0, n - 1) for n in size), indexing="ij"), axis=-1).reshape(-1, 3)
    along = (corners * spacing) @ direction.T @ axes
    low, high = along.min(axis=0), along.max(axis=0)
    new_size = np.maximum(np.round((high - low) / spacing), 0).astype(int) + 1
    origin = np.array(image.GetOrigin()) + axes @ low
    straight = sitk.Resample(
        image,
        [int(n) for n in new_size],
        sitk.Transform(3, sitk.sitkIdentity),
        sitk.sitkLinear,
        origin.tolist(),
        spacing.tolist(),
        axes.ravel().tolist(),
        float(sitk.GetArrayViewFromImage(image).min()),
        image.GetPixelID(),
    )
    return straight, (f"The axes were {angle:.1f} degrees off right angles: the image was resampled.",)
