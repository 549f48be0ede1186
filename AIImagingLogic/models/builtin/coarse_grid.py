"""A coarser, averaged copy of an image to find large organs on, and the way back to the image's own grid."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

TARGET_SPACING_MM = 1.7
LOWEST_HU = -1100
HIGHEST_HU = 1200
FULL = 200
"""The value of a membership image (uint8) that means wholly inside; half of it is the border."""


def coarse_copy(image: sitk.Image, target_spacing_mm: float = TARGET_SPACING_MM) -> sitk.Image:
    """Return `image` averaged over whole voxels to about `target_spacing_mm`, axes nearest to LPS, clipped, int16.

    Averaging whole voxels keeps the borders of organs where they are to a fraction of a voxel and lowers the noise.
    """
    factors = [max(1, round(target_spacing_mm / step)) for step in image.GetSpacing()]
    factors = [min(factor, size) for factor, size in zip(factors, image.GetSize(), strict=True)]
    coarse = sitk.BinShrink(image, factors) if max(factors) > 1 else image
    clipped = sitk.Cast(sitk.Clamp(coarse, coarse.GetPixelID(), LOWEST_HU, HIGHEST_HU), sitk.sitkInt16)
    return sitk.DICOMOrient(clipped, "LPS")


def image_like(array: NDArray, grid: sitk.Image) -> sitk.Image:
    """Return an image of `array` (k, j, i) on the grid of `grid`."""
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(grid)
    return image


def paint_membership(membership: NDArray[np.uint8], coarse: sitk.Image, onto: sitk.Image, label: int) -> None:
    """Write `label` into the label image `onto` wherever `membership` of the coarse grid is at least half `FULL`.

    Parameters
    ----------
    membership : (k, j, i) uint8, 0..`FULL`, on the grid of `coarse`
    coarse : the grid of `membership`
    onto : label image, uint8, any grid; changed in place; later labels win
    label : value to write
    """
    source = image_like(membership, coarse)
    for start, size in _covering_region(membership, coarse, onto):
        region = sitk.Resample(
            source,
            size,
            sitk.Transform(),
            sitk.sitkLinear,
            onto.TransformIndexToPhysicalPoint(start),
            onto.GetSpacing(),
            onto.GetDirection(),
            0,
            sitk.sitkUInt8,
            True,
        )
        window = tuple(slice(first, first + length) for first, length in zip(start, size, strict=True))
        inside = sitk.Cast(region >= FULL // 2, sitk.sitkUInt8)
        inside.CopyInformation(onto[window])
        onto[window] = sitk.Maximum(onto[window] * (1 - inside), inside * label)


def _covering_region(
    membership: NDArray[np.uint8], coarse: sitk.Image, onto: sitk.Image
) -> list[tuple[list[int], list[int]]]:
    """Return start and size, in voxels of `onto`, of the box that holds all members; empty when there are none."""
    bounds = []
    for axis in (2, 1, 0):
        others = tuple(other for other in range(3) if other != axis)
        present = np.flatnonzero(membership.max(axis=others))
        if present.size == 0:
            return []
        bounds.append((float(present[0]) - 1.0, float(present[-1]) + 1.0))
    corners = [
        onto.TransformPhysicalPointToContinuousIndex(coarse.TransformContinuousIndexToPhysicalPoint((x, y, z)))
        for x in bounds[0]
        for y in bounds[1]
        for z in bounds[2]
    ]
    # A margin of one voxel: the last voxels of a size that the averaging does not divide lie beyond the coarse grid.
    low = np.maximum(np.floor(np.min(corners, axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(np.max(corners, axis=0)).astype(int) + 1, np.array(onto.GetSize()) - 1)
    if np.any(high < low):
        return []
    return [(low.tolist(), (high - low + 1).tolist())]
