"""A small chest CT with known balls in its lungs: quick to search, and what is found is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

SIZE_MM = (300.0, 210.0, 210.0)
BALLS = (((86.0, 100.0, 100.0), 14.0), ((214.0, 110.0, 120.0), 20.0))
"""Centre (mm, LPS, from the first voxel) and diameter of each ball."""


def small_chest(spacing_mm: float = 3.0, balls: Sequence[tuple[tuple[float, ...], float]] = BALLS) -> sitk.Image:
    """Return two lungs of air in a body, HU, with solid balls, edges blurred over a millimetre."""
    axes = [np.arange(0.0, length, spacing_mm) for length in SIZE_MM]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    hu = np.full(x.shape, -1000.0)
    hu[((x - 150) / 140) ** 2 + ((y - 105) / 95) ** 2 < 1] = 40
    for middle in (86, 214):
        hu[((x - middle) / 48) ** 2 + ((y - 105) / 68) ** 2 + ((z - 105) / 92) ** 2 < 1] = -860
    for center, diameter in balls:
        apart = np.sqrt(sum((axis - place) ** 2 for axis, place in zip((x, y, z), center)))
        hu += 880.0 / (1.0 + np.exp((apart - diameter / 2.0) / 0.5))
    hu += np.random.default_rng(5).normal(0.0, 15.0, hu.shape)
    image = sitk.GetImageFromArray(hu.transpose(2, 1, 0).astype(np.int16))
    image.SetSpacing((spacing_mm,) * 3)
    return image
