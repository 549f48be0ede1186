"""Timelines: lesions numbered through the visits, their change, and what the guidelines say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from AIImagingLogic.followup.fleischner import PatientFacts, assess_fleischner
from AIImagingLogic.followup.lesion_identities import LesionIdentities, identities_after
from AIImagingLogic.followup.lesion_steps import StepMaker
from AIImagingLogic.followup.lesions_of_tracks import lesion_of_track, numbered, place_in_list
from AIImagingLogic.followup.lung_rads import assess_lung_rads
from AIImagingLogic.followup.nodule_facts import NoduleFacts, facts_from_lesion
from AIImagingLogic.followup.proposed_tracks import proposed_tracks
from AIImagingLogic.followup.registered_findings import Inverse
from AIImagingLogic.followup.rejected_findings import rejected_note, with_rejections
from AIImagingLogic.followup.track import Track
from AIImagingLogic.followup.track_corrections import CorrectionError, TrackCorrector
from AIImagingLogic.followup.visit_spaces import VisitSpaces
from AIImagingLogic.records.correction import Correction, LesionIdentity
from AIImagingLogic.records.provenance import Provenance
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.timeline import Assessment, Lesion, LinkStatus, Timeline, Visit

MOST_VISITS = 20
_NODULE = "lung-nodule"
FAILED = "could not be applied"


@dataclass(frozen=True)
class TimelineInputs:
    """What a timeline is made of; see `Timeline` for each. `visits` are as they were before any correction."""

    visits: tuple[Visit, ...]
    registrations: tuple[Registration | None, ...]
    provenance: Provenance
    notes: tuple[str, ...] = ()
    remarks: Mapping[str, str] | None = None
    identities: tuple[LesionIdentity, ...] = ()
    corrections: tuple[Correction, ...] = ()
    undone: tuple[Correction, ...] = ()


def make_timeline(
    visits: tuple[Visit, ...],
    registrations: tuple[Registration | None, ...],
    provenance: Provenance,
    notes: tuple[str, ...] = (),
    patient: PatientFacts | None = None,
    inverse: Inverse | None = None,
    previous: Timeline | None = None,
    remarks: Mapping[str, str] | None = None,
) -> Timeline:
    """Link the lung nodules of the visits, measure their change and apply Lung-RADS and Fleischner.

    Parameters
    ----------
    visits : 1 to 20, in order of time
    registrations : one from each visit's points to the next visit's, None where there is none
    provenance : of the whole run
    notes : added to the timeline's own
    patient : what is known of the patient
    inverse : of two visits, the registration's inverse on points, see `link_findings`
    previous : an earlier timeline of the patient: its numbers and UIDs are kept and its corrections applied again
    remarks : sentences on findings (by uid), added to the reasons of their lesions

    Returns
    -------
    Timeline
        Lesions are numbered from the most suspicious (Lung-RADS category, then size) on; those that were not seen at
        the last visit follow. The same findings get the same numbers and colours in whatever order they come.

    Raises
    ------
    ValueError
        There are no visits, more than 20, or not one registration (or None) between each two.
    """
    if not 1 <= len(visits) <= MOST_VISITS or len(registrations) != len(visits) - 1:
        raise ValueError(f"A timeline needs 1 to {MOST_VISITS} visits and one registration between each two.")
    known = () if previous is None else identities_after(previous)
    corrections = () if previous is None else previous.corrections
    inputs = TimelineInputs(visits, registrations, provenance, notes, remarks, known, corrections)
    return timeline_from(inputs, patient, inverse)


def timeline_from(
    inputs: TimelineInputs,
    patient: PatientFacts | None = None,
    inverse: Inverse | None = None,
    strict: bool = False,
) -> Timeline:
    """Return the timeline of its inputs: always the same of the same.

    Raises
    ------
    CorrectionError
        The last correction cannot be applied and `strict`; else, and of any other, a note says so.
    """
    spaces = VisitSpaces(inputs.registrations, None if inverse is None else (inverse,))
    remarks = inputs.remarks or {}
    tracks = proposed_tracks(inputs.visits, spaces)
    lesions = _lesions(tracks, inputs.visits, spaces, remarks)
    identities = LesionIdentities(inputs.visits, inputs.identities)
    given = identities.claim(sorted(tracks, key=lambda track: place_in_list(lesions[track], inputs.visits)))
    before_corrections = identities.record()
    corrector = TrackCorrector(inputs.visits, spaces)
    failures = []
    for index, correction in enumerate(inputs.corrections):
        try:
            tracks = corrector.corrected(tracks, correction)
        except CorrectionError as error:
            if strict and index == len(inputs.corrections) - 1:
                raise
            failures.append(f"The correction '{correction.kind.value}' {FAILED}: {error}")
        given = identities.claim(sorted(tracks, key=lambda track: track.sightings))
    visits, notes = with_rejections(inputs.visits, inputs.corrections)
    if inputs.corrections:
        lesions = _lesions(tracks, visits, spaces, remarks)
    listed = numbered(lesions, given)
    return Timeline(
        visits=visits,
        registrations=inputs.registrations,
        lesions=listed,
        assessments=_assessments(listed, visits, patient),
        provenance=inputs.provenance,
        notes=(*inputs.notes, *rejected_note(visits), *notes, *failures),
        identities=before_corrections,
        corrections=inputs.corrections,
        undone=inputs.undone,
        remarks=remarks,
    )


def _lesions(
    tracks: Sequence[Track], visits: Sequence[Visit], spaces: VisitSpaces, remarks: Mapping[str, str]
) -> dict[Track, Lesion]:
    maker = StepMaker(visits, spaces)
    return {track: lesion_of_track(track, visits, maker, remarks) for track in tracks}


def _assessments(
    lesions: Sequence[Lesion], visits: Sequence[Visit], patient: PatientFacts | None
) -> tuple[Assessment, ...]:
    """Return what the guidelines for lung nodules say; nothing where there are findings and none is a lung nodule."""
    concepts = {finding.uid: finding.concept.key for visit in visits for finding in visit.findings}
    nodules = [lesion for lesion in lesions if any(concepts.get(uid or "") == _NODULE for uid in lesion.observations)]
    if lesions and not nodules:
        return ()
    lesions = nodules
    facts: Mapping[int, NoduleFacts] = {
        lesion.number: known for lesion in lesions if (known := facts_from_lesion(lesion, visits)) is not None
    }
    missing = [
        f"lesion {lesion.number}: its size"
        for lesion in lesions
        if lesion.observations[-1] is not None and lesion.number not in facts
    ]
    unseen = [
        lesion for lesion in lesions if lesion.status is LinkStatus.NOT_EVALUABLE and lesion.observations[-1] is None
    ]
    missing += [f"lesion {lesion.number} now: {lesion.reason[:1].lower()}{lesion.reason[1:-1]}" for lesion in unseen]
    incomplete = "not-evaluable" if unseen else None
    return assess_lung_rads(facts, incomplete, missing), assess_fleischner(facts, patient)
