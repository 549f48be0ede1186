"""Response at every visit of a patient: nadir, NE, reappearance, confirmation and reset, worked by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from AIImagingLogic.followup.criteria.criteria_table import criteria_table
from AIImagingLogic.followup.criteria.facts import FactsError, LesionObservation, LesionState, VisitFacts
from AIImagingLogic.followup.criteria.irecist import assess_irecist
from AIImagingLogic.followup.criteria.lugano import assess_lugano
from AIImagingLogic.followup.criteria.percist import assess_percist
from AIImagingLogic.followup.criteria.recist import assess_recist
from AIImagingLogic.followup.criteria.response import ResponseAssessment, best_response

START = datetime(2025, 1, 1)
GONE, UNSEEN, PROGRESSED = LesionState.GONE, LesionState.NOT_EVALUATED, LesionState.PROGRESSED


def visit(
    week: int | None, *longest: float | None, new: Sequence[float] = (), others: Any = (), **more: Any
) -> VisitFacts:
    """A visit with targets 1, 2, ... of these longest diameters (None: not evaluated, 0: gone)."""
    return VisitFacts(
        date=None if week is None else START + timedelta(weeks=week),
        targets=tuple(
            LesionObservation(
                n, f"organ {n}", state=UNSEEN if mm is None else GONE if mm == 0 else LesionState.PRESENT, longest_mm=mm
            )
            for n, mm in enumerate(longest, 1)
        ),
        non_targets=tuple(LesionObservation(50 + n, "liver", state=state) for n, state in enumerate(others)),
        new_lesions=tuple(LesionObservation(90 + n, f"new {n}", longest_mm=mm) for n, mm in enumerate(new)),
        **more,
    )


def categories(answers: Sequence[ResponseAssessment]) -> list[str]:
    return [answer.category for answer in answers[1:]]


def test_recist_progression_counts_from_the_nadir_and_response_from_the_baseline() -> None:
    answers = assess_recist([visit(n, mm) for n, mm in enumerate([100, 70, 50, 59.9, 60, 69])])
    assert categories(answers) == ["PR", "PR", "PR", "PD", "PD"]
    last = answers[-1]
    assert last.figures["nadir_sum_mm"] == 50 and last.figures["change_from_nadir_percent"] == 38
    assert last.row == "pd-target" and last.parts["targets"] == "PD (target-pd)"
    assert "+38.0%" in last.reason
    best = best_response(answers, criteria_table("recist-1.1"))
    assert best is not None and (best.visit, best.category) == (1, "PR")


def test_recist_limit_is_met_exactly_whatever_the_binary_form_of_the_numbers() -> None:
    # (7.21 - 10.3) / 10.3 is -0.29999999999999993 in floating point.
    assert categories(assess_recist([visit(0, 10.3), visit(1, 7.21)])) == ["PR"]
    assert categories(assess_recist([visit(0, 0.1, 0.2, 30), visit(1, 0.1, 0.2, 36.06)])) == ["PD"]


def test_recist_a_target_that_was_not_measured_gives_ne_unless_progression_is_certain() -> None:
    visits = [visit(0, 30, 30), visit(1, 30, None), visit(2, 73, None), visit(3, None, None, new=[5])]
    answers = assess_recist(visits)
    assert categories(answers) == ["NE", "PD", "PD"]
    assert answers[2].parts["targets"] == "PD (target-pd-at-least)"
    assert answers[1].missing[0] == "the diameter of target 2"
    # An incomplete sum is no nadir.
    assert categories(assess_recist([visit(0, 30, 30), visit(1, 30, None), visit(2, 30, 30)])) == ["NE", "SD"]


def test_recist_normal_nodes_are_a_complete_response_with_a_sum_above_zero() -> None:
    def node(mm: float) -> VisitFacts:
        return VisitFacts(targets=(LesionObservation(1, is_node=True, short_axis_mm=mm, longest_mm=40),))

    answers = assess_recist([node(20), node(9.9), node(10)])
    assert categories(answers) == ["CR", "PD"]
    assert answers[1].figures["sum_mm"] == 9.9
    assert answers[2].row == "pd-reappeared"


def test_recist_too_small_counts_as_five_but_a_measured_size_as_measured() -> None:
    small = LesionObservation(1, state=LesionState.TOO_SMALL)
    measured = LesionObservation(1, state=LesionState.TOO_SMALL, longest_mm=3)
    sums = [assess_recist([visit(0, 20), VisitFacts(targets=(one,))])[1].figures["sum_mm"] for one in (small, measured)]
    assert sums == [5, 3]


def test_recist_non_targets_alone() -> None:
    present = LesionState.PRESENT
    visits = [visit(n, others=[state]) for n, state in enumerate([present, present, UNSEEN, GONE, present, PROGRESSED])]
    rows = [answer.row for answer in assess_recist(visits)[1:]]
    assert rows == ["non-cr-non-pd", "ne-non-target-only", "cr-non-target-only", "pd-reappeared", "pd-non-target"]
    high = [visit(0, others=[present]), visit(1, others=[GONE], markers_above_normal=True)]
    assert categories(assess_recist(high)) == ["Non-CR/non-PD"]


@pytest.mark.parametrize(
    ("sums", "weeks", "expected"),
    [
        ([100, 120, 124.9], [0, 8, 12], ["iUPD", "iUPD"]),
        ([100, 120, 125], [0, 8, 12], ["iUPD", "iCPD"]),
        ([100, 120, 125], [0, 8, 11], ["iUPD", "iUPD"]),  # 3 weeks: too early
        ([100, 120, 124, 125], [0, 8, 12, 16], ["iUPD", "iUPD", "iCPD"]),  # smaller rises add up
        ([100, 120, 119, 118, 150], [0, 8, 12, 16, 20], ["iUPD", "iSD", "iSD", "iUPD"]),  # reset
        ([100, 120, None, 125], [0, 8, 12, 16], ["iUPD", "NE", "iCPD"]),  # NE does not reset
        ([100, 120, 70, 90, 95], [0, 8, 12, 16, 20], ["iUPD", "iPR", "iUPD", "iCPD"]),
        ([100, 120, 130, 20], [0, 8, 12, 16], ["iUPD", "iCPD", "iCPD"]),  # confirmed stays
    ],
)
def test_irecist_confirmation_and_reset_by_targets(sums: list, weeks: list[int], expected: list[str]) -> None:
    answers = assess_irecist([visit(week, mm) for week, mm in zip(weeks, sums)])
    assert categories(answers) == expected
    assert all(bool(answer.next_step) == (answer.category == "iUPD") for answer in answers)


def test_irecist_new_lesions_stay_out_of_the_sum_and_confirm_by_size_or_number() -> None:
    def course(*new: Sequence[float]) -> list[str]:
        visits = [visit(0, 50), *(visit(8 + 5 * n, 50, new=sizes) for n, sizes in enumerate(new))]
        answers = assess_irecist(visits)
        assert all(answer.figures["sum_mm"] == 50 for answer in answers)
        return categories(answers)

    assert course([12], [16.9]) == ["iUPD", "iUPD"]
    assert course([12], [17]) == ["iUPD", "iCPD"]
    assert course([12], [12, 4]) == ["iUPD", "iCPD"]
    assert course([12], []) == ["iUPD", "iSD"]


def test_irecist_progression_in_another_kind_of_lesion_confirms() -> None:
    answers = assess_irecist([visit(0, 50), visit(8, 60), visit(13, 60, new=[12])])
    assert (answers[2].category, answers[2].row) == ("iCPD", "icpd-other-kind")


def test_irecist_response_beside_a_new_lesion_that_did_not_grow_and_what_follows() -> None:
    visits = [visit(0, 100), visit(8, 90, new=[12]), visit(13, 70, new=[12]), visit(18, 70, new=[12])]
    visits += [visit(23, 70, new=[17]), visit(28, 70, new=[22])]
    answers = assess_irecist(visits)
    assert categories(answers) == ["iUPD", "iPR", "iPR", "iUPD", "iCPD"]
    # Response came before the new lesion: nothing got better since.
    before = [visit(0, 100), visit(4, 70), visit(8, 70, new=[12]), visit(13, 70, new=[12])]
    assert categories(assess_irecist(before)) == ["iPR", "iUPD", "iUPD"]


def test_irecist_without_dates_says_that_the_interval_was_not_checked() -> None:
    answers = assess_irecist([visit(None, 100), visit(None, 120), visit(None, 125)])
    assert answers[2].category == "iCPD"
    assert any("4 weeks were not checked" in text for text in answers[2].missing)


def pet(*sul: float | None, liver: float | None = 2.0, tlg: float | None = None, **more: Any) -> VisitFacts:
    state = {None: GONE}
    targets = tuple(
        LesionObservation(n, state=state.get(value, LesionState.PRESENT), sul_peak=value, tlg=tlg)
        for n, value in enumerate(sul, 1)
    )
    return VisitFacts(targets=targets, liver_sul_mean=liver, **more)


def test_percist_compares_the_hottest_lesion_of_each_scan() -> None:
    answers = assess_percist([pet(10, 4), pet(None, 7), pet(None, 7.1), pet(None, None), pet(2, 13)])
    assert categories(answers) == ["PMR", "SMD", "CMR", "PMD"]
    assert "lesion 2, SULpeak 7; at baseline lesion 1, 10 (-30.0%)" in answers[1].reason


def test_percist_scans_that_are_not_comparable_are_not_compared() -> None:
    assert categories(assess_percist([pet(10), pet(5, liver=2.3)])) == ["NE"]
    assert categories(assess_percist([pet(10), pet(5, liver=2.29)])) == ["PMR"]
    unknown = assess_percist([pet(10), pet(5, liver=None)])
    assert unknown[1].category == "PMR" and any("comparable" in text for text in unknown[1].missing)


def test_percist_recalled_limit_is_an_option_that_is_off() -> None:
    visits = [pet(3.3, liver_sul_sd=0.2), pet(1, liver_sul_sd=0.2)]
    off = assess_percist(visits)
    assert off[1].category == "PMR" and any("is off" in text for text in off[1].missing)
    on = assess_percist(visits, ["measurable_at_baseline"])
    assert (on[1].row, on[1].options) == ("ne-not-measurable", ("measurable_at_baseline",))


def nodes(*sizes: tuple[float, float], spleen: float | None = 120.0, **more: Any) -> VisitFacts:
    targets = tuple(
        LesionObservation(n, is_node=True, longest_mm=longest, short_axis_mm=short, state=LesionState.PRESENT)
        for n, (longest, short) in enumerate(sizes, 1)
    )
    return VisitFacts(targets=targets, spleen_mm=spleen, **more)


def test_lugano_one_node_that_grows_is_progression_while_the_sum_falls() -> None:
    answers = assess_lugano([nodes((60, 50), (20, 15)), nodes((20, 20), (25, 18))])
    assert answers[1].figures["change_from_baseline_percent"] < -50
    assert (answers[1].category, answers[1].row) == ("PD", "pd-lesion")
    assert answers[1].parts["lesion"] == "PD (lesion 2, lesion-up-to-20)"


def test_lugano_spleen_counts_by_its_excess() -> None:
    size = [(30, 30)]
    rows = [assess_lugano([nodes(*size, spleen=150), nodes(*size, spleen=mm)])[1].row for mm in (160, 160.1)]
    assert rows == ["sd", "pd-spleen"]
    small = [(20, 20)]
    answers = [assess_lugano([nodes(*size, spleen=150), nodes(*small, spleen=mm)])[1].category for mm in (140, 139.9)]
    assert answers == ["SD", "PR"]


def test_lugano_a_target_that_was_gone_and_grows_again_is_progression() -> None:
    visits = [nodes((30, 30)), nodes((0, 0)), nodes((15, 10)), nodes((15.1, 10))]
    assert categories(assess_lugano(visits)) == ["CR", "CR", "PD"]


# The examples of best overall response in the guideline's table 3 (PMC5648544).
@pytest.mark.parametrize(
    ("course", "best"),
    [
        ("iCR iCR iUPD iUPD iCPD", "iCR"), ("iUPD iPR iCR iUPD iCPD", "iCR"), ("iUPD iPR iPR iSD iCPD", "iPR"),
        ("iUPD NE iPR iUPD NE", "iPR"), ("iUPD iSD iUPD iSD NE", "iSD"), ("iUPD iCPD iPR iCR iCR", "iCPD"),
        ("iUPD iUPD iCPD iSD iSD", "iCPD"), ("iUPD NE NE NE NE", "iUPD"), ("NE NE", None),
    ],
)  # fmt: skip
def test_best_response_over_unconfirmed_and_confirmed_progression(course: str, best: str | None) -> None:
    answers = [ResponseAssessment("", "", n, name, "", "") for n, name in enumerate(["baseline", *course.split()])]
    found = best_response(answers, criteria_table("irecist"))
    assert (None if found is None else found.category) == best


@pytest.mark.parametrize(
    ("visits", "words"),
    [
        ([], "no visit"),
        ([visit(4, 10), visit(1, 10)], "order of their dates"),
        ([visit(0, 10, new=[5])], "baseline has new"),
        ([visit(0, 10), visit(1, 10, 10)], "not at baseline"),
        ([visit(0, None)], "no diameter"),
        ([visit(0, 10), visit(1, float("nan"))], "nan"),
        ([visit(0, -1.0)], "-1"),
    ],
)
def test_facts_that_contradict_each_other_are_refused(visits: list[VisitFacts], words: str) -> None:
    with pytest.raises(FactsError, match=words):
        assess_recist(visits)


def test_answers_and_facts_survive_json() -> None:
    visits = [visit(0, 30, others=[GONE]), visit(8, 20, new=[4], missing=("the liver",))]
    answer = assess_recist(visits)[1]
    assert ResponseAssessment.from_json(json.loads(json.dumps(answer.to_json()))) == answer
    assert VisitFacts.from_json(json.loads(json.dumps(visits[1].to_json()))) == visits[1]
    assert answer.missing[0] == "the liver"
