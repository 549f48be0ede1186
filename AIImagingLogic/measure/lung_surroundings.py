"""The lung around a lesion: its density and noise, and the chest wall's blur taken out of it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from AIImagingLogic.measure.blurred_levels import blurred
from AIImagingLogic.measure.fine_patch import FinePatch


def lung_level(patch: FinePatch, lung: np.ndarray, distance_mm: np.ndarray, radius_mm: float) -> tuple[float, float]:
    """Return median and noise SD (HU) of the aerated lung around a lesion, vessels left out.

    Parameters
    ----------
    lung : (z, y, x) bool, inside of the pleura
    distance_mm : (z, y, x) from the lesion's middle
    radius_mm : the lesion's; lung nearer than that and a millimetre does not count
    """
    inner = ndimage.binary_erosion(lung, iterations=max(1, round(1.5 / patch.spacing_mm)), border_value=1)
    around = inner & (distance_mm > radius_mm + 1.0)
    values = patch.values[around] if around.sum() > 200 else patch.values[lung]
    middle, spread = float(np.median(values)), 0.0
    for _ in range(5):
        middle = float(np.median(values))
        spread = 1.4826 * float(np.median(np.abs(values - middle)))
        values = values[np.abs(values - middle) < 2.5 * max(spread, 5.0)]
    ripple = patch.values - ndimage.gaussian_filter(patch.values, 1.5 / patch.spacing_mm, mode="nearest")
    calm = around & (np.abs(patch.values - middle) < 3.0 * max(spread, 5.0))
    noise = 1.4826 * float(np.median(np.abs(ripple[calm]))) if calm.any() else spread
    return middle, noise


def without_wall(patch: FinePatch, lung: np.ndarray, background: float) -> np.ndarray:
    """Return the patch's values with what the blur of the chest wall adds to the lung beside it subtracted.

    Beside the pleura the scanner mixes wall into lung, which looks like ground glass. The wall's own density is carried
    over from deeper in it. Values outside the lung are left as they are.
    """
    wall = ~lung
    if not wall.any():
        return patch.values
    depth = max(1, round(1.5 / patch.spacing_mm))
    deep = ndimage.binary_erosion(wall, iterations=depth, border_value=1)
    if not deep.any():
        return patch.values
    width = 2.5 / patch.spacing_mm
    weight = ndimage.gaussian_filter(deep.astype(np.float32), width, mode="nearest")
    mean = ndimage.gaussian_filter(np.where(deep, patch.values, 0.0).astype(np.float32), width, mode="nearest")
    typical = float(np.median(patch.values[deep]))
    density = np.where(weight > 1e-3, mean / np.maximum(weight, 1e-3), typical)
    return np.where(lung, patch.values - (density - background) * blurred(patch, wall, 0.0), patch.values)
