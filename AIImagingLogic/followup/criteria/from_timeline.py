"""From a timeline to the facts that response criteria need."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from AIImagingLogic.followup.criteria.facts import LesionObservation, LesionState, VisitFacts
from AIImagingLogic.followup.criteria.target_choice import TargetChoice, propose_targets
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.timeline import Lesion, LinkStatus, Timeline

_ELSEWHERE = (LinkStatus.NOT_SEEN, LinkStatus.MERGED, LinkStatus.SPLIT)


@dataclass(frozen=True)
class ReaderWords:
    """What a person says of the lesions of a timeline beside what is measured.

    Attributes
    ----------
    organs : number of a lesion to its organ; without it, the finding's ``organ`` or what it is
    nodes : numbers of the lesions that are lymph nodes, beside those whose finding says so
    states : (number, visit from 0) to the state of the lesion there, such as ``unequivocally progressed``
    """

    organs: Mapping[int, str] = field(default_factory=dict)
    nodes: Collection[int] = ()
    states: Mapping[tuple[int, int], LesionState] = field(default_factory=dict)


def baseline_lesions(timeline: Timeline, words: ReaderWords | None = None) -> tuple[LesionObservation, ...]:
    """Return the lesions that were seen at the first visit: among these targets are chosen."""
    words = words or ReaderWords()
    seen = [lesion for lesion in timeline.lesions if lesion.observations[0] is not None]
    return tuple(_observation(timeline, lesion, 0, words) for lesion in seen)


def facts_from_timeline(
    timeline: Timeline,
    choice: TargetChoice | None = None,
    rules: str = "recist-1.1",
    words: ReaderWords | None = None,
) -> tuple[VisitFacts, ...]:
    """Return the facts of every visit.

    A lesion that is not seen is gone only where its link says that it resolved; else it was not evaluated. A lesion
    that is first seen later is new only where its link says so; else `missing` tells that this is not known.

    Parameters
    ----------
    choice : of targets and non-targets, by a person or proposed; None: as `propose_targets` says
    rules : id of the table for the proposal
    words : what a person says besides
    """
    words = words or ReaderWords()
    if choice is None:
        thickness = timeline.visits[0].info.slice_thickness_mm
        choice = propose_targets(baseline_lesions(timeline, words), rules, thickness)
    by_number = {lesion.number: lesion for lesion in timeline.lesions}
    return tuple(_visit_facts(timeline, index, choice, by_number, words) for index in range(len(timeline.visits)))


def _visit_facts(
    timeline: Timeline, index: int, choice: TargetChoice, by_number: Mapping[int, Lesion], words: ReaderWords
) -> VisitFacts:
    def seen(numbers: Sequence[int]) -> tuple[LesionObservation, ...]:
        return tuple(_observation(timeline, by_number[number], index, words) for number in numbers)

    missing = []
    new = []
    for lesion in timeline.lesions:
        first = _first_seen(lesion)
        if first is None or not 0 < first <= index:
            continue
        status = _status(lesion, first)
        observation = _observation(timeline, lesion, index, words)
        if status is LinkStatus.NEW:
            new.append(observation)
        elif observation.is_seen:
            why = "" if status is None else f" ({status.value})"
            missing.append(f"whether lesion {lesion.number} is new{why}; it was not counted")
    for number in (*choice.targets, *choice.non_targets):
        status = _status(by_number[number], index)
        if by_number[number].observations[index] is None and status in _ELSEWHERE:
            missing.append(f"lesion {number} at this visit ({status.value if status else None})")
    return VisitFacts(
        date=timeline.visits[index].info.acquired,
        targets=seen(choice.targets),
        non_targets=seen(choice.non_targets),
        new_lesions=tuple(new),
        missing=tuple(missing),
    )


def _observation(timeline: Timeline, lesion: Lesion, index: int, words: ReaderWords) -> LesionObservation:
    number = lesion.number
    finding = timeline.visits[index].finding(lesion.observations[index])
    shown = next(
        found for visit, uid in zip(timeline.visits, lesion.observations) if (found := visit.finding(uid)) is not None
    )
    known = LesionObservation(
        number=number,
        organ=words.organs.get(number) or shown.descriptors.get("organ") or shown.concept.name.lower(),
        is_node=number in words.nodes or _is_node(shown),
    )
    stated = words.states.get((number, index))
    if finding is None:
        return replace(known, state=stated or _unseen_state(lesion, index))
    return replace(
        known,
        state=stated or LesionState.PRESENT,
        longest_mm=finding.value("long_axis"),
        short_axis_mm=finding.value("short_axis"),
        sul_peak=finding.value("sul_peak"),
        tlg=finding.value("total_lesion_glycolysis_sul"),
    )


def _is_node(finding: Finding) -> bool:
    return "lymph-node" in (finding.descriptors.get("kind"), finding.concept.key)


def _unseen_state(lesion: Lesion, index: int) -> LesionState:
    return LesionState.GONE if _status(lesion, index) is LinkStatus.RESOLVED else LesionState.NOT_EVALUATED


def _first_seen(lesion: Lesion) -> int | None:
    return next((index for index, uid in enumerate(lesion.observations) if uid is not None), None)


def _status(lesion: Lesion, index: int) -> LinkStatus | None:
    """What became of a lesion at a visit; a timeline without steps knows it of the last visit, or of all when new."""
    if lesion.steps:
        return lesion.steps[index].status
    return lesion.status if index == len(lesion.observations) - 1 or lesion.status is LinkStatus.NEW else None
