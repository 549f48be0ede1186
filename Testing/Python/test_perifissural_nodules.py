"""A nodule that somebody stated to be perifissural is classed as juxtapleural ones are, by the latest statement."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest
from followup_records import nodule, visit

from AIImagingLogic.followup.lung_rads import assess_lung_rads, category_of
from AIImagingLogic.followup.nodule_facts import NoduleFacts, facts_from_finding, facts_from_lesion
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.finding_review import retyped
from AIImagingLogic.records.finding_type import NoduleType
from AIImagingLogic.records.timeline import Lesion, LinkStatus

FIRST = datetime(2025, 3, 1)
PERIFISSURAL, SOLID = NoduleType.PERIFISSURAL, NoduleType.SOLID


def stated(diameter: float, kind: NoduleType | None = None, attenuation: str = "solid", uid: str = "2.25.1") -> Finding:
    made = nodule(uid, (0, 0, 0), diameter, attenuation)
    return made if kind is None else retyped(made, kind)


def followed(first: Finding, second: Finding, days: int = 183) -> NoduleFacts:
    other = dataclasses.replace(second, uid="2.25.2")
    visits = (visit("a", first, acquired=FIRST), visit("b", other, acquired=FIRST + timedelta(days=days)))
    lesion = Lesion(1, (1, 2, 3), (first.uid, other.uid), (None, None), LinkStatus.MATCHED, "")
    found = facts_from_lesion(lesion, visits)
    assert found is not None
    return found


def category(facts: NoduleFacts | None) -> str:
    assert facts is not None
    return category_of(facts).category


# By hand from Lung-RADS v2022: juxtapleural, solid, smooth, oval, lentiform or triangular, below 10 mm is 2.
@pytest.mark.parametrize(
    ("attenuation", "diameter", "perifissural", "solid"),
    [
        ("solid", 5.9, "2", "2"), ("solid", 6.0, "2", "3"), ("solid", 8.0, "2", "4A"), ("solid", 9.9, "2", "4A"),
        ("solid", 10.0, "4A", "4A"), ("solid", 10.1, "4A", "4A"), ("solid", 15.0, "4B", "4B"),
        ("part-solid", 9.0, "3", "3"), ("ground-glass", 9.0, "2", "2"), ("calcified", 9.0, "1", "1"),
    ],
)  # fmt: skip
def test_at_first_detection_it_is_2_below_10_mm(
    attenuation: str, diameter: float, perifissural: str, solid: str
) -> None:
    assert category(facts_from_finding(stated(diameter, PERIFISSURAL, attenuation))) == perifissural
    assert category(facts_from_finding(stated(diameter, None, attenuation))) == solid


@pytest.mark.parametrize(("diameter", "expected"), [(3.9, "2"), (4.0, "2"), (9.9, "2"), (10.0, "4B")])
def test_a_new_one_is_2_below_10_mm_too(diameter: float, expected: str) -> None:
    facts = facts_from_finding(stated(diameter, PERIFISSURAL))
    assert facts is not None
    assert category(dataclasses.replace(facts, status="new")) == expected


@pytest.mark.parametrize(("after", "expected"), [(7.0, "2"), (8.0, "2"), (8.4, "2"), (8.6, "4B"), (5.0, "2")])
def test_followed_it_stays_2_until_it_grows(after: float, expected: str) -> None:
    assert category(followed(stated(7.0, PERIFISSURAL), stated(after, PERIFISSURAL))) == expected


def test_one_that_reaches_10_mm_without_growing_is_classed_by_its_size() -> None:
    assert category(followed(stated(9.5, PERIFISSURAL), stated(10.0, PERIFISSURAL))) == "4A"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (None, PERIFISSURAL, "2"), (PERIFISSURAL, None, "2"), (SOLID, PERIFISSURAL, "2"), (PERIFISSURAL, SOLID, "3"),
        (None, None, "3"),
    ],
)  # fmt: skip
def test_what_was_stated_last_holds_at_all_visits(
    first: NoduleType | None, second: NoduleType | None, expected: str
) -> None:
    assert category(followed(stated(7.0, first), stated(7.4, second), days=92)) == expected


def test_the_reason_says_that_it_was_stated_and_nothing_is_missing() -> None:
    facts = facts_from_finding(stated(8.0, PERIFISSURAL))
    assert facts is not None
    answer = assess_lung_rads({1: facts})
    assert "stated to be perifissural" in answer.reason.lower() and answer.row == "2-perifissural"
    assert not any("margin" in text for text in answer.missing)
