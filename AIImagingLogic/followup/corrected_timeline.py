"""A timeline with what a person said of it: corrected, undone, redone. Nothing is changed in place.

The proposal and the corrections are kept apart: every state is made of both anew, so that an undo gives back exactly
the timeline that was there before.
"""

from __future__ import annotations

import dataclasses

from AIImagingLogic.followup.fleischner import PatientFacts
from AIImagingLogic.followup.rejected_findings import rejected_note, with_rejections, without_rejections
from AIImagingLogic.followup.timeline import FAILED, TimelineInputs, timeline_from
from AIImagingLogic.followup.track_corrections import CorrectionError
from AIImagingLogic.records.correction import Correction
from AIImagingLogic.records.timeline import Timeline


def with_correction(timeline: Timeline, correction: Correction, patient: PatientFacts | None = None) -> Timeline:
    """Return the timeline after a correction; what was undone before it cannot be redone any more.

    Parameters
    ----------
    timeline : with its registrations
    correction : made by `followup.corrections`
    patient : as given when the timeline was made

    Raises
    ------
    CorrectionError
        The correction does not fit the timeline.
    """
    inputs = dataclasses.replace(inputs_of(timeline), corrections=(*timeline.corrections, correction), undone=())
    return timeline_from(inputs, patient, strict=True)


def can_undo(timeline: Timeline) -> bool:
    """Whether there is a correction to undo."""
    return bool(timeline.corrections)


def can_redo(timeline: Timeline) -> bool:
    """Whether there is an undone correction to apply again."""
    return bool(timeline.undone)


def undo(timeline: Timeline, patient: PatientFacts | None = None) -> Timeline:
    """Return the timeline without its last correction, which `redo` applies again.

    Raises
    ------
    CorrectionError
        There is none.
    """
    if not timeline.corrections:
        raise CorrectionError("There is no correction to undo.")
    *kept, last = timeline.corrections
    undone = (last, *timeline.undone)
    return timeline_from(dataclasses.replace(inputs_of(timeline), corrections=tuple(kept), undone=undone), patient)


def redo(timeline: Timeline, patient: PatientFacts | None = None) -> Timeline:
    """Return the timeline with the correction that was undone last.

    Raises
    ------
    CorrectionError
        There is none.
    """
    if not timeline.undone:
        raise CorrectionError("There is no correction to redo.")
    first, *rest = timeline.undone
    corrections = (*timeline.corrections, first)
    return timeline_from(dataclasses.replace(inputs_of(timeline), corrections=corrections, undone=tuple(rest)), patient)


def inputs_of(timeline: Timeline) -> TimelineInputs:
    """Return what a timeline was made of: its visits before any correction, and its corrections."""
    visits = without_rejections(timeline.visits, timeline.corrections)
    _, told = with_rejections(visits, timeline.corrections)
    made = {*rejected_note(timeline.visits), *told}
    notes = tuple(note for note in timeline.notes if note not in made and FAILED not in note)
    return TimelineInputs(
        visits,
        timeline.registrations,
        timeline.provenance,
        notes,
        timeline.remarks,
        timeline.identities,
        timeline.corrections,
        timeline.undone,
    )
