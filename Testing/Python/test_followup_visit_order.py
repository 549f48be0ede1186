"""Visits in any order: put in order of time by their dates, and when that cannot be told."""

from __future__ import annotations

import dataclasses
from datetime import datetime

import pytest
from followup_records import info

from AIImagingLogic.followup.visit_order import visit_labels, visit_order
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.image_info import ImageInfo


def visits(*days: int | None) -> list[ImageInfo]:
    return [
        info(None if day is None else datetime(2025, 3, day, 9, 0), f"image {number}")
        for number, day in enumerate(days)
    ]


def test_visits_are_ordered_by_date_whatever_the_order_given() -> None:
    assert visit_order(visits(20, 3, 11, 7)) == (1, 3, 2, 0)
    assert visit_order(visits(20, 3)) == (1, 0)


def test_undated_or_equal_dates_need_an_order_that_the_user_states() -> None:
    for days, words in (((3, None, 20), "Visit 2 of 3 has no date"), ((3, 20, 3), "Visits 1 and 3 have the same date")):
        with pytest.raises(WrongImageError, match=words):
            visit_order(visits(*days))
    assert visit_order(visits(3, None, 20), in_given_order=True) == (0, 1, 2)
    assert visit_order(visits(3, 3, 20), in_given_order=True) == (0, 1, 2)


def test_a_stated_order_must_not_contradict_the_dates() -> None:
    with pytest.raises(WrongImageError, match="Visit 3 .* is dated before visit 1"):
        visit_order(visits(20, None, 3), in_given_order=True)


def test_two_visits_without_dates_are_taken_as_given() -> None:
    assert visit_order(visits(None, None)) == visit_order(visits(5, None)) == visit_order(visits(5, 5)) == (0, 1)


def test_the_same_image_twice_and_too_few_or_too_many_visits_are_refused() -> None:
    three = visits(1, 2, 3)
    with pytest.raises(WrongImageError, match="Visits 1 and 3 are the same image"):
        visit_order([three[0], three[1], dataclasses.replace(three[2], content_hash=three[0].content_hash)])
    for wrong in (visits(1), visits(*range(1, 22))):
        with pytest.raises(WrongImageError, match="2 to 20 visits"):
            visit_order(wrong)


def test_two_visits_keep_their_names_and_more_are_counted() -> None:
    assert visit_labels(1) == ("baseline",)
    assert visit_labels(2) == ("baseline", "follow-up")
    assert visit_labels(3) == ("baseline", "follow-up 1", "follow-up 2")
