"""The intensity range that FreeSurfer-like tools bring a head MR to before a network sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from AIImagingLogic.inference.intensity import ScaleRange, ScaleToExtremes, Voxels

_EIGHT_BIT = 255.0
_BINS = 1000
_NONZERO = 1e-15


@dataclass(frozen=True)
class ConformedRange:
    """The image's range, without its brightest voxels, is mapped to 0..1; what is brighter becomes 1.

    An image of whole values in 0..255 counts as conformed already: its least and greatest values become 0 and 1.

    Attributes
    ----------
    brightest_share : of the voxels that are not 0; those are cut off

    References
    ----------
    Henschel L, et al. FastSurfer: a fast and accurate deep learning based neuroimaging pipeline. NeuroImage
    2020;219:117012 (its `conform` step, a histogram of 1000 bins, which brainchop uses through NiiVue).
    """

    brightest_share: float = 0.001

    def apply(self, voxels: Voxels) -> Voxels:
        low, high = float(voxels.min()), float(voxels.max())
        if low >= 0 and high <= _EIGHT_BIT and np.array_equal(voxels, np.rint(voxels)):
            return ScaleToExtremes().apply(voxels)
        if high > low:
            high = self._upper_limit(voxels, low, high)
        return ScaleRange(low, high if high > low else low + 1.0, clip=True).apply(voxels)

    def _upper_limit(self, voxels: Voxels, low: float, high: float) -> float:
        counts, edges = np.histogram(voxels, _BINS, (low, high))
        cut = int(self.brightest_share * np.count_nonzero(np.abs(voxels) >= _NONZERO))
        reached = np.flatnonzero(np.cumsum(counts) >= voxels.size - cut)
        return float(edges[max(int(reached[0]) - 1, 0)])
