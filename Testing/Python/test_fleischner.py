"""Fleischner 2017: every cell and boundary of the table, unknown patients, several nodules."""

from __future__ import annotations

from typing import Any

import pytest

from AIImagingLogic.followup.fleischner import PatientFacts, assess_fleischner, recommendation_of
from AIImagingLogic.followup.nodule_facts import NoduleFacts
from AIImagingLogic.records.resources import load_resource

KNOWN: dict[str, Any] = {"age_years": 60, "known_cancer": False, "immunosuppressed": False}
NONE, OPTIONAL = "no follow-up", "optional CT 12 mo"
SINGLE_LOW = "CT 6-12 mo, consider 18-24 mo"
SINGLE_HIGH = "CT 6-12 mo, then 18-24 mo"
LARGE = "CT 3 mo, PET-CT or tissue"
SEVERAL_LOW = "CT 3-6 mo, consider 18-24 mo"
SEVERAL_HIGH = "CT 3-6 mo, then 18-24 mo"
GLASS = "CT 6-12 mo, then every 2 y to 5 y"
YEARLY = "CT 3-6 mo, then yearly for 5 y"
TISSUE = "CT 3-6 mo, then PET-CT or tissue"
SUBSOLID_SMALL = "CT 3-6 mo, consider 2 and 4 y"
SUBSOLID_LARGE = "CT 3-6 mo, then by the worst nodule"


# Written by hand from the guideline's table, not read from Resources.
@pytest.mark.parametrize(
    ("diameter", "low", "high", "several_low", "several_high"),
    [
        (5.9, NONE, OPTIONAL, NONE, OPTIONAL),
        (6.0, SINGLE_LOW, SINGLE_HIGH, SEVERAL_LOW, SEVERAL_HIGH),
        (6.1, SINGLE_LOW, SINGLE_HIGH, SEVERAL_LOW, SEVERAL_HIGH),
        (7.9, SINGLE_LOW, SINGLE_HIGH, SEVERAL_LOW, SEVERAL_HIGH),
        (8.0, SINGLE_LOW, SINGLE_HIGH, SEVERAL_LOW, SEVERAL_HIGH),
        (8.1, LARGE, LARGE, SEVERAL_LOW, SEVERAL_HIGH),
    ],
)
def test_solid_nodules(diameter: float, low: str, high: str, several_low: str, several_high: str) -> None:
    facts = NoduleFacts("solid", diameter)
    answers = [recommendation_of(facts, n, risk).category for n in ("single", "several") for risk in ("low", "high")]
    assert answers == [low, high, several_low, several_high]


@pytest.mark.parametrize("risk", ["low", "high"])
@pytest.mark.parametrize(
    ("attenuation", "diameter", "solid", "number", "expected"),
    [
        ("ground-glass", 5.9, None, "single", NONE), ("ground-glass", 6.0, None, "single", GLASS),
        ("ground-glass", 6.1, None, "single", GLASS), ("ground-glass", 8.1, None, "single", GLASS),
        ("part-solid", 5.9, 3.0, "single", NONE), ("part-solid", 6.0, 3.0, "single", YEARLY),
        ("part-solid", 8.1, 5.9, "single", YEARLY), ("part-solid", 7.0, 6.0, "single", TISSUE),
        ("part-solid", 12.0, 6.1, "single", TISSUE),
        ("ground-glass", 5.9, None, "several", SUBSOLID_SMALL), ("part-solid", 5.9, 3.0, "several", SUBSOLID_SMALL),
        ("ground-glass", 6.0, None, "several", SUBSOLID_LARGE), ("part-solid", 9.0, 7.0, "several", SUBSOLID_LARGE),
    ],
)  # fmt: skip
def test_subsolid_nodules_do_not_depend_on_the_risk(
    attenuation: str, diameter: float, solid: float | None, number: str, expected: str, risk: str
) -> None:
    facts = NoduleFacts(attenuation, diameter, solid_mean_diameter_mm=solid)
    assert recommendation_of(facts, number, risk).category == expected


@pytest.mark.parametrize(
    ("diameter", "as_measured", "rounded"), [(5.5, NONE, SINGLE_LOW), (8.4, LARGE, SINGLE_LOW), (8.5, LARGE, LARGE)]
)
def test_whole_millimetres_are_an_option_that_is_off(diameter: float, as_measured: str, rounded: str) -> None:
    facts = NoduleFacts("solid", diameter)
    assert recommendation_of(facts, "single", "low").category == as_measured
    assert recommendation_of(facts, "single", "low", whole_millimetres=True).category == rounded
    entry = load_resource("rules/fleischner_2017.json")["whole_millimetres"]
    assert (entry["default"], entry["confidence"]) == (False, "C")


def test_an_unknown_risk_gets_both_answers_and_is_listed_as_missing() -> None:
    answer = assess_fleischner({1: NoduleFacts("solid", 5.0)})
    assert answer.category == f"low risk {NONE}; high risk {OPTIONAL}"
    assert answer.row == "solid-single-below-6-low / solid-single-below-6-high"
    assert [text.split()[0] for text in answer.missing] == ["risk", "age", "known", "immunosuppression"]


def test_a_known_patient_gets_one_answer_and_nothing_is_missing() -> None:
    answer = assess_fleischner({1: NoduleFacts("solid", 7.0)}, PatientFacts("high", **KNOWN))
    assert (answer.category, answer.row, answer.missing) == (SINGLE_HIGH, "solid-single-6-to-8-high", ())


@pytest.mark.parametrize(
    ("known", "row"),
    [
        ({"age_years": 34.9}, "not-applicable-age"),
        ({"known_cancer": True}, "not-applicable-cancer"),
        ({"immunosuppressed": True}, "not-applicable-immunosuppression"),
    ],
)
def test_the_guideline_is_not_applied_to_patients_it_leaves_out(known: dict[str, Any], row: str) -> None:
    answer = assess_fleischner({1: NoduleFacts("solid", 20.0)}, PatientFacts("high", **{**KNOWN, **known}))
    assert (answer.category, answer.row) == ("not applicable", row)


def test_it_applies_from_the_thirty_fifth_birthday() -> None:
    patient = PatientFacts("low", **{**KNOWN, "age_years": 35})
    assert assess_fleischner({1: NoduleFacts("solid", 9.0)}, patient).category == LARGE


def test_solid_and_subsolid_nodules_are_counted_apart_and_calcified_ones_not_at_all() -> None:
    facts = {1: NoduleFacts("solid", 7.0), 2: NoduleFacts("ground-glass", 7.0), 3: NoduleFacts("calcified", 12.0)}
    answer = assess_fleischner(facts, PatientFacts("low", **KNOWN))
    assert dict(answer.by_lesion) == {"1": SINGLE_LOW, "2": GLASS, "3": NONE}
    assert (answer.lesion_number, answer.category) == (1, SINGLE_LOW)


def test_of_several_nodules_the_largest_decides() -> None:
    facts = {1: NoduleFacts("solid", 5.0), 2: NoduleFacts("solid", 9.0), 3: NoduleFacts("solid", 7.0)}
    answer = assess_fleischner(facts, PatientFacts("high", **KNOWN))
    assert (answer.lesion_number, answer.category) == (2, SEVERAL_HIGH)


def test_no_nodule_needs_no_follow_up() -> None:
    assert assess_fleischner({}, PatientFacts("low", **KNOWN)).category == NONE
