"""Follow up: two chest CTs in; findings of both, links, change and guideline categories out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import SimpleITK as sitk

from AIImagingLogic.followup.matching import link_findings
from AIImagingLogic.followup.timeline import make_timeline
from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import Provenance, make_provenance
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.records.timeline import Timeline, Visit
from AIImagingLogic.tasks.detect import DETECTOR_MODEL, find_nodules
from AIImagingLogic.tasks.register import register_images
from AIImagingLogic.tasks.second_look import look_again, wanted_lesions, with_second_looks_said
from AIImagingLogic.tasks.segment import check_input


def follow_up(
    baseline: sitk.Image,
    baseline_info: ImageInfo,
    followup: sitk.Image,
    followup_info: ImageInfo,
    progress: Progress | None = None,
) -> Timeline:
    """Follow the lung nodules of a patient from one chest CT to a later one.

    Returns
    -------
    Timeline
        Two visits, the registration of baseline points to follow-up points, lesions with changes, assessments.

    Raises
    ------
    WrongImageError
        An image is not a chest CT, both are the same image, or the follow-up is dated before the baseline.
    GeometryError
        An image's geometry is unusable.
    RegistrationError
        The two could not be brought into correspondence.
    """
    progress = progress or Progress()
    check_pair(baseline_info, followup_info)
    card = model_card(DETECTOR_MODEL)
    check_input(baseline, baseline_info, card)
    check_input(followup, followup_info, card)
    first, first_doubtful = find_nodules(baseline, baseline_info, "baseline", progress.part(0.0, 0.35))
    second, second_doubtful = find_nodules(followup, followup_info, "follow-up", progress.part(0.35, 0.7))
    registration = register_images(
        baseline,
        baseline_info,
        followup,
        followup_info,
        fixed_mask=lungs_of(first.organs),
        moving_mask=lungs_of(second.organs),
        progress=progress.part(0.7, 0.95),
    )
    with progress.stage("Second look", 0.95, 0.98) as part:
        links = link_findings(first, second, registration)
        looks = (
            look_again(baseline, first, first_doubtful, wanted_lesions(links, second), part.part(0.0, 0.5)),
            look_again(followup, second, second_doubtful, wanted_lesions(links, first), part.part(0.5, 1.0)),
        )
        first, second = (look.visit for look in looks)
    with progress.stage("Links and change", 0.98, 1.0):
        provenances = [first.provenance, second.provenance, registration.provenance]
        timeline = make_timeline(
            (first, second),
            (registration,),
            _joined(provenances, [baseline_info, followup_info], progress),
            thick_slice_notes((first, second)),
        )
        timeline = with_second_looks_said(timeline, {**looks[0].said, **looks[1].said})
    return dataclasses.replace(
        timeline, provenance=dataclasses.replace(timeline.provenance, stages=tuple(progress.costs))
    )


def check_pair(baseline: ImageInfo, followup: ImageInfo) -> None:
    """Check that two images can be a baseline and its follow-up.

    Raises
    ------
    WrongImageError
        They are the same image, or dated the wrong way round.
    """
    same_series = bool(baseline.series_uid) and baseline.series_uid == followup.series_uid
    if baseline.content_hash == followup.content_hash or same_series:
        raise WrongImageError("Baseline and follow-up are the same image.", "Choose two different visits.")
    if baseline.acquired and followup.acquired and followup.acquired < baseline.acquired:
        raise WrongImageError(
            f"The follow-up ({followup.acquired:%Y-%m-%d}) is dated before the baseline "
            f"({baseline.acquired:%Y-%m-%d}).",
            "Swap the two, or state the true dates.",
        )


def thick_slice_notes(visits: Sequence[Visit]) -> tuple[str, ...]:
    """Return a warning for each visit whose slices are too thick for the volumes of small nodules."""
    limit_mm = load_resource("image_limits.json")["volumetry"]["thick_slices_above_mm"]
    return tuple(
        f"The {visit.label} has slices {max(visit.info.spacing_mm):.1f} mm apart: sizes and volumes of small nodules, "
        "and with them growth, are very uncertain."
        for visit in visits
        if max(visit.info.spacing_mm) > limit_mm
    )


def lungs_of(organs: Segmentation | None) -> sitk.Image | None:
    """Return the mask (uint8, 0 or 1) of both lungs of an organ segmentation."""
    if organs is None:
        return None
    values = [segment.value for segment in organs.segments if segment.concept.key in ("lung-left", "lung-right")]
    mask = organs.image == values[0]
    for value in values[1:]:
        mask = sitk.Or(mask, organs.image == value)
    return mask


def _joined(parts: list[Provenance | None], infos: list[ImageInfo], progress: Progress) -> Provenance:
    """Return one provenance of several: every model once, every note once."""
    known = [part for part in parts if part is not None]
    models = dict.fromkeys(model for part in known for model in part.models)
    notes = dict.fromkeys(note for part in known for note in part.notes)
    parameters = {key: value for part in known for key, value in part.parameters.items()}
    return make_provenance("follow-up", list(models), infos, parameters, progress.costs, list(notes))
