"""The multi-view stage behind a detection package: its boxes scored anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import SimpleITK as sitk

from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.models.network_detector import FoundBox, NetworkDetector
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress

REDUCTION_MODEL = "lung-nodule-views"
_KNOWN = "lung-nodule"
NOT_FITTED = (
    "False-positive reduction was not fitted to this detector: its score and that of the views count the same, and the "
    "new scores mean something else than the detector's own."
)


def check_reduction(detector: NetworkDetector) -> None:
    """Refuse a detector whose finds the stage does not know.

    Raises
    ------
    ModelError
        It finds something else than lung nodules.
    """
    if any(found != concept(_KNOWN) for found in detector.package.concepts) or detector.card.modality != "CT":
        raise ModelError(
            f"False-positive reduction knows lung nodules of a CT only; '{detector.card.name}' finds something else.",
            "Leave it out.",
        )


def reduced(
    image: sitk.Image, found: Sequence[FoundBox], detector: NetworkDetector, progress: Progress
) -> tuple[tuple[FoundBox, ...], tuple[str, ...]]:
    """Return the boxes whose new score reaches the detector's least score, best first, and what to say of it.

    Parameters
    ----------
    image : CT in HU
    found : of the detector
    progress : told how far it is
    """
    stage = load_model(REDUCTION_MODEL)
    scores = stage.scores(image, [item.candidate for item in found], detector.card.id, progress)
    anew = [dataclasses.replace(item, score=float(score)) for item, score in zip(found, scores, strict=True)]
    kept = sorted((item for item in anew if item.score >= detector.least_score), key=lambda item: -item.score)
    notes = [f"False-positive reduction left out {len(found) - len(kept)} of {len(found)} findings."]
    if not stage.is_fitted_to(detector.card.id):
        notes.append(NOT_FITTED)
    return tuple(kept), tuple(notes)
