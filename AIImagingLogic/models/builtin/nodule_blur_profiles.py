"""What a Gaussian blur leaves of a ball and of a long tube, by the distance from the middle."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import erf
from scipy.stats import ncx2

# In units of the blur's standard deviation: how far and how thick the table of tubes goes, and its steps.
_FARTHEST, _FAR_STEPS = 14.0, 281
_THINNEST, _THICKEST, _THICK_STEPS = 0.1, 10.0, 100


def ball_share(distance_mm: np.ndarray, radius_mm: np.ndarray, sigma_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the share (0..1) that a blurred ball has at a distance from its centre, and its slope by the radius.

    Parameters
    ----------
    distance_mm, radius_mm, sigma_mm : (n,) mm; the radius may differ from point to point, which makes the ball a
        star-shaped body

    Notes
    -----
    The convolution of a ball with a Gaussian has a closed form; its slope by the radius is that of a blurred shell.
    """
    distance = np.maximum(distance_mm, 1e-3)
    near, far = (radius_mm - distance) / sigma_mm, (radius_mm + distance) / sigma_mm
    shell = (np.exp(-0.5 * near * near) - np.exp(-0.5 * far * far)) / np.sqrt(2.0 * np.pi)
    share = 0.5 * (erf(near / np.sqrt(2.0)) + erf(far / np.sqrt(2.0))) - sigma_mm / distance * shell
    return share, radius_mm / (distance * sigma_mm) * shell


def tube_share(distance_mm: np.ndarray, radius_mm: float, sigma_mm: np.ndarray) -> np.ndarray:
    """Return the share (0..1) that a blurred long tube has at a distance from its axis.

    It is the probability that a two-dimensional Gaussian centred at that distance falls inside the radius: a
    noncentral chi-square distribution, here from a table.
    """
    table = _tube_table()
    far = np.clip(distance_mm / sigma_mm * ((_FAR_STEPS - 1) / _FARTHEST), 0.0, _FAR_STEPS - 1.001)
    thick = (radius_mm / sigma_mm - _THINNEST) * ((_THICK_STEPS - 1) / (_THICKEST - _THINNEST))
    thick = np.clip(thick, 0.0, _THICK_STEPS - 1.001)
    i, j = far.astype(int), thick.astype(int)
    s, t = far - i, thick - j
    lower = table[i, j] * (1.0 - s) + table[i + 1, j] * s
    upper = table[i, j + 1] * (1.0 - s) + table[i + 1, j + 1] * s
    share: np.ndarray = lower * (1.0 - t) + upper * t
    return share


@cache
def _tube_table() -> np.ndarray:
    distances = np.linspace(0.0, _FARTHEST, _FAR_STEPS)
    radii = np.linspace(_THINNEST, _THICKEST, _THICK_STEPS)
    return np.nan_to_num(np.stack([ncx2.cdf(radius**2, 2, distances**2) for radius in radii], axis=1))
