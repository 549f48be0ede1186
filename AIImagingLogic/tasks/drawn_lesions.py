"""Findings from the outlines, points, boxes and lines that a person or another program left in a scene."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import SimpleITK as sitk
from pydicom.uid import generate_uid

from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.images.resample import resample_like
from AIImagingLogic.measure.lesion_of_modality import measure_of_modality
from AIImagingLogic.records.coding import CodedConcept, concept
from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.given_lesions import GivenLesions
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.tasks.lesion_sources import findings_from_boxes, findings_from_segmentation

_NODULE = "lung-nodule"


def drawn_findings(
    image: sitk.Image,
    info: ImageInfo,
    given: GivenLesions,
    lungs: Segmentation | None = None,
    by_part: bool = True,
    lean_share: float | None = None,
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Return the lesions that were drawn on an image, measured, and what the user should know, one sentence each.

    Parameters
    ----------
    image, info : of the visit
    given : what was drawn; segmentations on another grid are resampled (nearest neighbour), which a note says
    lungs : of a chest CT: then the lesions are lung nodules, and measured as the detector measures its own
    by_part : each connected part of a segment is a lesion; else each segment
    lean_share : see `measure_uptake`

    Raises
    ------
    GeometryError
        A segmentation, or the middle of a box, lies outside the image.
    """
    notes = list(given.notes)
    found: list[Finding] = []
    for segmentation in given.segmentations:
        onto, moved = _on_grid(segmentation, image)
        if moved:
            notes.append("A segmentation was resampled to the grid of the image (nearest neighbour).")
        found += findings_from_segmentation(image, info, onto, by_part=by_part, lungs=lungs)
    if lungs is None:
        found = [measured(finding, image, info, lean_share) for finding in found]
    kind = concept("lesion" if lungs is None else _NODULE)
    for finding, length in zip(findings_from_boxes(info, given.boxes, kind, given.names), given.long_axes_mm):
        made = () if length is None else (measurement("long_axis", length),)
        found.append(dataclasses.replace(finding, measurements=made))
    return with_own_uids(found, info), tuple(dict.fromkeys(notes))


def measured(finding: Finding, image: sitk.Image, info: ImageInfo, lean_share: float | None = None) -> Finding:
    """Return a finding that is no lung nodule, with what its outline adds to the measurements it has."""
    added = () if finding.mask is None else measure_of_modality(image, info, finding.mask, lean_share)
    known = {entry.name for entry in finding.measurements}
    made = (*finding.measurements, *(entry for entry in added if entry.name not in known))
    return dataclasses.replace(finding, measurements=made, concept=_no_nodule(finding.concept))


def with_own_uids(findings: Iterable[Finding], info: ImageInfo) -> tuple[Finding, ...]:
    """Return findings of which each has a UID of its own, also among those of other visits: made of the image's hash.

    Other programs use one UID for a lesion at every visit.
    """
    own: dict[str, Finding] = {}
    for finding in findings:
        sources = ["given", finding.uid, info.content_hash]
        while (uid := str(generate_uid(entropy_srcs=sources))) in own:
            sources.append("another")
        own[uid] = dataclasses.replace(finding, uid=uid)
    return tuple(own.values())


def _on_grid(segmentation: Segmentation, image: sitk.Image) -> tuple[Segmentation, bool]:
    if same_grid(segmentation.image, image):
        return segmentation, False
    labels = resample_like(segmentation.image, image, interpolation="nearest", outside=0)
    if not sitk.GetArrayViewFromImage(labels).any():
        raise GeometryError(
            "A segmentation lies outside the image, or is empty.", "Choose the one drawn on this visit's image."
        )
    return dataclasses.replace(segmentation, image=labels), True


def _no_nodule(kind: CodedConcept) -> CodedConcept:
    """Return a concept whose key does not call for the guidelines of lung nodules: a node of the thyroid is none."""
    return dataclasses.replace(kind, key="nodule", name="Nodule") if kind.key == _NODULE else kind
