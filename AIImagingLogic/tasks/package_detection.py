"""Detect with a model package: its boxes become findings, outlined and measured where a built-in model can do it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import SimpleITK as sitk
from pydicom.uid import generate_uid

from AIImagingLogic.images.geometry import crop_around
from AIImagingLogic.measure.finding import make_finding
from AIImagingLogic.models.catalogue import load_model, model_card, model_use
from AIImagingLogic.models.network_detector import FoundBox, open_detector
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.records.timeline import Visit
from AIImagingLogic.tasks.false_positive_reduction import REDUCTION_MODEL, check_reduction, reduced
from AIImagingLogic.tasks.same_outline import same_outline
from AIImagingLogic.tasks.segment import check_input

_ORGANS_DONE, _BOXES_DONE = 0.1, 0.9


def detect_with_package(
    image: sitk.Image,
    info: ImageInfo,
    label: str,
    model: str,
    progress: Progress,
    false_positive_reduction: bool = False,
) -> Visit:
    """Find what the detector of a package finds.

    Parameters
    ----------
    image : as the package's card asks for
    info : what is known of it
    label : of the visit
    model : id of an installed model, or path of a package
    progress : told how far the run is
    false_positive_reduction : score the boxes anew by nine views of each; for lung nodules of a CT only

    Returns
    -------
    Visit
        The organs that were searched, when the package finds something that lies in them; findings, the most likely
        first, each with its box; outline and measurements where a built-in model outlines what is found; provenance.

    Raises
    ------
    ModelError, WrongImageError, GeometryError
        As `detect`.
    """
    detector = open_detector(model)
    package = detector.package
    helpers = [model_card(each) for each in (package.organs, package.outline) if each]
    if false_positive_reduction:
        check_reduction(detector)
        helpers.append(model_card(REDUCTION_MODEL))
    check_input(image, info, detector.card)
    first_cost = len(progress.costs)
    organs = None
    if package.organs:
        with progress.stage(f"Organs, {label}", 0.0, _ORGANS_DONE) as part:
            organs = load_model(package.organs).segment(image, info, part)
    with progress.stage(f"{detector.card.name}, {label}", _ORGANS_DONE if package.organs else 0.0, _BOXES_DONE) as part:
        found, output = detector.find(image, organs, part)
        said: tuple[str, ...] = ()
        if false_positive_reduction:
            found, said = reduced(image, found, detector, part)
    with progress.stage(f"Outlines and measurements, {label}", _BOXES_DONE, 1.0) as part:
        findings, notes = _findings(image, info, organs, found, package.outline, part)
    provenance = make_provenance(
        "detect",
        [detector.use, *(model_use(card) for card in helpers)],
        [info],
        detector.parameters(output) | ({"false_positive_reduction": True} if false_positive_reduction else {}),
        stages=progress.costs[first_cost:],
        notes=(*info.notes, *package.notes, *output.notes, *said, *notes),
        device=output.device,
    )
    return Visit(label, info, organs, findings, provenance)


def _findings(
    image: sitk.Image,
    info: ImageInfo,
    organs: Segmentation | None,
    found: Sequence[FoundBox],
    outline: str,
    progress: Progress,
) -> tuple[tuple[Finding, ...], list[str]]:
    """Return a finding for each box, but one for boxes with the same outline; and notes."""
    outliner = load_model(outline) if outline else None
    findings: list[Finding] = []
    alike = bare = 0
    for number, item in enumerate(found, start=1):
        progress.report((number - 1) / len(found), f"Finding {number} of {len(found)}")
        mask = None
        if outliner is not None and organs is not None and _touches(item, organs):
            mask = outliner.outline(image, info, organs, item.candidate, progress)
        if mask is None or organs is None or not sitk.GetArrayViewFromImage(mask).any():
            bare += 1
            findings.append(_box_only(info, item, len(findings) + 1))
        elif any(same_outline(mask, other.mask) for other in findings):
            alike += 1
        else:
            made = make_finding(image, info, mask, organs, item.score, len(findings) + 1)
            findings.append(dataclasses.replace(made, concept=item.concept))
    notes = []
    if bare:
        notes.append(f"Findings with a box only, neither outlined nor measured: {bare}.")
    if alike:
        notes.append(f"Boxes left out because their outline is that of a more likely finding: {alike}.")
    return tuple(findings), notes


def _touches(item: FoundBox, organs: Segmentation) -> bool:
    """Whether a box has a voxel of an organ: outlines are made in organs only."""
    inside = crop_around(organs.image, item.box.center_mm, item.box.size_mm)
    return bool(sitk.GetArrayViewFromImage(inside).any())


def _box_only(info: ImageInfo, item: FoundBox, number: int) -> Finding:
    place = ",".join(f"{value:.1f}" for value in item.box.center_mm)
    uid = str(generate_uid(entropy_srcs=["finding", info.content_hash, place]))
    words = item.concept.name.split()
    return Finding(uid, f"{words[-1].capitalize()} {number}", item.box, item.score, item.concept)
