"""Follow findings that are there already: of any detector, of segmentations, points or boxes, of any modality."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import SimpleITK as sitk

from AIImagingLogic.followup.timeline import make_timeline
from AIImagingLogic.followup.visit_order import visit_labels, visit_order
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.timeline import Timeline, Visit
from AIImagingLogic.tasks.visit_registrations import register_visits


def follow_findings(
    images: Sequence[sitk.Image],
    visits: Sequence[Visit],
    kind: str = "deformable",
    masks: Sequence[sitk.Image | None] | None = None,
    registrations: Sequence[Registration | None] | None = None,
    in_given_order: bool = False,
    previous: Timeline | None = None,
    progress: Progress | None = None,
) -> Timeline:
    """Chain the findings of 2 to 20 visits into lesions.

    Parameters
    ----------
    images : of the visits, any order
    visits : with their findings, in the same order; their labels are given anew
    kind : of the registration between neighbours
    masks : > 0 where the registration is to look; none: the body
    registrations : from each visit to the next, when they are there already; the visits must be in order of time
    in_given_order : the visits are given in order of time: dates may be missing or the same
    previous : an earlier timeline of this patient: numbers and UIDs are kept, corrections applied again
    progress : told how far it is

    Returns
    -------
    Timeline
        Guidelines for lung nodules are applied to lung nodules only.

    Raises
    ------
    WrongImageError
        Two visits are the same image, or their order cannot be told.
    RegistrationError
        Of two visits: they could not be brought into correspondence.
    ValueError
        There is not one registration between each two, or they are given for visits that are not in order of time.
    """
    progress = progress or Progress()
    order = visit_order([visit.info for visit in visits], in_given_order)
    if registrations is not None and order != tuple(range(len(visits))):
        raise ValueError("Registrations are given for visits that are not in order of time.")
    ordered = tuple(
        dataclasses.replace(visits[index], label=label) for index, label in zip(order, visit_labels(len(visits)))
    )
    notes: tuple[str, ...] = ()
    if registrations is None:
        looked = [None if masks is None else masks[index] for index in order]
        registrations, notes = register_visits(
            [images[index] for index in order], ordered, looked, progress.part(0.0, 0.95), kind
        )
    with progress.stage("Links and change", 0.95, 1.0):
        parts = [visit.provenance for visit in ordered] + [entry.provenance for entry in registrations if entry]
        models = dict.fromkeys(model for part in parts if part is not None for model in part.models)
        infos = [visit.info for visit in ordered]
        provenance = make_provenance("follow-up", list(models), infos, {}, progress.costs, list(notes))
        return make_timeline(ordered, tuple(registrations), provenance, notes, previous=previous)
