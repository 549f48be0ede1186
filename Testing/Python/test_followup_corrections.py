"""What a person says of a timeline: applied, undone, redone, kept through a file and a re-run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from followup_records import nodule
from hypothesis import given, settings
from hypothesis import strategies as st
from test_followup_many_visits import at, follow, lesion_of, made, many_visits, statuses

from AIImagingLogic.followup.corrected_timeline import can_redo, can_undo, redo, undo, with_correction
from AIImagingLogic.followup.corrections import (
    break_link,
    confirm_link,
    join_lesions,
    mark_new,
    mark_resolved,
    not_a_lesion,
)
from AIImagingLogic.followup.track_corrections import CorrectionError
from AIImagingLogic.records.correction import Correction
from AIImagingLogic.records.finding import ReviewStatus
from AIImagingLogic.records.json_form import load_record, save_record
from AIImagingLogic.records.timeline import LinkStatus, Timeline

M, N, R, S = LinkStatus.MATCHED, LinkStatus.NEW, LinkStatus.RESOLVED, LinkStatus.NOT_SEEN


def three_visits() -> Timeline:
    """Lesion `a` through all; `b` only first, `c` only last, 25 mm apart; `d` a false mark."""
    return follow(
        [at("a", 0, (0, 0, -20), 12.0), at("b", 0, (40, 0, -20))],
        [at("a", 1, (0, 0, -20), 12.0), at("d", 1, (-40, 0, -20), 6.0)],
        [at("a", 2, (0, 0, -20), 12.0), at("c", 2, (40, 25, -20))],
    )


def number_of(timeline: Timeline, uid: str) -> int:
    return lesion_of(timeline, uid).number


def test_a_broken_link_makes_two_lesions_the_first_keeps_number_and_uid() -> None:
    before = three_visits()
    after = with_correction(before, break_link(before, number_of(before, "a0"), 2))
    head, tail = lesion_of(after, "a1"), lesion_of(after, "a2")
    assert (head.observations, statuses(head)) == (("a0", "a1", None), [None, M, R])
    assert (tail.observations, statuses(tail)) == ((None, None, "a2"), [None, None, N])
    old = lesion_of(before, "a0")
    assert (head.number, head.uid, head.colour) == (old.number, old.uid, old.colour)
    assert tail.number == len(before.lesions) + 1
    assert tail.uid != head.uid


def test_two_lesions_joined_are_one_and_the_gap_between_them_is_a_missed_visit() -> None:
    before = three_visits()
    b, c = number_of(before, "b0"), number_of(before, "c2")
    after = with_correction(before, join_lesions(before, c, b))
    joined = lesion_of(after, "c2")
    assert (joined.observations, joined.number) == (("b0", None, "c2"), b)
    assert statuses(joined) == [None, S, M]
    assert joined.steps[2].by_hand
    assert joined.changes
    assert c not in {lesion.number for lesion in after.lesions}


def test_a_confirmed_link_is_sure_and_no_longer_ambiguous_and_another_one_can_be_confirmed_instead() -> None:
    before = follow([at("a", 0, (0, 0, 0))], [at("b", 1, (0, 6, 0)), at("c", 1, (0, -6.1, 0))])
    number = number_of(before, "a0")
    assert lesion_of(before, "b1").number == number
    assert lesion_of(before, "a0").ambiguous
    right = with_correction(before, confirm_link(before, number, 1))
    assert lesion_of(right, "a0").steps[1].confidence == 1.0
    assert not lesion_of(right, "a0").ambiguous
    other = with_correction(before, confirm_link(before, number_of(before, "c1"), 1, other=number))
    assert lesion_of(other, "a0").observations == ("a0", "c1")
    assert lesion_of(other, "a0").number == number
    assert lesion_of(other, "b1").observations == (None, "b1")


def test_what_is_no_lesion_leaves_the_timeline_and_is_marked_as_rejected() -> None:
    before = three_visits()
    after = with_correction(before, not_a_lesion(before, number_of(before, "d1")))
    assert len(after.lesions) == len(before.lesions) - 1
    rejected = after.visits[1].finding("d1")
    assert rejected is not None
    assert rejected.review is ReviewStatus.REJECTED
    assert any("rejected" in note for note in after.notes)
    assert undo(after).notes == before.notes


def test_new_and_resolved_by_hand_cut_the_lesion_there() -> None:
    before = three_visits()
    number = number_of(before, "a0")
    new = with_correction(before, mark_new(before, number, 1))
    assert lesion_of(new, "a1").observations == (None, "a1", "a2")
    assert statuses(lesion_of(new, "a1")) == [None, N, M]
    assert lesion_of(new, "a1").steps[1].by_hand
    gone = with_correction(before, mark_resolved(before, number, 2))
    assert statuses(lesion_of(gone, "a0")) == [None, M, R]
    assert lesion_of(gone, "a2").observations == (None, None, "a2")


def test_a_part_can_be_told_from_its_whole() -> None:
    before = follow([nodule("w", (0, 0, 0), 18.0)], [at("p", 1, (-5, 0, 0), 9.0), at("q", 1, (6, 0, 0), 7.0)])
    part = lesion_of(before, "q1")
    assert part.part_of is not None
    after = with_correction(before, break_link(before, part.number, 1))
    assert lesion_of(after, "q1").status is N
    assert lesion_of(after, "q1").number == part.number


def test_corrections_that_do_not_fit_say_why_and_change_nothing() -> None:
    timeline = three_visits()
    a, b = number_of(timeline, "a0"), number_of(timeline, "b0")
    for words, wrong in (
        ("both lesions were seen at the baseline", lambda: join_lesions(timeline, a, b)),
        ("no lesion 99", lambda: not_a_lesion(timeline, 99)),
        ("was not seen before", lambda: break_link(timeline, a, 0)),
        ("nothing can be new", lambda: mark_new(timeline, a, 0)),
        ("was not seen at that visit", lambda: confirm_link(timeline, b, 1)),
    ):
        with pytest.raises(CorrectionError, match=f"(?i){words}"):
            wrong()
    broken = break_link(timeline, a, 2)
    once = with_correction(timeline, broken)
    with pytest.raises(CorrectionError, match="no link"):
        with_correction(once, broken)
    with pytest.raises(CorrectionError, match="undo"):
        undo(timeline)


def test_undo_and_redo_give_back_the_same_timelines_through_a_file_too(tmp_path: Path) -> None:
    states = [three_visits()]
    when = datetime(2026, 5, 1, 8, 30)
    for uid, make in (("a0", break_link), ("d1", not_a_lesion)):
        last = states[-1]
        arguments = (2,) if make is break_link else ()
        states.append(with_correction(last, make(last, number_of(last, uid), *arguments, who="AB", when=when)))
    save_record(states[-1], tmp_path / "timeline.json")
    current = load_record(Timeline, tmp_path / "timeline.json")
    assert current.to_json() == states[-1].to_json()
    assert current.corrections[0].when == when
    for state in reversed(states[:-1]):
        current = undo(current)
        assert same(current, state)
    assert not can_undo(current)
    for state in states[1:]:
        current = redo(current)
        assert same(current, state)
    assert not can_redo(current)
    assert Correction.from_json(current.corrections[0].to_json()) == current.corrections[0]


def test_a_lesion_that_was_corrected_before_can_still_be_rejected() -> None:
    before = three_visits()
    once = with_correction(before, break_link(before, number_of(before, "a0"), 2))
    twice = with_correction(once, not_a_lesion(once, number_of(once, "a2")))
    assert lesion_of(twice, "a0").observations == ("a0", "a1", None)
    assert not any("could not" in note for note in twice.notes)
    assert same(undo(twice), once)


def test_a_new_correction_after_an_undo_forgets_what_was_undone() -> None:
    before = three_visits()
    after = undo(with_correction(before, not_a_lesion(before, number_of(before, "d1"))))
    assert can_redo(after)
    assert not can_redo(with_correction(after, not_a_lesion(after, number_of(after, "b0"))))


def test_corrections_are_applied_again_after_a_re_run_with_a_further_visit() -> None:
    before = three_visits()
    number = number_of(before, "a0")
    corrected = with_correction(before, break_link(before, number, 2))
    corrected = with_correction(corrected, not_a_lesion(corrected, number_of(corrected, "d1")))
    tail = lesion_of(corrected, "a2")
    plain = [list(visit.findings) for visit in before.visits]
    again = follow(*plain, [at("a", 3, (0, 0, -20), 12.0), at("e", 3, (-40, -30, -20), 20.0)], previous=corrected)
    assert lesion_of(again, "a0").observations == ("a0", "a1", None, None)
    assert lesion_of(again, "a0").number == number
    assert lesion_of(again, "a3").observations == (None, None, "a2", "a3")
    assert (lesion_of(again, "a3").number, lesion_of(again, "a3").uid) == (tail.number, tail.uid)
    assert all("d1" not in lesion.observations for lesion in again.lesions)
    assert lesion_of(again, "e3").number == max(lesion.number for lesion in again.lesions)


def test_a_correction_whose_finding_is_gone_after_a_re_run_is_told() -> None:
    before = three_visits()
    corrected = with_correction(before, break_link(before, number_of(before, "a0"), 2))
    plain = [[entry for entry in visit.findings if not entry.uid.startswith("a")] for visit in before.visits]
    again = follow(*plain, previous=corrected)
    assert any("could not be applied" in note for note in again.notes)


def same(first: Timeline, second: Timeline) -> bool:
    """Whether two timelines say the same; what could be undone or redone is compared by the tests themselves."""
    plain = [dataclasses.replace(entry, corrections=(), undone=(), registrations=()) for entry in (first, second)]
    return plain[0] == plain[1]


operations = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 4)), max_size=6)


@settings(deadline=None, max_examples=60)
@given(many_visits, operations)
def test_undo_restores_every_state_and_each_finding_stays_in_one_lesion(places: list, wanted: list) -> None:
    states = [follow(*made(places))]
    for kind, which, visit in wanted:
        timeline = states[-1]
        numbers = [lesion.number for lesion in timeline.lesions]
        if not numbers:
            break
        number, other = numbers[which % len(numbers)], numbers[(which + 1) % len(numbers)]
        index = visit % len(timeline.visits)
        make: Callable[[], Correction] = (
            partial(confirm_link, timeline, number, index),
            partial(break_link, timeline, number, index),
            partial(join_lesions, timeline, number, other),
            partial(not_a_lesion, timeline, number),
            partial(mark_new, timeline, number, index),
            partial(mark_resolved, timeline, number, index),
        )[kind]
        try:
            states.append(with_correction(timeline, make()))
        except CorrectionError:
            continue
    for state in states:
        kept = [entry.uid for visit in state.visits for entry in visit.findings if entry.review.value != "rejected"]
        seen = [uid for lesion in state.lesions for uid in lesion.observations if uid is not None]
        assert sorted(seen) == sorted(kept)
        assert len({lesion.number for lesion in state.lesions}) == len(state.lesions)
        assert len({lesion.uid for lesion in state.lesions}) == len(state.lesions)
    current = states[-1]
    for state in reversed(states[:-1]):
        current = undo(current)
        assert same(current, state)
