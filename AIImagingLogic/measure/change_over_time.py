"""One measurement at two or more visits: every change with its error, the rate a month, and the doubling time."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from AIImagingLogic.measure.growth import (
    Interval,
    change_words,
    doubling_interval,
    doubling_time_days,
    error_words,
    log_ratio_deviation,
    measured_change,
)
from AIImagingLogic.measure.repeatability import Z_95, repeatability
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.timeline import Change

DAYS_A_MONTH = 365.25 / 12

# What doubles: volumes, and diameters (as volumes with the third power). Density, uptake and diffusion have no
# doubling time.
_DIMENSIONS = {
    **dict.fromkeys(("volume", "solid_volume", "organ_volume", "metabolic_volume"), 3),
    **dict.fromkeys(("mean_diameter", "long_axis", "short_axis", "solid_mean_diameter"), 1),
}


class Verdict(enum.Enum):
    """Whether a change is real."""

    REAL = "real change"
    ERROR = "within the measurement error"
    UNKNOWN = "not known: no measurement error is stated"


@dataclass(frozen=True)
class VisitChange(Record):
    """The change of one measurement between two of the visits.

    Attributes
    ----------
    earlier, later : indices of the visits
    change : absolute, percent, its 95% interval
    days : between the visits, None when one is undated
    absolute_per_month : in the measurement's unit a month of 30.4 days; None without two dates
    percent_per_month : of the earlier value, a month; None without two dates or of a value of 0
    verdict : real change or measurement error
    reason : one sentence: the figures, and the error they were compared with
    statement_source : where that error was read, empty when it is not a published one
    doubling_time_days : of a real change of a volume or diameter; negative = halving
    doubling_time_interval_95 : days
    """

    earlier: int
    later: int
    change: Change
    days: float | None
    absolute_per_month: float | None
    percent_per_month: float | None
    verdict: Verdict
    reason: str
    statement_source: str = ""
    doubling_time_days: float | None = None
    doubling_time_interval_95: Interval | None = None


@dataclass(frozen=True)
class Trend(Record):
    """Exponential growth through all dated visits.

    Attributes
    ----------
    visits : how many it was fitted to
    percent_per_month : with its 95% interval
    doubling_time_days : of volumes and diameters, where the interval of the rate leaves out zero; negative = halving
    """

    visits: int
    percent_per_month: float
    percent_per_month_interval_95: Interval
    doubling_time_days: float | None = None
    doubling_time_interval_95: Interval | None = None


@dataclass(frozen=True)
class MeasurementCourse(Record):
    """A measurement through the visits.

    Attributes
    ----------
    since_last : from each measured visit to the next measured one
    since_first : from the first measured visit to each later one
    since_lowest : from the visit with the least value to the last one, None where that is the last
    trend : None without two dated visits, a known error and values above 0
    """

    name: str
    since_last: tuple[VisitChange, ...]
    since_first: tuple[VisitChange, ...]
    since_lowest: VisitChange | None
    trend: Trend | None


def measurement_course(
    name: str,
    values: Sequence[float | None],
    days: Sequence[float | None],
    intervals_95: Sequence[Interval | None] | None = None,
    diameters_mm: Sequence[float | None] | None = None,
    statement: str | None = None,
) -> MeasurementCourse:
    """Return what became of one measurement through the visits, in their order of time.

    Parameters
    ----------
    name : key of Resources/measurements.json
    values : one a visit, in the unit of that table; None where it was not measured
    days : when each visit was, counted from any day; None for an undated visit
    intervals_95 : of each value, where it has one
    diameters_mm : mean diameter at each visit, for a repeatability that depends on the size
    statement : key of ``statements`` in Resources/rules/repeatability.json; default: that of the measurement

    Raises
    ------
    ValueError
        The lists are of different lengths, or the dated visits are not in order of time.
    KeyError
        There is no such measurement or statement.
    """
    count = len(values)
    intervals = list(intervals_95 or [None] * count)
    sizes = list(diameters_mm or [None] * count)
    if not count == len(days) == len(intervals) == len(sizes):
        raise ValueError("Values, days, intervals and diameters are one a visit.")
    dated = [day for day in days if day is not None]
    if any(later < earlier for earlier, later in zip(dated, dated[1:])):
        raise ValueError("The visits are not in order of time.")
    measured = [index for index, value in enumerate(values) if value is not None]

    def between(earlier: int, later: int) -> VisitChange:
        before, after = values[earlier], values[later]
        first_size, second_size = sizes[earlier], sizes[later]
        first_day, second_day = days[earlier], days[later]
        assert before is not None and after is not None
        return visit_change(
            name,
            (before, after),
            None if first_day is None or second_day is None else second_day - first_day,
            (intervals[earlier], intervals[later]),
            None if first_size is None or second_size is None else (first_size, second_size),
            statement,
            (earlier, later),
        )

    lowest = min(measured, key=lambda index: values[index] or 0.0, default=None)
    return MeasurementCourse(
        name=name,
        since_last=tuple(between(earlier, later) for earlier, later in zip(measured, measured[1:])),
        since_first=tuple(between(measured[0], later) for later in measured[1:]),
        since_lowest=None if lowest is None or lowest == measured[-1] else between(lowest, measured[-1]),
        trend=_trend(name, values, days, intervals, sizes, statement),
    )


def visit_change(
    name: str,
    values: tuple[float, float],
    days: float | None,
    intervals_95: tuple[Interval | None, Interval | None] = (None, None),
    diameters_mm: tuple[float, float] | None = None,
    statement: str | None = None,
    visits: tuple[int, int] = (0, 1),
) -> VisitChange:
    """Return the change of one measurement between two visits; parameters as in `measurement_course`.

    Parameters
    ----------
    days : between the visits, None when one is undated
    """
    change = measured_change(name, *values, diameters_mm, statement, intervals_95)
    verdict = {None: Verdict.UNKNOWN, True: Verdict.REAL, False: Verdict.ERROR}[change.beyond_error]
    months = days / DAYS_A_MONTH if days is not None and days > 0 else None
    error = error_words(change, statement, intervals_95)
    against = f" ({error})" if error and verdict is not Verdict.UNKNOWN else ""
    doubling, interval = None, None
    dimension = _DIMENSIONS.get(name)
    if verdict is Verdict.REAL and dimension and days is not None and days > 0 and min(values) > 0:
        doubling = doubling_time_days(*values, days, dimension)
        deviation = log_ratio_deviation(change, diameters_mm, statement, intervals_95)
        interval = None if deviation is None else doubling_interval(*values, deviation, days, dimension)
    return VisitChange(
        earlier=visits[0],
        later=visits[1],
        change=change,
        days=days,
        absolute_per_month=None if months is None else change.absolute / months,
        percent_per_month=None if months is None or change.percent is None else change.percent / months,
        verdict=verdict,
        reason=f"{change_words(change)}: {verdict.value}{against}.",
        statement_source=_source(name, statement, verdict),
        doubling_time_days=doubling,
        doubling_time_interval_95=interval,
    )


def _source(name: str, statement: str | None, verdict: Verdict) -> str:
    stated = repeatability(name, statement)
    return "" if stated is None or verdict is Verdict.UNKNOWN else stated.source


def _trend(
    name: str,
    values: Sequence[float | None],
    days: Sequence[float | None],
    intervals: Sequence[Interval | None],
    sizes: Sequence[float | None],
    statement: str | None,
) -> Trend | None:
    """Fit log(value) = a + b t, each value weighted by its known error; the interval is that of the errors alone."""
    used: list[tuple[float, float, float]] = []
    for value, day, interval, size in zip(values, days, intervals, sizes):
        if value is None or day is None or value <= 0:
            continue
        both = None if size is None else (size, size)
        alone = measured_change(name, value, value, both, statement)
        deviation = log_ratio_deviation(alone, both, statement, (interval, interval))
        if deviation:
            used.append((day, math.log(value), deviation / math.sqrt(2)))
    if len(used) < 2 or used[-1][0] == used[0][0]:
        return None
    time, logs, errors = (np.array(column) for column in zip(*used))
    weights = errors**-2.0
    middle = float((weights * time).sum() / weights.sum())
    spread = float((weights * (time - middle) ** 2).sum())
    rate = float((weights * (time - middle) * logs).sum() / spread)
    low, high = rate - Z_95 / math.sqrt(spread), rate + Z_95 / math.sqrt(spread)
    dimension = _DIMENSIONS.get(name)
    doubling, interval = None, None
    if dimension and low * high > 0:
        scale = math.log(2) * dimension / 3
        doubling = scale / rate
        first, second = sorted((scale / low, scale / high))
        interval = (first, second)
    return Trend(len(used), _monthly_percent(rate), (_monthly_percent(low), _monthly_percent(high)), doubling, interval)


def _monthly_percent(rate_per_day: float) -> float:
    return 100 * math.expm1(rate_per_day * DAYS_A_MONTH)
