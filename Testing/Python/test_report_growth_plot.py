"""The growth plot: numbers at the line ends stay readable."""

from __future__ import annotations

import dataclasses

import pytest
from hand_made_timeline import hand_made_timeline
from hypothesis import given, settings
from hypothesis import strategies as st

from AIImagingLogic.report.growth_plot import _LABEL_GAP, _apart, growth_plot_svg, plotted_lesions
from AIImagingLogic.report.html import render_report


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12))
def test_labels_keep_their_order_and_their_distance_and_move_as_a_group_about_its_middle(heights):
    heights.sort()
    moved = _apart(heights)
    # 1e-9: rounding of sums of a dozen numbers below 1.
    assert all(upper - lower >= _LABEL_GAP - 1e-9 for lower, upper in zip(moved, moved[1:]))
    assert sum(moved) == pytest.approx(sum(heights), abs=1e-9)


def test_labels_that_do_not_touch_stay_where_they_are():
    assert _apart([0.1, 0.3, 0.9]) == pytest.approx([0.1, 0.3, 0.9])


def test_no_plot_is_drawn_where_no_volume_was_measured():
    timeline = hand_made_timeline()
    visits = tuple(
        dataclasses.replace(
            visit, findings=tuple(dataclasses.replace(finding, measurements=()) for finding in visit.findings)
        )
        for visit in timeline.visits
    )
    assert growth_plot_svg(dataclasses.replace(timeline, visits=visits)) == ""


def test_of_a_hundred_lesions_the_first_are_drawn_and_the_report_says_how_many(tmp_path):
    timeline = hand_made_timeline()
    lesions = tuple(dataclasses.replace(timeline.lesions[0], number=number) for number in range(1, 101))
    many = dataclasses.replace(timeline, lesions=lesions)
    assert [lesion.number for lesion in plotted_lesions(many)] == list(range(1, 16))
    assert "15 of 100 lesions are shown." in render_report(many, [], tmp_path)
