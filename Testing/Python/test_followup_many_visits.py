"""Timelines of many visits: lesions chained, missed ones found again, parts, and what cannot be told."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import numpy as np
import pytest
import SimpleITK as sitk
from followup_records import breathing_transform, nodule, provenance, registration, visit
from hypothesis import given, settings
from hypothesis import strategies as st

from AIImagingLogic.followup.timeline import make_timeline
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.timeline import Lesion, LinkStatus, Timeline

M, N, R, X, S = (
    LinkStatus.MATCHED,
    LinkStatus.NEW,
    LinkStatus.RESOLVED,
    LinkStatus.NOT_EVALUABLE,
    LinkStatus.NOT_SEEN,
)
FIRST = datetime(2024, 1, 10, 9, 0)
SHIFT = (6.0, -4.0, 9.0)


def follow(*findings: list[Finding], gaps: tuple[int, ...] = (), previous: Timeline | None = None) -> Timeline:
    """Visits half a year apart; each is shifted by `SHIFT` against the one before. `gaps`: no registration there."""
    labels = ["baseline", *(f"follow-up {number}" for number in range(1, len(findings)))]
    visits = tuple(
        visit(label, *entries, acquired=FIRST + timedelta(days=182 * index))
        for index, (label, entries) in enumerate(zip(labels, findings))
    )
    shift = sitk.TranslationTransform(3, SHIFT)
    registrations = tuple(None if index in gaps else registration(shift) for index in range(len(visits) - 1))
    return make_timeline(visits, registrations, provenance(), previous=previous)


def at(name: str, index: int, place: tuple[float, float, float], diameter: float = 8.0, **more: object) -> Finding:
    """A nodule that lies at `place` of the first visit's space, as visit `index` shows it."""
    return nodule(f"{name}{index}", np.add(place, np.multiply(index, SHIFT)).tolist(), diameter, **more)  # type: ignore[arg-type]


def lesion_of(timeline: Timeline, uid: str) -> Lesion:
    return next(lesion for lesion in timeline.lesions if uid in lesion.observations)


def statuses(lesion: Lesion) -> list[LinkStatus | None]:
    return [step.status for step in lesion.steps]


def test_a_lesion_seen_at_every_visit_is_one_with_its_change_from_first_to_last() -> None:
    timeline = follow(*([at("a", index, (0, 0, -20), 6.0 + index)] for index in range(5)))
    (lesion,) = timeline.lesions
    assert lesion.observations == ("a0", "a1", "a2", "a3", "a4")
    assert statuses(lesion) == [None, M, M, M, M]
    change = lesion.change("mean_diameter")
    assert change is not None
    assert (change.before, change.after) == (6.0, 10.0)


def test_a_lesion_missed_at_a_visit_and_seen_again_is_one_lesion() -> None:
    place = (10.0, 10.0, -20.0)
    timeline = follow([at("a", 0, place)], [], [], [at("a", 3, place)])
    (lesion,) = timeline.lesions
    assert lesion.observations == ("a0", None, None, "a3")
    assert statuses(lesion) == [None, S, S, M]
    assert lesion.steps[3].since == 0
    assert lesion.expected_mm[1] == pytest.approx(np.add(place, SHIFT))
    assert "again at the follow-up 3" in lesion.steps[1].reason


def test_a_lesion_that_is_gone_stays_gone_and_one_elsewhere_is_new() -> None:
    timeline = follow([at("a", 0, (0, 0, -20))], [], [at("b", 2, (0, 40, -20))])
    assert statuses(lesion_of(timeline, "a0")) == [None, R, R]
    assert statuses(lesion_of(timeline, "b2")) == [None, None, N]


def test_a_place_that_a_visit_does_not_show_is_not_evaluable_there_and_the_lesion_is_found_again() -> None:
    """The grid ends at 98.75 mm; visit 1 is cut 60 mm lower."""
    place = (0.0, 0.0, 60.0)
    base = follow([at("a", 0, place)], [], [at("a", 2, place)])
    low = dataclasses.replace(
        base.visits[1], info=dataclasses.replace(base.visits[1].info, origin_mm=(-100.0, -90.0, -160.0))
    )
    visits = (base.visits[0], low, base.visits[2])
    (lesion,) = make_timeline(visits, base.registrations, provenance()).lesions
    assert statuses(lesion) == [None, X, M]
    assert not lesion.steps[1].evaluable
    # Without the last visit nothing may be said of it; seen for the first time after such a visit it is not new.
    (alone,) = make_timeline(visits[:2], base.registrations[:1], provenance()).lesions
    assert alone.status is X
    (later,) = make_timeline(visits[1:], base.registrations[1:], provenance()).lesions
    assert later.status is X


def test_near_the_edge_a_lesion_is_not_called_resolved_when_the_registration_may_be_off_by_that_much() -> None:
    def gone(z: float) -> LinkStatus:
        return follow([nodule("a", (0.0, 0.0, z - SHIFT[2]))], []).lesions[0].status

    # 98.75 mm less a radius of 4 mm and twice 2.5 mm.
    assert gone(89.5) is R
    assert gone(90.0) is X


def test_across_a_missing_registration_nothing_is_linked_new_or_resolved() -> None:
    place = (0.0, 0.0, -20.0)
    timeline = follow(*([at("a", index, place)] for index in range(4)), gaps=(1,))
    assert sorted(str(lesion.observations) for lesion in timeline.lesions) == [
        "('a0', 'a1', None, None)",
        "(None, None, 'a2', 'a3')",
    ]
    assert statuses(lesion_of(timeline, "a0")) == [None, M, X, X]
    assert statuses(lesion_of(timeline, "a2")) == [None, None, X, M]
    assert "no registration" in lesion_of(timeline, "a0").reason


def test_a_lesion_that_splits_keeps_its_number_and_its_part_names_it() -> None:
    whole = at("w", 0, (0, 0, 0), 18.0), at("w", 1, (0, 0, 0), 18.0)
    parts = [[at("p", index, (-5, 0, 0), 9.0), at("q", index, (6, 0, 0), 7.0)] for index in (2, 3)]
    timeline = follow([whole[0]], [whole[1]], *parts)
    kept, part = lesion_of(timeline, "w0"), lesion_of(timeline, "q2")
    assert kept.observations == ("w0", "w1", "p2", "p3")
    assert statuses(kept) == [None, M, LinkStatus.SPLIT, M]
    assert (part.observations, statuses(part)) == ((None, None, "q2", "q3"), [None, None, LinkStatus.SPLIT, M])
    assert part.part_of == kept.number
    assert kept.changes == ()  # a part against the whole is no change


def test_a_lesion_that_merged_names_the_one_that_it_went_into_and_is_not_resolved_later() -> None:
    parts = [at("p", 0, (-5, 0, 0), 9.0), at("q", 0, (6, 0, 0), 7.0)]
    timeline = follow(parts, [at("w", 1, (0, 0, 0), 18.0)], [at("w", 2, (0, 0, 0), 18.0)])
    kept, gone = lesion_of(timeline, "p0"), lesion_of(timeline, "q0")
    assert kept.observations == ("p0", "w1", "w2")
    assert statuses(gone) == [None, LinkStatus.MERGED, LinkStatus.MERGED]
    assert gone.merged_into == kept.number


def test_a_link_with_a_rival_as_good_is_ambiguous_and_names_it() -> None:
    between = follow([at("a", 0, (0, 0, 0))], [at("b", 1, (0, 6, 0)), at("c", 1, (0, -6.1, 0))])
    step = lesion_of(between, "a0").steps[1]
    assert step.confidence is not None
    assert step.confidence < 0.6
    assert step.ambiguous
    assert "'c1' of the follow-up 1" in step.reason
    clear = follow([at("a", 0, (0, 0, 0))], [at("b", 1, (0, 0, 0)), at("c", 1, (40, 0, 0))])
    assert lesion_of(clear, "a0").steps[1].confidence == pytest.approx(1.0, abs=0.02)
    assert not lesion_of(clear, "a0").ambiguous


def test_numbers_colours_and_uids_are_kept_when_a_visit_is_added() -> None:
    growing = [[at("small", index, (0, 0, -20), 5.0), at("large", index, (0, 40, -20), 12.0)] for index in range(2)]
    before = follow(*growing)
    later = [at("small", 2, (0, 0, -20), 20.0), at("large", 2, (0, 40, -20), 12.0), at("third", 2, (50, 0, -20), 25.0)]
    after = follow(*growing, later, previous=before)
    for name in ("small0", "large0"):
        old, new = lesion_of(before, name), lesion_of(after, name)
        assert (old.number, old.colour, old.uid) == (new.number, new.colour, new.uid)
    assert lesion_of(after, "third2").number == 3
    # Without the earlier timeline the most suspicious comes first.
    assert lesion_of(follow(*growing, later), "third2").number == 1


def test_numbers_are_kept_when_a_re_run_finds_a_lesion_a_little_elsewhere_and_are_never_given_again() -> None:
    before = follow([at("a", 0, (0, 0, -20), 12.0), at("b", 0, (40, 0, -20))], [])
    after = follow([at("other", 0, (41.5, 0, -20), 8.0), at("third", 0, (-40, 0, -20), 9.0)], [], previous=before)
    assert lesion_of(after, "other0").number == lesion_of(before, "b0").number
    assert lesion_of(after, "other0").uid == lesion_of(before, "b0").uid
    assert lesion_of(after, "third0").number == 3
    again = follow([at("a", 0, (0, 0, -20), 12.0)], [], previous=after)
    assert lesion_of(again, "a0").number == lesion_of(before, "a0").number


def test_numbers_of_a_result_of_before_lesions_had_uids_are_kept_too() -> None:
    findings = [at("a", 0, (0, 0, -20), 6.0), at("b", 0, (0, 40, -20), 12.0)], [at("a", 1, (0, 0, -20), 6.0)]
    plain = follow(*findings)
    old = dataclasses.replace(
        plain,
        lesions=tuple(dataclasses.replace(lesion, number=lesion.number + 3, uid="") for lesion in plain.lesions),
        identities=(),
    )
    again = follow(*findings, previous=old)
    assert [lesion.number for lesion in again.lesions] == [lesion.number + 3 for lesion in plain.lesions]
    assert [lesion.uid for lesion in again.lesions] == [lesion.uid for lesion in plain.lesions]


def test_remarks_on_findings_stand_in_the_reasons_of_their_lesions() -> None:
    base = follow([at("a", 0, (0, 0, -20))], [at("a", 1, (0, 0, -20)), at("b", 1, (0, 40, -20))])
    said = make_timeline(base.visits, base.registrations, provenance(), remarks={"a0": "Looked for."})
    assert lesion_of(said, "a0").reason == f"{lesion_of(base, 'a0').reason} Looked for."
    assert lesion_of(said, "b1").reason == lesion_of(base, "b1").reason


centers = st.tuples(*(st.integers(-60, 60).map(float) for _ in range(3)))
one_visit = st.lists(st.tuples(centers, st.floats(4, 20)), min_size=0, max_size=5, unique_by=lambda entry: entry[0])
many_visits = st.lists(one_visit, min_size=2, max_size=5)


def made(places: list[list[tuple[tuple[float, float, float], float]]]) -> list[list[Finding]]:
    # Sizes differ a little, so that no two assignments cost the same.
    return [
        [nodule(f"{index}.{n}", center, size + 0.013 * n + 0.0017 * index) for n, (center, size) in enumerate(entries)]
        for index, entries in enumerate(places)
    ]


def meaning(timeline: Timeline) -> set[tuple[object, ...]]:
    return {(lesion.observations, tuple(statuses(lesion)), lesion.number) for lesion in timeline.lesions}


@settings(deadline=None, max_examples=60)
@given(many_visits, st.randoms())
def test_every_finding_is_in_one_lesion_and_their_order_does_not_matter(places: list, random: object) -> None:
    findings = made(places)
    timeline = follow(*findings)
    seen = [uid for lesion in timeline.lesions for uid in lesion.observations if uid is not None]
    assert sorted(seen) == sorted(finding.uid for entries in findings for finding in entries)
    assert len({lesion.uid for lesion in timeline.lesions}) == len(timeline.lesions)
    for entries in findings:
        random.shuffle(entries)  # type: ignore[attr-defined]
    assert meaning(follow(*findings)) == meaning(timeline)


@settings(deadline=None, max_examples=60)
@given(many_visits, st.integers(-40, 40))
def test_a_lesion_whose_place_a_visit_does_not_show_is_never_resolved_there(places: list, cut: int) -> None:
    timeline = follow(*made(places))
    origin = (-100.0, -90.0, -100.0 - 2.5 * cut)
    last = timeline.visits[-1]
    visits = (*timeline.visits[:-1], dataclasses.replace(last, info=dataclasses.replace(last.info, origin_mm=origin)))
    top = origin[2] + 79.5 * 2.5
    for lesion in make_timeline(visits, timeline.registrations, provenance()).lesions:
        expected = lesion.expected_mm[-1]
        if lesion.status is R and expected is not None:
            assert origin[2] - 1.25 + 2 <= expected[2] <= top - 2
        for step in lesion.steps:
            assert step.evaluable or step.status is not R


def test_points_are_carried_over_several_visits_and_back_through_deformations() -> None:
    from AIImagingLogic.followup.visit_spaces import VisitSpaces

    down, up = breathing_transform(), breathing_transform(sign=-0.5)
    spaces = VisitSpaces((registration(down), registration(up)))
    places = np.array([(10.0, 5.0, -30.0), (-40.0, 20.0, 30.0)])
    there, known = spaces.carried(0, 2, places)
    assert known.all()
    assert there[0] == pytest.approx(up.TransformPoint(down.TransformPoint(places[0].tolist())))
    back, known = spaces.carried(2, 0, there)
    assert known.all()
    assert np.abs(back - places).max() < 0.01
    assert spaces.error_mm(0, 2) == pytest.approx(2.5 * np.sqrt(2))
