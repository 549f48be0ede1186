"""Timelines: lesions numbered through the visits, their change, and what the guidelines say."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from AIImagingLogic.followup.changes import changes_between
from AIImagingLogic.followup.finding_extent import diameter_of, volume_of
from AIImagingLogic.followup.fleischner import PatientFacts, assess_fleischner
from AIImagingLogic.followup.link import Link
from AIImagingLogic.followup.lung_rads import assess_lung_rads, category_of, category_rank
from AIImagingLogic.followup.matching import link_findings
from AIImagingLogic.followup.nodule_facts import NoduleFacts, facts_from_finding, facts_from_lesion, interval_days
from AIImagingLogic.followup.registered_findings import Inverse
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.provenance import Provenance
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Assessment, Lesion, LinkStatus, Timeline, Visit

_NO_COLOUR = (0, 0, 0)


def make_timeline(
    visits: tuple[Visit, ...],
    registrations: tuple[Registration, ...],
    provenance: Provenance,
    notes: tuple[str, ...] = (),
    patient: PatientFacts | None = None,
    inverse: Inverse | None = None,
) -> Timeline:
    """Link the lung nodules of the visits, measure their change and apply Lung-RADS and Fleischner.

    Parameters
    ----------
    visits : one or two, in order of time
    registrations : one from each visit's points to the next visit's
    provenance : of the whole run
    notes : added to the timeline's own
    patient : what is known of the patient
    inverse : the registration's inverse on points, see `link_findings`

    Returns
    -------
    Timeline
        Lesions are numbered from the most suspicious (Lung-RADS category, then size) on; those that were not seen at
        the last visit follow. The same findings get the same numbers and colours in whatever order they come.

    Raises
    ------
    ValueError
        There are no visits, more than two, or not one registration between each two.
    """
    if len(visits) not in (1, 2) or len(registrations) != len(visits) - 1:
        raise ValueError("A timeline needs one or two visits and one registration between each two.")
    unnumbered = (
        [_only_seen_once(finding) for finding in visits[0].findings if finding.review is not ReviewStatus.REJECTED]
        if len(visits) == 1
        else [_lesion(link, visits) for link in link_findings(visits[0], visits[1], registrations[0], inverse)]
    )
    lesions = _numbered(unnumbered, visits)
    return Timeline(
        visits=visits,
        registrations=registrations,
        lesions=lesions,
        assessments=_assessments(lesions, visits, patient),
        provenance=provenance,
        notes=(*notes, *_rejected_note(visits)),
    )


def _only_seen_once(finding: Finding) -> Lesion:
    reason = "There is one visit: nothing to compare with."
    return Lesion(0, _NO_COLOUR, (finding.uid,), (None,), LinkStatus.NOT_EVALUABLE, reason)


def _lesion(link: Link, visits: Sequence[Visit]) -> Lesion:
    earlier, later = visits[0].finding(link.earlier_uid), visits[1].finding(link.later_uid)
    lesion = Lesion(
        number=0,
        colour=_NO_COLOUR,
        observations=(link.earlier_uid, link.later_uid),
        expected_mm=(link.expected_earlier_mm, link.expected_later_mm),
        status=link.status,
        reason=link.reason,
        match_distance_mm=link.distance_mm,
    )
    # The change of a part against a whole would be no change of a lesion.
    if link.status is not LinkStatus.MATCHED or earlier is None or later is None:
        return lesion
    changes, growth = changes_between(earlier, later, interval_days(visits[0], visits[1]))
    return dataclasses.replace(lesion, changes=changes, growth=growth)


def _numbered(lesions: Sequence[Lesion], visits: Sequence[Visit]) -> tuple[Lesion, ...]:
    colours = load_resource("rules/lesion_colours.json")["colours"]
    ordered = sorted(lesions, key=lambda lesion: _place_in_list(lesion, visits))
    return tuple(
        dataclasses.replace(lesion, number=index + 1, colour=tuple(colours[index % len(colours)]))
        for index, lesion in enumerate(ordered)
    )


def _place_in_list(lesion: Lesion, visits: Sequence[Visit]) -> tuple[float, ...]:
    """Seen at the last visit first; then the most suspicious, the largest, and for a tie by place."""
    facts = facts_from_lesion(lesion, visits)
    finding = _last_seen(lesion, visits)
    if facts is None:
        facts = facts_from_finding(finding)
    rank = -1 if facts is None else category_rank(category_of(facts).category)
    is_gone = lesion.observations[-1] is None
    return (float(is_gone), -float(rank), -diameter_of(finding), -volume_of(finding), *finding.box.center_mm)


def _last_seen(lesion: Lesion, visits: Sequence[Visit]) -> Finding:
    for visit, uid in zip(reversed(visits), reversed(lesion.observations)):
        finding = visit.finding(uid)
        if finding is not None:
            return finding
    raise ValueError("A lesion was seen at no visit.")


def _assessments(
    lesions: Sequence[Lesion], visits: Sequence[Visit], patient: PatientFacts | None
) -> tuple[Assessment, ...]:
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


def _rejected_note(visits: Sequence[Visit]) -> tuple[str, ...]:
    count = sum(finding.review is ReviewStatus.REJECTED for visit in visits for finding in visit.findings)
    return (f"{count} finding(s) that a reader rejected are left out.",) if count else ()
