"""The candidates of one lung: its blobs, looked at along rays, with the figures that tell nodules from the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.candidate_blobs import ALL_SCALES, Blobs, find_blobs
from AIImagingLogic.models.builtin.candidate_contrast import LungContrast, blurred, lung_contrast
from AIImagingLogic.models.builtin.candidate_features import FEATURES, features
from AIImagingLogic.models.builtin.candidate_rays import cast_rays
from AIImagingLogic.models.builtin.candidate_surroundings import surroundings
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segmentation

LUNGS = ("lung-right", "lung-left")
"""Keys of their concepts."""
GLASS_CEILING_HU = 230.0
"""Contrast of dense ground glass: up to here a vessel is no brighter than the glass around it."""
GLASS_SCALES = slice(1, 5)
_SOFT_BLUR_MM, _SOFTEST_HU = 1.3, 400.0


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


def candidates_of_lungs(image: sitk.Image, organs: Segmentation, progress: Progress) -> LungCandidates:
    """Return the candidates of both lungs.

    Parameters
    ----------
    image : chest CT in HU, any orientation
    organs : lungs on the grid of `image`, juxtapleural nodules inside
    progress : told of each lung
    """
    parts = [LungCandidates.none()]
    present = [segment for segment in organs.segments if segment.concept.key in LUNGS]
    for number, segment in enumerate(present):
        progress.report(number / len(present), f"Candidates, {segment.name.lower()}")
        parts.append(lung_candidates(image, organs.image, segment.value, progress))
    fields = LungCandidates.__dataclass_fields__
    return LungCandidates(*(np.concatenate([getattr(part, field) for part in parts]) for field in fields))


def lung_candidates(image: sitk.Image, labels: sitk.Image, label: int, progress: Progress) -> LungCandidates:
    """Return the candidates of the lung `label`: those of its contrast, then those of ground glass.

    To a search of the whole contrast a vessel outshines the ground glass on it; in the second search it does not.

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
    around = surroundings(contrast)
    positions, radii, figures = [], [], []
    for shown, scales, glass in (
        (contrast, ALL_SCALES, False),
        (contrast.capped(GLASS_CEILING_HU), GLASS_SCALES, True),
    ):
        progress.check_cancelled()
        blobs = find_blobs(shown, scales)
        if glass:
            blobs = _soft_centred(blobs, contrast)
        progress.check_cancelled()
        rays = cast_rays(shown, blobs.indices, blobs.radii_mm)
        progress.check_cancelled()
        positions.append(contrast.positions_mm(rays.centers))
        radii.append(rays.radii_mm)
        figures.append(features(contrast, blobs, rays, around, glass))
    return LungCandidates(np.concatenate(positions), np.concatenate(radii), np.concatenate(figures))


def _soft_centred(blobs: Blobs, contrast: LungContrast) -> Blobs:
    """Return the blobs whose middle is no denser than ground glass with a small vessel in it."""
    soft = blurred(contrast.hu, _SOFT_BLUR_MM)
    nearest = np.clip(np.rint(blobs.indices).astype(np.intp), 0, np.array(soft.shape) - 1)
    kept = soft[tuple(nearest.T)] < _SOFTEST_HU
    return Blobs(*(getattr(blobs, name)[kept] for name in Blobs.__dataclass_fields__))
