"""Follow up: chest CTs of 2 to 20 visits in; findings of each, links, change and guideline categories out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import SimpleITK as sitk

from AIImagingLogic.followup.matching import link_findings
from AIImagingLogic.followup.timeline import make_timeline
from AIImagingLogic.followup.visit_order import visit_labels, visit_order
from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.errors import GeometryError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import Provenance, make_provenance
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.records.timeline import Timeline, Visit
from AIImagingLogic.tasks.detect import DETECTOR_MODEL, find_nodules
from AIImagingLogic.tasks.second_look import look_again, wanted_lesions
from AIImagingLogic.tasks.segment import check_input
from AIImagingLogic.tasks.visit_registrations import register_visits

_FOUND, _REGISTERED = 0.7, 0.95


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
    return follow_up_visits(
        (baseline, followup), (baseline_info, followup_info), in_given_order=True, progress=progress
    )


def follow_up_visits(
    visits: Sequence[sitk.Image],
    visits_infos: Sequence[ImageInfo],
    in_given_order: bool = False,
    previous: Timeline | None = None,
    progress: Progress | None = None,
) -> Timeline:
    """Follow the lung nodules of a patient through 2 to 20 chest CTs.

    Parameters
    ----------
    visits : chest CTs, HU, in any order
    visits_infos : what is known of each; their dates say the order
    in_given_order : the visits are given in order of time: dates may be missing or the same
    previous : an earlier result of this patient: its numbers and UIDs are kept, its corrections applied again; its
        images, masks and transforms are not needed
    progress : told how far the run is

    Returns
    -------
    Timeline
        Visits in order of time (see `visit_order`), a registration from each to the next, None where they could not be
        registered, which a note tells.

    Raises
    ------
    WrongImageError
        An image is not a chest CT, two are the same, or their order cannot be told.
    GeometryError
        An image's geometry is unusable.
    RegistrationError
        Of two visits: they could not be brought into correspondence.
    """
    order = visit_order(visits_infos, in_given_order)
    images, infos = [visits[index] for index in order], [visits_infos[index] for index in order]
    return _followed(images, infos, previous, progress or Progress())


def _followed(
    images: Sequence[sitk.Image], infos: Sequence[ImageInfo], previous: Timeline | None, progress: Progress
) -> Timeline:
    """Follow the nodules through visits in order of time."""
    card, count = model_card(DETECTOR_MODEL), len(images)
    for image, info, label in zip(images, infos, visit_labels(count), strict=True):
        try:
            check_input(image, info, card)
        except (WrongImageError, GeometryError) as error:
            raise type(error)(f"{label.capitalize()}: {error.what}", error.advice) from error
    visits, doubtful = [], []
    for index, (image, info, label) in enumerate(zip(images, infos, visit_labels(count))):
        part = progress.part(_FOUND * index / count, _FOUND * (index + 1) / count)
        visit, candidates = find_nodules(image, info, label, part)
        visits.append(visit)
        doubtful.append(candidates)
    masks = [lungs_of(visit.organs) for visit in visits]
    registrations, notes = register_visits(images, visits, masks, progress.part(_FOUND, _REGISTERED))
    with progress.stage("Second look", _REGISTERED, 0.98) as part:
        said = _looked_again(images, visits, doubtful, registrations, part)
    with progress.stage("Links and change", 0.98, 1.0):
        parts = [visit.provenance for visit in visits] + [entry.provenance for entry in registrations if entry]
        timeline = make_timeline(
            tuple(visits),
            registrations,
            _joined(parts, list(infos), progress),
            (*thick_slice_notes(visits), *notes),
            previous=previous,
            remarks=said,
        )
    return dataclasses.replace(
        timeline, provenance=dataclasses.replace(timeline.provenance, stages=tuple(progress.costs))
    )


def _looked_again(
    images: Sequence[sitk.Image],
    visits: list[Visit],
    doubtful: Sequence[Sequence[Candidate]],
    registrations: Sequence[Registration | None],
    progress: Progress,
) -> dict[str, str]:
    """Add to `visits` what second looks find, neighbours by neighbours; return what to say of it, by finding."""
    said: dict[str, str] = {}
    for index, registration in enumerate(registrations):
        if registration is None:
            continue
        pair = visits[index], visits[index + 1]
        links = link_findings(*pair, registration)
        for own, other in ((index, index + 1), (index + 1, index)):
            start = (index + (own > index) / 2) / len(registrations)
            part = progress.part(start, start + 0.5 / len(registrations))
            wanted = wanted_lesions(links, pair[other - index])
            look = look_again(images[own], visits[own], doubtful[own], wanted, part)
            visits[own] = look.visit
            # Where a lesion was sought at several visits, the last search is told.
            said.update(look.said)
    return said


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
