"""Every cell and boundary of the guidelines, and some of the random timelines, as in the benchmark `criteria`."""

from __future__ import annotations

import pytest

from Testing.Benchmarks.criteria_answers import AnsweredCase, answered_cases
from Testing.Benchmarks.criteria_contradictions import contradictions_of

CASES = list(answered_cases())


def test_there_are_enough_cases_and_none_stands_twice() -> None:
    assert len(CASES) >= 300
    names = [case.name for case in CASES]
    assert [name for name in set(names) if names.count(name) > 1] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: AnsweredCase) -> None:
    assert case.answer == case.expected


def test_random_timelines_hold_no_contradiction() -> None:
    assert [(seed, found) for seed in range(50_000, 50_060) if (found := contradictions_of(seed)[0])] == []
