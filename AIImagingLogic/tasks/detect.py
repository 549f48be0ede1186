"""Detect: a chest CT in; lungs and measured lung nodules out; or what a model package finds."""

from __future__ import annotations

from collections.abc import Sequence

import SimpleITK as sitk

from AIImagingLogic.measure.finding import make_finding
from AIImagingLogic.models.catalogue import load_model, model_card, model_use
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.records.timeline import Visit
from AIImagingLogic.tasks.package_detection import detect_with_package
from AIImagingLogic.tasks.same_outline import same_outline
from AIImagingLogic.tasks.segment import check_input

ORGANS_MODEL = "ct-lungs"
DETECTOR_MODEL = "ct-lung-nodules"
OUTLINE_MODEL = "ct-nodule-outline"

DOUBTFUL_SHARE = 0.1
"""Candidates down to this share of the detector's operating score are kept for a second look at a follow-up."""


def detect(
    image: sitk.Image,
    info: ImageInfo,
    label: str = "baseline",
    progress: Progress | None = None,
    model: str = DETECTOR_MODEL,
) -> Visit:
    """Find, outline and measure the lung nodules of a chest CT, or what another detector finds.

    Parameters
    ----------
    image : for the built-in detector a chest CT in HU
    info : what is known of it
    label : of the visit
    progress : told how far the run is
    model : the built-in detector, the id of an installed one, or the path of a detection package

    Returns
    -------
    Visit
        Lungs on the grid of `image`; findings, the most likely first; provenance.

    Raises
    ------
    WrongImageError, GeometryError
        The image is not what the detector's card asks for.
    ModelError
        The model is unknown, not installed, cannot be used, or does not detect.
    """
    if model != DETECTOR_MODEL:
        return detect_with_package(image, info, label, model, progress or Progress())
    visit, _ = find_nodules(image, info, label, progress or Progress())
    return visit


def find_nodules(
    image: sitk.Image, info: ImageInfo, label: str, progress: Progress
) -> tuple[Visit, tuple[Candidate, ...]]:
    """Do what `detect` does, and return beside it the candidates that were too doubtful to be findings."""
    cards = [model_card(model) for model in (ORGANS_MODEL, DETECTOR_MODEL, OUTLINE_MODEL)]
    check_input(image, info, cards[1])
    first_cost = len(progress.costs)
    with progress.stage(f"Lungs, {label}", 0.0, 0.35) as part:
        organs = load_model(ORGANS_MODEL).segment(image, info, part)
    with progress.stage(f"Nodule candidates, {label}", 0.35, 0.75) as part:
        operating_score = load_model(DETECTOR_MODEL).least_score
        detector = load_model(DETECTOR_MODEL, least_score=DOUBTFUL_SHARE * operating_score)
        candidates = detector.detect(image, info, organs, part)
        likely = tuple(candidate for candidate in candidates if candidate.score >= operating_score)
        doubtful = tuple(candidate for candidate in candidates if candidate.score < operating_score)
    with progress.stage(f"Outlines and measurements, {label}", 0.75, 1.0) as part:
        findings = outline_and_measure(image, info, organs, likely, part)
    provenance = make_provenance(
        "detect", [model_use(card) for card in cards], [info], stages=progress.costs[first_cost:], notes=info.notes
    )
    return Visit(label, info, organs, findings, provenance), doubtful


def outline_and_measure(
    image: sitk.Image,
    info: ImageInfo,
    organs: Segmentation,
    candidates: Sequence[Candidate],
    progress: Progress,
    known: Sequence[Finding] = (),
) -> tuple[Finding, ...]:
    """Outline and measure each candidate.

    One that cannot be outlined is left out, and so is one whose outline is that of another or of a `known` finding.
    """
    outliner = load_model(OUTLINE_MODEL)
    findings: list[Finding] = []
    for index, candidate in enumerate(candidates):
        progress.report(index / max(len(candidates), 1), f"Nodule {index + 1} of {len(candidates)}")
        mask = outliner.outline(image, info, organs, candidate, progress)
        if not sitk.GetArrayViewFromImage(mask).any() or any(
            same_outline(mask, other.mask) for other in (*known, *findings)
        ):
            continue
        findings.append(make_finding(image, info, mask, organs, candidate.score, len(known) + len(findings) + 1))
    return tuple(findings)
