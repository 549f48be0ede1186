"""The change of a lesion uses what is known of the error of its own two measurements."""

from __future__ import annotations

import dataclasses

import pytest
from followup_records import nodule

from AIImagingLogic.followup.changes import changes_between
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measurement import measurement

Interval = tuple[float, float]


def _lesion(volume: float, interval: Interval | None, density: float = -20.0) -> Finding:
    made = (
        measurement("volume", volume, interval),
        measurement("mean_density", density, (density - 1, density + 1)),
    )
    return dataclasses.replace(nodule("Nodule 1", (0.0, 0.0, 0.0)), measurements=made)


def _volume_and_growth(first: Finding, second: Finding):
    changes, growth = changes_between(first, second, 100.0)
    assert growth is not None
    return next(change for change in changes if change.name == "volume"), growth


def test_intervals_of_both_volumes_give_those_of_the_change_and_of_the_doubling_time():
    sharp = _volume_and_growth(_lesion(200.0, (196.0, 204.0)), _lesion(400.0, (392.0, 408.0)))
    stated = _volume_and_growth(_lesion(200.0, None), _lesion(400.0, None))
    # Two relative half widths of 2% make 2.8% of the ratio 2: 5.7 percent of the first volume to either side.
    assert sharp[0].interval_95_percent == pytest.approx((94.4, 105.8), abs=0.2)
    assert stated[0].interval_95_percent[1] - stated[0].interval_95_percent[0] > 60
    assert sharp[1].doubling_time_days == pytest.approx(100.0)
    assert sharp[1].doubling_time_interval_95 == pytest.approx((96.1, 104.3), abs=0.2)
    assert "that of the two measurements" in sharp[1].reason
    assert "of the two measurements" not in stated[1].reason


def test_volumes_that_are_hardly_known_did_not_change_though_published_limits_are_passed():
    blurred = _volume_and_growth(_lesion(100.0, (50.0, 200.0)), _lesion(150.0, (75.0, 300.0)))
    stated = _volume_and_growth(_lesion(100.0, None), _lesion(150.0, None))
    assert (stated[1].label, blurred[1].label) == ("growing", "stable")
    assert blurred[0].beyond_error is False
    assert blurred[1].doubling_time_days is None


def test_sharp_volumes_do_not_make_a_change_real_that_patients_scanned_twice_show_too():
    change, growth = _volume_and_growth(_lesion(200.0, (198.0, 202.0)), _lesion(230.0, (228.0, 232.0)))
    assert change.interval_95_percent[0] > 0
    assert (change.beyond_error, growth.label) == (False, "stable")


def test_one_volume_without_an_interval_leaves_what_is_published():
    one_sided = _volume_and_growth(_lesion(200.0, (199.0, 201.0)), _lesion(400.0, None))
    stated = _volume_and_growth(_lesion(200.0, None), _lesion(400.0, None))
    assert one_sided == stated


def test_a_density_of_which_nothing_is_stated_gets_no_interval():
    changes, _ = changes_between(_lesion(200.0, None), _lesion(400.0, None, density=40.0), 100.0)
    density = next(change for change in changes if change.name == "mean_density")
    assert (density.absolute, density.interval_95_percent, density.beyond_error) == (60.0, None, None)
