"""Targets are proposed by the rule; a person's choice wins, and says what it does not keep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from AIImagingLogic.followup.criteria.facts import FactsError, LesionObservation
from AIImagingLogic.followup.criteria.target_choice import TargetChoice, edited_choice, propose_targets


def lesion(
    number: int, organ: str, longest: float, short: float | None = None, node: bool = False
) -> LesionObservation:
    return LesionObservation(number, organ, node, longest_mm=longest, short_axis_mm=short)


def test_every_organ_is_represented_before_a_second_lesion_of_one() -> None:
    lesions = [
        lesion(1, "liver", 60), lesion(2, "liver", 50), lesion(3, "liver", 40), lesion(4, "lung", 12),
        lesion(5, "bone", 11), lesion(6, "adrenal", 10), lesion(7, "brain", 10), lesion(8, "kidney", 10),
    ]  # fmt: skip
    choice = propose_targets(lesions, slice_thickness_mm=5)
    assert choice.targets == (1, 4, 5, 6, 7)
    assert choice.non_targets == (2, 3, 8)
    assert "at most 5 targets and 2 an organ" in choice.reasons["2"]


def test_no_more_than_two_an_organ_and_all_nodes_are_one() -> None:
    lesions = [lesion(n, "", 30, 15 + n, node=True) for n in (1, 2, 3)] + [lesion(n, "Liver ", 20 + n) for n in (4, 5)]
    lesions.append(lesion(6, "liver", 80))
    assert propose_targets(lesions, slice_thickness_mm=1).targets == (2, 3, 5, 6)


@pytest.mark.parametrize(
    ("one", "slices", "role"),
    [
        (lesion(1, "lung", 9.9), 1.0, "non-target"), (lesion(1, "lung", 10.0), 5.0, "target"),
        (lesion(1, "lung", 10.1), 1.0, "target"), (lesion(1, "lung", 11.9), 6.0, "non-target"),
        (lesion(1, "lung", 12.0), 6.0, "target"), (lesion(1, "lung", 10.0), None, "target"),
        (lesion(1, "", 30, 14.9, True), 1.0, "non-target"), (lesion(1, "", 30, 15.0, True), 1.0, "target"),
        (lesion(1, "", 30, 10.0, True), 1.0, "non-target"), (lesion(1, "", 30, 9.9, True), 1.0, "normal"),
        (LesionObservation(1, "lung"), 1.0, "non-target"),
    ],
)  # fmt: skip
def test_recist_limits(one: LesionObservation, slices: float | None, role: str) -> None:
    choice = propose_targets([one], slice_thickness_mm=slices)
    found = "target" if choice.targets else "non-target" if choice.non_targets else "normal"
    assert found == role
    assert bool(choice.notes) == (slices is None)


def test_lugano_takes_six_whatever_the_organ_and_percist_the_hottest() -> None:
    nodes = [lesion(n, "neck", 15.0 + n, 10.0, node=True) for n in range(8)]
    assert propose_targets(nodes, "lugano-ct").targets == (2, 3, 4, 5, 6, 7)
    hot = [LesionObservation(n, "lung", sul_peak=float(n)) for n in (1, 2, 3)]
    assert propose_targets(hot, "percist-1.0").targets == (2, 3)


def test_a_persons_choice_wins_and_says_what_it_does_not_keep() -> None:
    lesions = [lesion(n, "liver", 9.0 + n) for n in range(4)]
    choice = propose_targets(lesions, slice_thickness_mm=1)
    assert choice.targets == (2, 3)
    edited = edited_choice(choice, lesions, targets={0, 1, 2}, non_targets={3}, slice_thickness_mm=1)
    assert (edited.targets, edited.non_targets, edited.by_person) == ((0, 1, 2), (3,), True)
    assert [note.split(";")[0] for note in edited.notes] == [
        "3 targets in liver",
        "Target 0 is no target by the rule: longest diameter below 10 mm.",
    ]
    assert TargetChoice.from_json(edited.to_json()) == edited
    with pytest.raises(FactsError, match="both"):
        edited_choice(choice, lesions, targets={1}, non_targets={1})
    with pytest.raises(FactsError, match="not there"):
        edited_choice(choice, lesions, targets={9}, non_targets=())


LESIONS = st.builds(
    LesionObservation,
    number=st.integers(1, 99),
    organ=st.sampled_from(["", "liver", "lung", "bone", "brain"]),
    is_node=st.booleans(),
    longest_mm=st.one_of(st.none(), st.floats(0, 80)),
    short_axis_mm=st.one_of(st.none(), st.floats(0, 80)),
)


@given(st.lists(LESIONS, max_size=15, unique_by=lambda one: one.number), st.randoms())
def test_the_proposal_keeps_the_rule_and_does_not_depend_on_the_order(lesions, random) -> None:
    choice = propose_targets(lesions, slice_thickness_mm=2.5)
    shuffled = random.sample(lesions, len(lesions))
    again = propose_targets(shuffled, slice_thickness_mm=2.5)
    assert (again.targets, again.non_targets) == (choice.targets, choice.non_targets)
    assert len(choice.targets) <= 5
    organs = ["nodes" if one.is_node else one.organ for one in lesions if one.number in choice.targets]
    assert all(organs.count(organ) <= 2 for organ in organs)
    assert not set(choice.targets) & set(choice.non_targets)
    # Editing to what was proposed raises no objection.
    assert edited_choice(choice, lesions, choice.targets, choice.non_targets, slice_thickness_mm=2.5).notes == ()
