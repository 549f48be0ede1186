"""What became of a lesion at each visit: linked, new, missed, resolved, a part, or not to be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from AIImagingLogic.followup.absence import Absence, absence_at
from AIImagingLogic.followup.link import Link
from AIImagingLogic.followup.linked_pairs import kept_findings
from AIImagingLogic.followup.registered_findings import centers_of, matching_rules
from AIImagingLogic.followup.track import Track
from AIImagingLogic.followup.visit_spaces import VisitSpaces
from AIImagingLogic.images.geometry import Points
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.timeline import LesionStep, LinkStatus, Visit

ONE_VISIT = "There is one visit: nothing to compare with."

Steps = tuple[tuple[LesionStep, ...], tuple[Vector | None, ...]]


class StepMaker:
    """Tells the steps of lesions of the same visits.

    Parameters
    ----------
    visits : in order of time
    spaces : of the visits
    """

    def __init__(self, visits: Sequence[Visit], spaces: VisitSpaces) -> None:
        self._visits, self._spaces = visits, spaces
        self._findings: list[Mapping[str, Finding]] = [
            {entry.uid: entry for entry in kept_findings(visit)} for visit in visits
        ]
        self._found_mm: list[Points] = [centers_of(tuple(entries.values())) for entries in self._findings]

    def steps_of(self, track: Track) -> Steps:
        """Return what became of a lesion at each visit, and where it would lie at those at which it was not seen.

        A lesion that was not seen is resolved only where the visit could have shown it and no later visit shows it.
        """
        absences = {visit: self._absence(track, visit) for visit in range(len(self._visits)) if track.at(visit) is None}
        steps = tuple(self._step(track, visit, absences) for visit in range(len(self._visits)))
        expected = tuple(
            absences[visit].expected_mm if visit in absences else None for visit in range(len(self._visits))
        )
        return steps, expected

    def _absence(self, track: Track, visit: int) -> Absence:
        """Return what is known of the place at a visit, told from the sighting nearest in time."""
        near = min(track.sightings, key=lambda entry: (abs(entry.visit - visit), entry.visit))
        finding = self._findings[near.visit][near.uid]
        return absence_at(self._spaces, self._visits, finding, near.visit, visit, self._found_mm[visit])

    def _step(self, track: Track, visit: int, absences: Mapping[int, Absence]) -> LesionStep:
        if visit < track.first.visit:
            return LesionStep(evaluable=absences[visit].uncovered is None, reason=self._before(visit, absences[visit]))
        if visit == track.first.visit:
            return self._first_step(track, absences)
        before = max(entry.visit for entry in track.sightings if entry.visit < visit)
        if track.at(visit) is not None:
            link = track.links[[entry.visit for entry in track.sightings].index(visit) - 1]
            return self._linked_step(link, before, visit)
        if visit < track.last.visit:
            return self._missed_step(absences[visit], visit, before, track)
        return self._ended_step(track, visit, before, absences[visit])

    def _first_step(self, track: Track, absences: Mapping[int, Absence]) -> LesionStep:
        visit = track.first.visit
        if visit == 0:
            return LesionStep(reason=ONE_VISIT if len(self._visits) == 1 else "")
        if track.new_by_hand:
            return LesionStep(LinkStatus.NEW, "Marked as new by the user.", by_hand=True)
        if track.split_from is not None:
            return LesionStep(LinkStatus.SPLIT, track.split_reason, since=track.split_from.visit)
        confidence = track.start_confidence
        shown = [index for index in range(visit) if absences[index].uncovered is None]
        if not shown:
            reason = f"Cannot be called new: {absences[visit - 1].uncovered}."
            return LesionStep(LinkStatus.NOT_EVALUABLE, reason, confidence=confidence)
        reason = f"Not found at the {self._visits[shown[-1]].label}{absences[shown[-1]].nearest}."
        return LesionStep(LinkStatus.NEW, reason, None, None, confidence, _is_ambiguous(confidence))

    def _linked_step(self, link: Link, before: int, visit: int) -> LesionStep:
        ambiguous = _is_ambiguous(link.confidence)
        reason = link.reason
        rival = self._rival_name(link, before, visit) if ambiguous and not link.by_hand else ""
        if rival:
            reason = f"{reason[:-1]}, but the reading with {rival} is nearly as good."
        if visit - before > 1:
            reason = f"{reason[:-1]}; last seen at the {self._visits[before].label}."
        return LesionStep(link.status, reason, before, link.distance_mm, link.confidence, ambiguous, link.by_hand)

    def _rival_name(self, link: Link, before: int, visit: int) -> str:
        for index in (visit, before):
            finding = self._findings[index].get(link.rival or "")
            if finding is not None:
                return f"'{finding.name}' of the {self._visits[index].label}"
        return ""

    def _missed_step(self, absence: Absence, visit: int, before: int, track: Track) -> LesionStep:
        label = self._visits[visit].label
        if absence.uncovered is not None:
            reason = f"Not seen at the {label}: {absence.uncovered}."
            return LesionStep(LinkStatus.NOT_EVALUABLE, reason, before, evaluable=False)
        again = self._visits[min(entry.visit for entry in track.sightings if entry.visit > visit)].label
        return LesionStep(LinkStatus.NOT_SEEN, f"Not found at the {label}, but again at the {again}.", before)

    def _ended_step(self, track: Track, visit: int, before: int, absence: Absence) -> LesionStep:
        label, evaluable = self._visits[visit].label, absence.uncovered is None
        if track.resolved_by_hand:
            reason = "Marked as resolved by the user."
            return LesionStep(LinkStatus.RESOLVED, reason, before, by_hand=True, evaluable=evaluable)
        if track.merged_into is not None and visit >= track.merged_into.visit:
            return LesionStep(LinkStatus.MERGED, track.merge_reason, before, evaluable=evaluable)
        if not evaluable:
            reason = f"Not seen at the {label}: {absence.uncovered}."
            return LesionStep(
                LinkStatus.NOT_EVALUABLE, reason, before, confidence=track.end_confidence, evaluable=False
            )
        reason = f"Not found at the {label}{absence.nearest}."
        confidence = track.end_confidence
        return LesionStep(LinkStatus.RESOLVED, reason, before, None, confidence, _is_ambiguous(confidence))

    def _before(self, visit: int, absence: Absence) -> str:
        if absence.uncovered is not None:
            return f"Not seen at the {self._visits[visit].label}: {absence.uncovered}."
        return f"Not found at the {self._visits[visit].label}{absence.nearest}."


def _is_ambiguous(confidence: float | None) -> bool:
    limit: float = matching_rules()["ambiguous_below"]
    return confidence is not None and confidence < limit
