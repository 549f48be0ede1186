"""Air in a CT: its level in HU, what lies outside of the body, and what inside the body is as light as lung."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

TISSUE_HU = -400
"""Half way between aerated lung and soft tissue."""
_PURE_AIR_BELOW_HU = -970
_PURE_AIR_MARGIN_HU = 50
_LEAST_BORDER_AREA_MM2 = 1000.0
"""Outside air meets the image border over at least this area; a cut trachea has less."""


@dataclass(frozen=True)
class Air:
    """Air of a coarse CT.

    Attributes
    ----------
    level_hu : HU of pure air in this image; scanners and warped images are off by some tens of HU
    outside : (k, j, i) bool, air and light matter (cushions, clothes) around the body
    inside : (k, j, i) bool, lighter than tissue and not outside: lungs, airways, bowel gas
    """

    level_hu: float
    outside: NDArray[np.bool_]
    inside: NDArray[np.bool_]


def find_air(coarse: sitk.Image) -> Air:
    """Return where the air of a coarse CT in HU is."""
    hu = sitk.GetArrayViewFromImage(coarse)
    # Smoothed, because noise makes light lung and pure air overlap; they must not grow together in a crop.
    smooth = sitk.GetArrayFromImage(sitk.Mean(coarse, [1, 1, 1]))
    level_hu, pure_below_hu = _pure_air(smooth)
    light = hu < TISSUE_HU
    pure, count = ndimage.label(smooth < pure_below_hu)
    outside_pure = np.isin(pure, _parts_at_border(pure, count, coarse.GetSpacing()))
    labels, count = ndimage.label(light)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    outside_sizes = np.bincount(labels[outside_pure], minlength=count + 1)
    mostly_outside = outside_sizes > 0.5 * sizes
    mostly_outside[0] = False
    # Mouth and nose may join outside air with the airways: then only the pure air and its rim are outside.
    outside = mostly_outside[labels] | (ndimage.binary_dilation(outside_pure, iterations=2) & light)
    return Air(level_hu, outside, light & ~outside)


def _pure_air(hu: NDArray[np.int16]) -> tuple[float, float]:
    """Return the level of pure air, the lowest peak of the histogram, and the valley between it and light lung."""
    lowest, step, bins = -1100, 10, 20
    counts = np.bincount((hu[hu < lowest + step * bins].astype(np.int32) - lowest) // step, minlength=bins)
    smooth = np.convolve(counts, (0.25, 0.5, 0.25), mode="same")
    airy = smooth[: (_PURE_AIR_BELOW_HU - lowest) // step]
    if airy.sum() < 0.002 * hu.size:
        return -1000.0, -1000.0 + _PURE_AIR_MARGIN_HU
    rising = smooth[: len(airy)] >= np.concatenate([[0.0], airy[:-1]])
    falling = airy >= smooth[1 : len(airy) + 1]
    peaks = np.flatnonzero((airy > 0.2 * airy.max()) & rising & falling)
    peak = int(peaks[0]) if peaks.size else int(np.argmax(airy))
    valley = peak + int(np.argmin(smooth[peak : peak + _PURE_AIR_MARGIN_HU // step + 1]))
    return lowest + step * (peak + 0.5), lowest + step * (valley + 0.5)


def _parts_at_border(labels: NDArray[np.int32], count: int, spacing_mm: tuple[float, ...]) -> NDArray[np.intp]:
    """Return the labels that meet the border of the image over a large area."""
    area_mm2 = np.zeros(count + 1)
    for axis, (a, b) in enumerate(((0, 1), (0, 2), (1, 2))):
        for face in (labels.take(0, axis), labels.take(-1, axis)):
            area_mm2 += np.bincount(face.ravel(), minlength=count + 1) * spacing_mm[a] * spacing_mm[b]
    area_mm2[0] = 0.0
    return np.flatnonzero(area_mm2 > _LEAST_BORDER_AREA_MM2)
