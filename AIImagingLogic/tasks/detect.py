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
from AIImagingLogic.tasks.false_positive_reduction import NOT_FITTED, REDUCTION_MODEL
from AIImagingLogic.tasks.package_detection import detect_with_package
from AIImagingLogic.tasks.same_outline import same_outline
from AIImagingLogic.tasks.segment import check_input

ORGANS_MODEL = "ct-lungs"
DETECTOR_MODEL = "ct-lung-nodules"
NODULE_DETECTORS = (DETECTOR_MODEL, "ct-lung-nodules-net")
"""The built-in ones; the first needs no further package."""
OUTLINE_MODEL = "ct-nodule-outline"

DOUBTFUL_SHARE = 0.1
"""Candidates down to this share of the detector's operating score are kept for a second look at a follow-up."""


def detect(
    image: sitk.Image,
    info: ImageInfo,
    label: str = "baseline",
    progress: Progress | None = None,
    model: str = DETECTOR_MODEL,
    false_positive_reduction: bool = False,
) -> Visit:
    """Find, outline and measure the lung nodules of a chest CT, or what another detector finds.

    Parameters
    ----------
    image : for the built-in detector a chest CT in HU
    info : what is known of it
    label : of the visit
    progress : told how far the run is
    model : a built-in detector, the id of an installed one, or the path of a detection package
    false_positive_reduction : look at nine views of each candidate, and score it anew; for lung nodules of a CT only

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
    if model not in NODULE_DETECTORS:
        return detect_with_package(image, info, label, model, progress or Progress(), false_positive_reduction)
    visit, _ = find_nodules(image, info, label, progress or Progress(), false_positive_reduction, model)
    return visit


def find_nodules(
    image: sitk.Image,
    info: ImageInfo,
    label: str,
    progress: Progress,
    false_positive_reduction: bool = False,
    model: str = DETECTOR_MODEL,
) -> tuple[Visit, tuple[Candidate, ...]]:
    """Do what `detect` does with a built-in detector, and return beside it the candidates too doubtful for findings."""
    cards = [model_card(each) for each in (ORGANS_MODEL, model, OUTLINE_MODEL)]
    parameters, notes = ({"false_positive_reduction": True} if false_positive_reduction else {}), info.notes
    check_input(image, info, cards[1])
    # Before anything is computed: a detector whose package is missing says so at once.
    detector = load_model(model)
    operating_score = detector.least_score
    detector.least_score = DOUBTFUL_SHARE * operating_score
    first_cost = len(progress.costs)
    with progress.stage(f"Lungs, {label}", 0.0, 0.35) as part:
        organs = load_model(ORGANS_MODEL).segment(image, info, part)
    with progress.stage(f"Nodule candidates, {label}", 0.35, 0.75) as part:
        candidates = detector.detect(image, info, organs, part)
        if false_positive_reduction:
            cards.append(model_card(REDUCTION_MODEL))
            stage = load_model(REDUCTION_MODEL)
            candidates = stage.rescored(image, candidates, model, part)
            notes += () if stage.is_fitted_to(model) else (NOT_FITTED,)
        likely = tuple(candidate for candidate in candidates if candidate.score >= operating_score)
        doubtful = tuple(candidate for candidate in candidates if candidate.score < operating_score)
    with progress.stage(f"Outlines and measurements, {label}", 0.75, 1.0) as part:
        findings = outline_and_measure(image, info, organs, likely, part)
    provenance = make_provenance(
        "detect",
        [model_use(card) for card in cards],
        [info],
        parameters,
        stages=progress.costs[first_cost:],
        notes=notes,
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
