"""The mean over a small sphere, placed where it is highest: the peak of PET uptake."""

from __future__ import annotations

import math

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

PEAK_VOLUME_MM3 = 1000.0
_SUBDIVISIONS = 9


def peak_in_sphere(
    image: sitk.Image, mask: sitk.Image, volume_mm3: float = PEAK_VOLUME_MM3
) -> tuple[float, tuple[float, float, float]] | None:
    """Return the highest mean over a sphere centred on a voxel of the mask, and that centre.

    Parameters
    ----------
    image : any grid; the sphere is one in mm, whatever the spacing and the direction of the axes
    mask : non-zero inside, on the grid of `image`; the sphere may reach out of it
    volume_mm3 : of the sphere, default 1 cm3 (radius 6.2 mm)

    Returns
    -------
    tuple or None
        Mean and centre (LPS mm). A voxel counts by the share of it that lies in the sphere; what lies beyond the image
        counts nothing. None for an empty mask.

    References
    ----------
    Wahl RL, et al. From RECIST to PERCIST. J Nucl Med 2009, 50(S1), 122S-150S: peak in a sphere of about 1 cm3.
    """
    inside = sitk.GetArrayViewFromImage(mask) != 0
    if not inside.any():
        return None
    weights = sphere_weights((3 * volume_mm3 / (4 * math.pi)) ** (1 / 3), image.GetSpacing())
    reach = np.array(weights.shape) // 2
    voxels = np.argwhere(inside)
    first = np.maximum(voxels.min(axis=0) - reach, 0)
    last = np.minimum(voxels.max(axis=0) + reach + 1, inside.shape)
    box = tuple(slice(int(low), int(high)) for low, high in zip(first, last))
    values = np.asarray(sitk.GetArrayViewFromImage(image)[box], dtype=np.float64)
    sums = ndimage.convolve(values, weights, mode="constant")
    counted = ndimage.convolve(np.ones_like(values), weights, mode="constant")
    means = np.where(inside[box], sums / counted, -np.inf)
    best = np.array(np.unravel_index(int(means.argmax()), means.shape))
    x, y, z = image.TransformIndexToPhysicalPoint([int(value) for value in (best + first)[::-1]])
    return float(means[tuple(best)]), (x, y, z)


def sphere_weights(radius_mm: float, spacing_mm: tuple[float, ...]) -> np.ndarray:
    """Return (z, y, x) the share of each voxel that lies in a sphere around the middle voxel's centre.

    Parameters
    ----------
    spacing_mm : (3,) along i, j, k
    """
    offsets = (np.arange(_SUBDIVISIONS) + 0.5) / _SUBDIVISIONS - 0.5
    axes = []
    for edge in spacing_mm[::-1]:
        # A voxel is reached as soon as its near face is.
        count = int(math.ceil(radius_mm / edge - 0.5)) if radius_mm > 0.5 * edge else 0
        axes.append(((np.arange(-count, count + 1)[:, None] + offsets) * edge) ** 2)
    squares = (
        axes[0][:, None, None, :, None, None]
        + axes[1][None, :, None, None, :, None]
        + axes[2][None, None, :, None, None, :]
    )
    shares: np.ndarray = (squares <= radius_mm**2).mean(axis=(3, 4, 5))
    return shares
