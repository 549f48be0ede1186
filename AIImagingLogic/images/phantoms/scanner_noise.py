"""Noise as reconstructed CT has it: correlated in the plane, little between slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

_GRAIN_MM = 0.55
_LOW_CUT_MM = 3.0
_BETWEEN_SLICES_MM = 0.5


def scanner_noise(
    shape: tuple[int, ...], spacing_mm: NDArray[np.float64], sd_hu: float, random: np.random.Generator
) -> NDArray[np.float32]:
    """Return noise (k, j, i) of standard deviation `sd_hu`.

    Parameters
    ----------
    spacing_mm
        (3,) along i, j, k.

    Notes
    -----
    Filtered back projection leaves little noise at low frequencies and its kernel little at high ones: a difference of
    two Gaussians in the plane.
    """
    noise = random.standard_normal(shape, np.float32)
    for axis, sigma_mm in enumerate((_BETWEEN_SLICES_MM, _GRAIN_MM, _GRAIN_MM)):
        sigma = sigma_mm / spacing_mm[2 - axis]
        gaussian_filter1d(noise, sigma, axis=axis, output=noise, mode="wrap", truncate=3.0)
    for plane in noise:
        low = gaussian_filter1d(plane, _LOW_CUT_MM / spacing_mm[1], axis=0, mode="wrap", truncate=2.5)
        plane -= 0.8 * gaussian_filter1d(low, _LOW_CUT_MM / spacing_mm[0], axis=1, mode="wrap", truncate=2.5)
    noise *= np.float32(sd_hu / noise.std(dtype=np.float64))
    return noise
