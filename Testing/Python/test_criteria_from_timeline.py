"""From a timeline to facts: gone only where the link says so, new only where it says so, the person's choice wins."""

from __future__ import annotations

from datetime import datetime

from followup_records import info, provenance

from AIImagingLogic.followup.criteria.facts import LesionState
from AIImagingLogic.followup.criteria.from_timeline import ReaderWords, baseline_lesions, facts_from_timeline
from AIImagingLogic.followup.criteria.recist import assess_recist
from AIImagingLogic.followup.criteria.target_choice import edited_choice, propose_targets
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.timeline import Lesion, LesionStep, LinkStatus, Timeline, Visit

DATES = [datetime(2025, month, 1) for month in (1, 3, 5)]
MATCHED, NEW, GONE = LinkStatus.MATCHED, LinkStatus.NEW, LinkStatus.RESOLVED
NOT_SEEN, OUTSIDE = LinkStatus.NOT_SEEN, LinkStatus.NOT_EVALUABLE


def timeline(*courses: tuple[list[float | None], list[LinkStatus | None]]) -> Timeline:
    """Lesions 1, 2, ... by their long axis at each visit (None: not seen) and what became of them there."""
    findings: list[list[Finding]] = [[], [], []]
    lesions = []
    for number, (sizes, states) in enumerate(courses, 1):
        uids = [None if mm is None else f"1.2.{number}.{index}" for index, mm in enumerate(sizes)]
        for index, (uid, mm) in enumerate(zip(uids, sizes)):
            if uid is not None and mm is not None:
                findings[index].append(
                    Finding(
                        uid,
                        uid,
                        OrientedBox((0.0, 0.0, 0.0), (mm, mm, mm)),
                        1.0,
                        concept("lung-nodule"),
                        measurements=(measurement("long_axis", mm), measurement("short_axis", mm * 0.8)),
                    )
                )
        steps = tuple(LesionStep(status) for status in states)
        status = states[-1] or MATCHED
        lesions.append(Lesion(number, (1, 2, 3), tuple(uids), (None,) * 3, status, "", steps=steps))
    visits = tuple(Visit(f"v{i}", info(DATES[i], f"v{i}"), None, tuple(findings[i])) for i in range(3))
    return Timeline(visits, (None, None), tuple(lesions), (), provenance())


def test_gone_new_and_not_evaluable_come_from_the_links() -> None:
    facts = facts_from_timeline(
        timeline(
            ([20.0, 15.0, None], [None, MATCHED, GONE]),
            ([30.0, None, 25.0], [None, NOT_SEEN, MATCHED]),
            ([8.0, None, None], [None, OUTSIDE, OUTSIDE]),
            ([None, 9.0, 10.0], [None, NEW, MATCHED]),
            ([None, 7.0, 7.0], [None, OUTSIDE, MATCHED]),
        )
    )
    assert [[one.number for one in visit.targets] for visit in facts] == [[1, 2]] * 3
    assert [visit.targets[0].state for visit in facts] == [LesionState.PRESENT] * 2 + [LesionState.GONE]
    assert facts[1].targets[1].state is LesionState.NOT_EVALUATED
    assert facts[1].non_targets[0].state is LesionState.NOT_EVALUATED
    assert [[one.number for one in visit.new_lesions] for visit in facts] == [[], [4], [4]]
    assert "whether lesion 5 is new (not evaluable); it was not counted" in facts[1].missing
    assert "lesion 2 at this visit (not seen)" in facts[1].missing
    answers = assess_recist(facts)
    assert [answer.category for answer in answers] == ["baseline", "PD", "PD"]
    assert answers[0].figures["sum_mm"] == 50 and answers[2].figures["sum_mm"] == 25


def test_a_new_lesion_that_went_again_is_not_seen() -> None:
    facts = facts_from_timeline(
        timeline(([20.0, 20.0, 20.0], [None, MATCHED, MATCHED]), ([None, 9.0, None], [None, NEW, GONE]))
    )
    assert [answer.category for answer in assess_recist(facts)] == ["baseline", "PD", "SD"]


def test_the_persons_choice_and_words_win() -> None:
    course = timeline(([20.0, 20.0, 20.0], [None, MATCHED, MATCHED]), ([12.0, 30.0, 30.0], [None, MATCHED, MATCHED]))
    words = ReaderWords(organs={1: "liver"}, nodes={2}, states={(2, 2): LesionState.PROGRESSED})
    lesions = baseline_lesions(course, words)
    assert [(one.organ, one.is_node) for one in lesions] == [("liver", False), ("lung nodule", True)]
    proposed = propose_targets(lesions)
    assert (proposed.targets, proposed.non_targets) == ((1,), ())
    choice = edited_choice(proposed, lesions, targets={1}, non_targets={2})
    answers = assess_recist(facts_from_timeline(course, choice, words=words))
    assert [answer.category for answer in answers] == ["baseline", "SD", "PD"]
    assert answers[2].row == "pd-non-target"
