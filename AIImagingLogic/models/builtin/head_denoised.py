"""A head CT inside the skull, denoised with its edges kept, and freed from the brightness next to bone."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.distances import Mask, Spacing

_LOWEST_HU, _HIGHEST_HU = -20.0, 130.0
_FILL_MM = 1.5
_ITERATIONS = 6
_CONDUCTANCE = 1.5
# The filter counts in voxels: above 1/16 it is not stable.
_TIME_STEP = 0.056
_SHADED_WITHIN_MM = 14.0
_SHADE_STEP_MM = 2.0
_MOST_SHADE_HU = 8.0
_PARENCHYMA_HU = (25.0, 48.0)
_LEAST_VOXELS = 200


def denoised(hu: NDArray[np.int16], space: Mask, depth_mm: NDArray[np.float32], spacing_mm: Spacing) -> NDArray:
    """Return HU (k, j, i; float32) inside the skull: smooth, edges kept, evenly bright.

    Parameters
    ----------
    hu : (k, j, i) HU
    space : (k, j, i) bool, the cranial cavity
    depth_mm : (k, j, i) distance to bone
    spacing_mm : mm along k, j, i

    Notes
    -----
    Bone is first replaced by what lies beside it, so that it does not bleed into the brain. Beam hardening makes brain
    next to bone brighter by some HU: the parenchyma's level is made the same at all depths.

    References
    ----------
    Whitaker R, Xue X. Variable-conductance, level-set curvature for image denoising. ICIP 2001;3:142-145.
    """
    # Partial volume with bone reaches a voxel inward.
    sound = space & (depth_mm > 1.0) & (hu < _HIGHEST_HU)
    sigma = [_FILL_MM / step for step in spacing_mm]
    clipped = np.clip(hu, _LOWEST_HU, _HIGHEST_HU).astype(np.float32)
    weight = ndimage.gaussian_filter(sound.astype(np.float32), sigma, truncate=4.0)
    filled = ndimage.gaussian_filter(np.where(sound, clipped, 0), sigma, truncate=4.0) / np.maximum(weight, 1e-4)
    # Calcifications stay as they are: they are told from blood by their density.
    filled = np.where(sound | (space & (depth_mm > 3.0)), clipped, filled).astype(np.float32)
    image = sitk.GetImageFromArray(filled)
    smooth = sitk.GetArrayFromImage(
        sitk.CurvatureAnisotropicDiffusion(
            image, timeStep=_TIME_STEP, conductanceParameter=_CONDUCTANCE, numberOfIterations=_ITERATIONS
        )
    )
    return np.asarray(smooth - _shade(smooth, space, depth_mm), dtype=np.float32)


def _shade(hu: NDArray[np.float32], space: Mask, depth_mm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how much brighter the parenchyma is at each depth than deep inside."""
    parenchyma = space & (hu > _PARENCHYMA_HU[0]) & (hu < _PARENCHYMA_HU[1])
    deep = hu[parenchyma & (depth_mm > _SHADED_WITHIN_MM)]
    if deep.size < _LEAST_VOXELS:
        return np.zeros_like(hu)
    # Near the skull there is cortex: its level, not that of all brain.
    level = float(np.percentile(deep, 70))
    middles, extra = [], []
    for start in np.arange(0.0, _SHADED_WITHIN_MM, _SHADE_STEP_MM):
        values = hu[parenchyma & (depth_mm > start) & (depth_mm <= start + _SHADE_STEP_MM)]
        if values.size >= _LEAST_VOXELS:
            middles.append(start + _SHADE_STEP_MM / 2)
            extra.append(float(np.clip(np.median(values) - level, 0.0, _MOST_SHADE_HU)))
    if not middles:
        return np.zeros_like(hu)
    return np.interp(depth_mm, middles, extra, right=0.0).astype(np.float32)
