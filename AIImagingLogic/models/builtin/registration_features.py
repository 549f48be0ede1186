"""What a registration compares: intensities in a common window, and structure freed of slow brightness changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.registration_grid import Array

# The window holds these percentiles of the region: for lungs air to soft tissue, so that ribs do not pull at them.
_WINDOW_PERCENT = (2.0, 98.0)
# Local mean and spread are taken over this many voxels (standard deviation of a Gaussian): a few vessels wide.
_NEIGHBOURHOOD_VOXELS = 4.0
# A local spread of this share of the window counts as noise: flat tissue is not blown up to structure.
_NOISE_SHARE = 0.08
_BODY_SPACING_MM = 6.0


@dataclass(frozen=True)
class Window:
    """The intensities that become 0 and 1."""

    low: float
    high: float

    def apply(self, values: Array) -> Array:
        """Return intensities as 0..1; not-a-number stays."""
        return (np.clip(values, self.low, self.high) - np.float32(self.low)) / np.float32(self.high - self.low)


def body_mask(image: sitk.Image) -> sitk.Image:
    """Return the largest bright object of `image`, filled (uint8), on a coarse grid of its own.

    It stands in for a mask where none is given; air, table and noise stay outside.
    """
    factors = [max(1, round(_BODY_SPACING_MM / step)) for step in image.GetSpacing()]
    factors = [min(factor, size) for factor, size in zip(factors, image.GetSize(), strict=True)]
    coarse = sitk.BinShrink(sitk.Cast(image, sitk.sitkFloat32), factors)
    bright = sitk.OtsuThreshold(coarse, 0, 1, 128)
    objects = sitk.RelabelComponent(sitk.ConnectedComponent(bright), sortByObjectSize=True)
    solid = sitk.GetArrayFromImage(objects == 1) > 0
    for axis in range(3):
        for plane in np.moveaxis(solid, axis, 0):
            plane |= ndimage.binary_fill_holes(plane)
    mask = sitk.GetImageFromArray(solid.astype(np.uint8))
    mask.CopyInformation(coarse)
    return mask


def window_of(values: Array, inside: NDArray[np.bool_]) -> Window:
    """Return the window of the region `inside` of `values`."""
    region = values[inside & np.isfinite(values)]
    if region.size == 0:
        return Window(0.0, 1.0)
    low, high = np.percentile(region, _WINDOW_PERCENT)
    return Window(float(low), float(max(high, low + 1e-6 * max(abs(low), 1.0))))


def structure(values: Array, inside: Array) -> Array:
    """Return `values` less their local mean, over their local spread, both taken inside the mask only.

    A change of density with the depth of breath, and a shading of coils, fall out.

    Parameters
    ----------
    values : (z, y, x) 0..1, finite
    inside : (z, y, x) 0..1, share of each voxel that lies in the mask; the result fades with it
    """

    def blurred(field: Array) -> Array:
        return ndimage.gaussian_filter(field, _NEIGHBOURHOOD_VOXELS, truncate=2.5)

    share = blurred(inside) + np.float32(1e-3)
    deviation = (values - blurred(values * inside) / share) * inside
    spread = np.sqrt(blurred(deviation * deviation) / share + np.float32(_NOISE_SHARE**2))
    return (deviation / spread).astype(np.float32)


def halved(values: Array) -> Array:
    """Return every second voxel after a blur that keeps fine detail from folding into coarse patterns."""
    known = np.isfinite(values)
    if known.all():
        return ndimage.gaussian_filter(values, 0.8)[::2, ::2, ::2]
    share = ndimage.gaussian_filter(known.astype(np.float32), 0.8)[::2, ::2, ::2]
    blurred = ndimage.gaussian_filter(np.where(known, values, np.float32(0)), 0.8)[::2, ::2, ::2]
    result = np.full(share.shape, np.nan, np.float32)
    np.divide(blurred, share, out=result, where=share > 0.5)
    return result
