"""The candidates of one lung: its blobs, looked at along rays, with the figures that tell nodules from the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.candidate_blobs import find_blobs
from AIImagingLogic.models.builtin.candidate_contrast import lung_contrast
from AIImagingLogic.models.builtin.candidate_features import FEATURES, features
from AIImagingLogic.models.builtin.candidate_rays import cast_rays
from AIImagingLogic.records.progress import Progress


@dataclass(frozen=True)
class LungCandidates:
    """N places that may be nodules; one nodule may be there more than once.

    Attributes
    ----------
    positions_mm : (N, 3) LPS
    radii_mm : (N,)
    figures : (N, len(`FEATURES`))
    """

    positions_mm: NDArray[np.float64]
    radii_mm: NDArray[np.float64]
    figures: NDArray[np.float64]

    @staticmethod
    def none() -> LungCandidates:
        """Return no candidates."""
        return LungCandidates(np.empty((0, 3)), np.empty(0), np.empty((0, len(FEATURES))))


def lung_candidates(image: sitk.Image, labels: sitk.Image, label: int, progress: Progress) -> LungCandidates:
    """Return the candidates of the lung `label`.

    Parameters
    ----------
    image : CT in HU
    labels : label image on the grid of `image`
    label : value of the lung; where there are no such voxels there are no candidates
    progress : asked whether to go on
    """
    contrast = lung_contrast(image, labels, label)
    if contrast is None:
        return LungCandidates.none()
    progress.check_cancelled()
    blobs = find_blobs(contrast)
    progress.check_cancelled()
    rays = cast_rays(contrast, blobs.indices, blobs.radii_mm)
    progress.check_cancelled()
    return LungCandidates(contrast.positions_mm(rays.centers), rays.radii_mm, features(contrast, blobs, rays))
