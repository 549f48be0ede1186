"""Change with its interval, growth, and the doubling time with its uncertainty."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AIImagingLogic.measure.growth import doubling_time_days, growth_of, measured_change, volume_variation
from AIImagingLogic.records.resources import load_resource

sizes = st.floats(10.0, 5000.0)


@pytest.mark.parametrize(
    ("before", "after", "days", "dimension", "expected"),
    [
        (100.0, 200.0, 90.0, 3, 90.0),
        (100.0, 400.0, 90.0, 3, 45.0),
        (200.0, 100.0, 90.0, 3, -90.0),
        (5.0, 10.0, 90.0, 1, 30.0),  # twice the diameter is eight times the volume: three doublings
        (100.0, 125.0, 90.0, 3, 90 * math.log(2) / math.log(1.25)),
        (100.0, 100.0, 90.0, 3, math.inf),
    ],
)
def test_doubling_time(before: float, after: float, days: float, dimension: int, expected: float) -> None:
    assert doubling_time_days(before, after, days, dimension) == pytest.approx(expected)


@pytest.mark.parametrize("sizes", [(0.0, 1.0, 9.0), (1.0, -1.0, 9.0), (1.0, 2.0, 0.0), (1.0, 2.0, -5.0)])
def test_no_doubling_time_of_sizes_or_intervals_that_are_not_positive(sizes: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        doubling_time_days(*sizes)


def test_two_measurements_of_one_nodule_leave_zero_out_of_the_interval_in_one_of_twenty_pairs() -> None:
    """Simulated: the limits of 27% that the MILD trial states must be those that two measurements meet."""
    variation = volume_variation(8.0)
    assert variation is not None
    random = np.random.default_rng(1)
    pairs = 200 * (1 + variation * random.standard_normal((4000, 2)))
    beyond = [measured_change("volume", *pair).beyond_error for pair in pairs]
    # Binomial: 5% of 4000 with a standard deviation of 0.35%; three of them.
    assert np.mean([bool(value) for value in beyond]) == pytest.approx(0.05, abs=0.0105)


def test_the_interval_of_a_change_is_the_stated_propagation() -> None:
    change = measured_change("volume", 200.0, 400.0)
    variation = 0.27 / (1.96 * math.sqrt(2))
    half = 100 * 1.96 * math.hypot(200 * variation, 400 * variation) / 200
    assert change.interval_95_percent == pytest.approx((100 - half, 100 + half), rel=1e-3)
    assert (change.absolute, change.percent, change.unit, change.beyond_error) == (200.0, 100.0, "mm3", True)


def test_the_interval_of_a_doubling_time_holds_the_truth_in_19_of_20_simulated_nodules() -> None:
    variation = volume_variation(8.0)
    assert variation is not None
    random = np.random.default_rng(2)
    truth, held, stated = 120.0, 0, 0
    for _ in range(2000):
        before, after = np.array([200.0, 400.0]) * np.exp(variation * random.standard_normal(2))
        growth = growth_of(measured_change("volume", before, after), None, 120.0)
        assert growth is not None
        if growth.doubling_time_interval_95 is not None:
            stated += 1
            low, high = growth.doubling_time_interval_95
            held += low <= truth <= high
    assert stated > 1950
    # Binomial: 95% of 2000 with a standard deviation of 0.5%; three of them.
    assert held / stated == pytest.approx(0.95, abs=0.015)


def test_a_change_inside_the_measurement_error_has_no_doubling_time() -> None:
    growth = growth_of(measured_change("volume", 200.0, 240.0), measured_change("mean_diameter", 7.3, 7.7), 100.0)
    assert growth is not None
    assert (growth.label, growth.doubling_time_days, growth.doubling_time_interval_95) == ("stable", None, None)
    assert "inside the measurement error" in growth.reason


@pytest.mark.parametrize(("after", "label"), [(400.0, "growing"), (100.0, "shrinking")])
def test_growth_names_the_figures_behind_it(after: float, label: str) -> None:
    growth = growth_of(measured_change("volume", 200.0, after), None, 100.0)
    assert growth is not None
    assert growth.label == label
    assert "200" in growth.reason
    assert "27%" in growth.reason
    assert growth.doubling_time_days == pytest.approx(100.0 if label == "growing" else -100.0)
    assert growth.doubling_time_interval_95 is not None
    low, high = growth.doubling_time_interval_95
    assert low < (100.0 if label == "growing" else -100.0) < high


def test_undated_visits_still_grow_but_have_no_doubling_time() -> None:
    growth = growth_of(measured_change("volume", 200.0, 400.0), None, None)
    assert growth is not None
    assert (growth.label, growth.doubling_time_days) == ("growing", None)
    assert "not dated" in growth.reason


@pytest.mark.parametrize(("after", "label"), [(7.5, "stable"), (7.6, "growing"), (4.4, "shrinking")])
def test_without_volumes_the_diameter_decides_beyond_one_and_a_half_millimetres(after: float, label: str) -> None:
    growth = growth_of(None, measured_change("mean_diameter", 6.0, after), 100.0)
    assert growth is not None
    assert growth.label == label
    if label == "growing":
        days = 100 * math.log(2) / (3 * math.log(7.6 / 6.0))
        assert growth.doubling_time_days == pytest.approx(days)
        # Each diameter errs by 1.5 / (1.96 sqrt 2) mm; the log of their ratio by the relative errors added in square.
        half = 1.5 / math.sqrt(2) * math.hypot(1 / 6.0, 1 / 7.6)
        quickest = 100 * math.log(2) / (3 * (math.log(7.6 / 6.0) + half))
        slowest = 100 * math.log(2) / (3 * (math.log(7.6 / 6.0) - half))
        assert growth.doubling_time_interval_95 == pytest.approx((quickest, slowest), rel=1e-3)


def test_nothing_is_stated_where_no_repeatability_is_known() -> None:
    density = measured_change("mean_density", -600.0, -500.0)
    assert (density.interval_95_percent, density.beyond_error) == (None, None)
    assert density.absolute == 100.0
    assert growth_of(None, None, 100.0) is None
    from_nothing = measured_change("solid_volume", 0.0, 30.0)
    assert (from_nothing.percent, from_nothing.absolute) == (None, 30.0)


@pytest.mark.parametrize(("diameter", "expected"), [(6, 0.29), (6.5, 0.26), (9, 0.16), (12, 0.11), (30, 0.11)])
def test_the_recalled_qiba_values_are_interpolated_and_off_by_default(diameter: float, expected: float) -> None:
    assert volume_variation(diameter, "qiba-small-nodule") == pytest.approx(expected)
    table = load_resource("rules/repeatability.json")
    assert table["statements"]["qiba-small-nodule"]["option"] is True
    used = [entry["statement"] for entry in table["changes"].values() if entry["statement"]]
    assert "mild" in used
    assert not any(table["statements"][key]["option"] or table["statements"][key]["confidence"] == "C" for key in used)


def test_below_the_sizes_that_qiba_states_no_error_is_invented() -> None:
    assert volume_variation(5.9, "qiba-small-nodule") is None
    change = measured_change("volume", 100.0, 300.0, (5.8, 8.3), "qiba-small-nodule")
    assert (change.interval_95_percent, change.beyond_error) == (None, None)


@settings(deadline=None)
@given(sizes, sizes)
def test_beyond_error_means_that_the_interval_leaves_zero_out_and_only_then_a_doubling_time_is_stated(
    before: float, after: float
) -> None:
    change = measured_change("volume", before, after)
    assert change.interval_95_percent is not None
    low, high = change.interval_95_percent
    assert change.beyond_error == (low > 0 or high < 0)
    growth = growth_of(change, None, 200.0)
    assert growth is not None
    assert (growth.doubling_time_days is not None) == change.beyond_error
