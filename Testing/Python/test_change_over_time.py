"""Change of one measurement through visits: hand-computed cases, verdicts by their statement, trend."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AIImagingLogic.measure.change_over_time import (
    DAYS_A_MONTH,
    MeasurementCourse,
    Verdict,
    measurement_course,
    visit_change,
)
from AIImagingLogic.measure.growth import measured_change
from AIImagingLogic.measure.pet_comparability import percist_comparability
from AIImagingLogic.measure.repeatability import repeatability
from AIImagingLogic.records.resources import load_resource


def test_absolute_percent_and_a_month_of_a_volume_that_doubles() -> None:
    found = visit_change("volume", (200.0, 400.0), 2 * DAYS_A_MONTH)
    assert (found.change.absolute, found.change.percent) == (200.0, 100.0)
    assert (found.absolute_per_month, found.percent_per_month) == pytest.approx((100.0, 50.0))
    assert found.doubling_time_days == pytest.approx(2 * DAYS_A_MONTH)
    assert found.verdict is Verdict.REAL
    assert "27%" in found.reason and "MILD" in found.reason
    assert "Marchiano" in found.statement_source


@pytest.mark.parametrize(
    ("name", "before", "after", "statement", "verdict"),
    [
        ("volume", 100.0, 126.0, None, Verdict.ERROR),
        ("volume", 100.0, 137.0, None, Verdict.REAL),  # its own share of the error grows with it
        ("volume", 100.0, 154.0, "tumour-volume", Verdict.ERROR),
        ("volume", 100.0, 157.0, "tumour-volume", Verdict.REAL),
        ("volume", 100.0, 66.0, "tumour-volume", Verdict.ERROR),
        ("volume", 100.0, 63.0, "tumour-volume", Verdict.REAL),
        ("suv_max", 10.0, 13.2, None, Verdict.ERROR),
        ("suv_max", 10.0, 13.5, None, Verdict.REAL),
        ("suv_max", 10.0, 7.6, None, Verdict.ERROR),
        ("suv_max", 10.0, 7.4, None, Verdict.REAL),
        ("sul_peak", 10.0, 12.9, None, Verdict.ERROR),
        ("sul_peak", 10.0, 13.1, None, Verdict.REAL),
        ("sul_peak", 2.0, 2.79, None, Verdict.ERROR),  # by 40%, but by less than .8
        ("sul_peak", 2.0, 2.81, None, Verdict.REAL),
        ("sul_peak", 10.0, 6.9, None, Verdict.REAL),
        ("adc_mean", 1000.0, 1500.0, None, Verdict.UNKNOWN),  # an organ must be named
        ("adc_mean", 1000.0, 1070.0, "adc-brain", Verdict.ERROR),
        ("adc_mean", 1000.0, 1100.0, "adc-brain", Verdict.REAL),
        ("mean_diameter", 8.0, 9.5, None, Verdict.ERROR),
        ("mean_diameter", 8.0, 9.6, None, Verdict.REAL),
        ("organ_volume", 1500.0, 3000.0, None, Verdict.UNKNOWN),
        ("total_lesion_glycolysis", 0.0, 40.0, None, Verdict.UNKNOWN),
    ],
)
def test_real_change_or_measurement_error_by_the_statement_that_applies(
    name: str, before: float, after: float, statement: str | None, verdict: Verdict
) -> None:
    found = visit_change(name, (before, after), 90.0, statement=statement)
    assert found.verdict is verdict
    assert bool(found.statement_source) == (verdict is not Verdict.UNKNOWN)
    assert verdict.value in found.reason


def test_density_uptake_and_diffusion_have_no_doubling_time() -> None:
    assert visit_change("suv_max", (5.0, 20.0), 90.0).doubling_time_days is None


def test_intervals_of_the_two_measurements_make_that_of_the_change() -> None:
    """Each known within a factor of 1.1: the log of the ratio has sqrt 2 times log 1.1."""
    intervals = ((100 / 1.1, 110.0), (130 / 1.1, 143.0))
    change = measured_change("organ_volume", 100.0, 130.0, intervals_95=intervals)
    half = math.sqrt(2) * math.log(1.1)
    assert change.interval_95_percent == pytest.approx((130 * math.exp(-half) - 100, 130 * math.exp(half) - 100))
    assert change.beyond_error is True


def test_a_change_within_what_patients_vary_is_not_real_however_sharp_the_images_are() -> None:
    sharp = ((98.0, 102.0), (117.6, 122.4))
    change = measured_change("volume", 100.0, 120.0, intervals_95=sharp)
    assert change.interval_95_percent is not None and change.interval_95_percent[0] > 0
    assert change.beyond_error is False
    blurred = ((50.0, 200.0), (75.0, 300.0))
    assert measured_change("volume", 100.0, 150.0, intervals_95=blurred).beyond_error is False
    assert measured_change("volume", 100.0, 150.0).beyond_error is True


def test_a_course_tells_changes_from_the_last_the_first_and_the_lowest_visit() -> None:
    course = measurement_course("volume", [400.0, None, 100.0, 300.0], [0.0, 30.0, 60.0, 120.0])
    assert [(step.earlier, step.later) for step in course.since_last] == [(0, 2), (2, 3)]
    assert [(step.earlier, step.later) for step in course.since_first] == [(0, 2), (0, 3)]
    assert course.since_lowest is not None
    assert (course.since_lowest.earlier, course.since_lowest.later) == (2, 3)
    assert course.since_last[0].doubling_time_days == pytest.approx(-30.0)
    assert MeasurementCourse.from_json(course.to_json()) == course


def test_undated_visits_have_changes_but_no_rates() -> None:
    course = measurement_course("volume", [100.0, 300.0], [None, 90.0])
    step = course.since_last[0]
    assert step.verdict is Verdict.REAL
    assert (step.days, step.absolute_per_month, step.percent_per_month, step.doubling_time_days) == (None,) * 4
    assert course.trend is None


def test_organ_volumes_over_time_have_a_trend_where_they_have_intervals() -> None:
    """A kidney that grows by 5% a year, measured within 2%."""
    days = [0.0, 365.25, 730.5]
    values = [1000 * 1.05**year for year in range(3)]
    intervals = [(value / 1.02, value * 1.02) for value in values]
    course = measurement_course("organ_volume", values, days, intervals)
    assert course.trend is not None
    assert course.trend.percent_per_month == pytest.approx(100 * (1.05 ** (1 / 12) - 1), rel=1e-6)
    assert course.trend.doubling_time_days == pytest.approx(365.25 * math.log(2) / math.log(1.05), rel=1e-6)
    assert measurement_course("organ_volume", values, days).trend is None


def test_the_interval_of_a_trend_holds_the_truth_in_19_of_20_simulated_courses() -> None:
    random = np.random.default_rng(3)
    days, rate, error = np.array([0.0, 80.0, 200.0, 330.0]), math.log(2) / 300, 0.06
    held = 0
    for _ in range(1000):
        values = 150 * np.exp(rate * days + error * random.standard_normal(4))
        intervals = [(value * math.exp(-1.96 * error), value * math.exp(1.96 * error)) for value in values]
        trend = measurement_course("volume", values.tolist(), days.tolist(), intervals).trend
        assert trend is not None
        low, high = trend.percent_per_month_interval_95
        held += low <= 100 * math.expm1(rate * DAYS_A_MONTH) <= high
    # Binomial: 95% of 1000 with a standard deviation of 0.7%; three of them.
    assert held / 1000 == pytest.approx(0.95, abs=0.021)


def test_visits_out_of_order_and_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="order"):
        measurement_course("volume", [1.0, 2.0], [30.0, 0.0])
    with pytest.raises(ValueError, match="one a visit"):
        measurement_course("volume", [1.0, 2.0], [30.0])
    with pytest.raises(KeyError):
        measurement_course("volume", [1.0, 2.0], [0.0, 30.0], statement="nobody's")


@settings(deadline=None, max_examples=60)
@given(st.floats(5.0, 5000.0), st.floats(5.0, 5000.0), st.floats(1.01, 2.0), st.floats(1.01, 2.0))
def test_the_way_back_is_judged_as_the_way_there_by_the_intervals_of_the_measurements(
    first: float, second: float, reach: float, other_reach: float
) -> None:
    intervals = ((first / reach, first * reach), (second / other_reach, second * other_reach))
    there = measured_change("organ_volume", first, second, intervals_95=intervals)
    back = measured_change("organ_volume", second, first, intervals_95=intervals[::-1])
    assert there.beyond_error == back.beyond_error


@pytest.mark.parametrize(
    ("before", "after", "comparable"),
    [(1.4, 1.6, True), (1.4, 1.69, False), (1.4, 1.12, True), (2.0, 2.3, False), (2.0, 1.71, True), (1.0, 1.2, True)],
)
def test_percist_compares_scans_whose_livers_take_up_alike(before: float, after: float, comparable: bool) -> None:
    found = percist_comparability(before, after)
    assert found.comparable is comparable
    assert f"{before:.2f}" in found.reason and "PERCIST" in found.source


def test_every_statement_has_a_source_and_no_recalled_one_is_used_unasked() -> None:
    table = load_resource("rules/repeatability.json")
    for key, entry in table["statements"].items():
        stated = repeatability("volume", key)
        assert stated is not None and stated.source and stated.words("mm")
        assert entry["confidence"] != "C" or entry["option"]
    for name, entry in table["changes"].items():
        default = entry["statement"]
        assert default is None or not table["statements"][default]["option"], name
