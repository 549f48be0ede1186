"""Waterfall and spider plots of a cohort, as SVG from plain numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.report.number_format import signed
from AIImagingLogic.report.svg_chart import INK, SvgChart, ticks_between
from AIImagingLogic.report.texts import Texts

_HEIGHT, _LEAST_WIDTH = 380.0, 520.0
_BAR_STEP, _BAR_SHARE = 22.0, 0.74
# Percent of the axis above bars that are cut, for their figures.
_ROOM_FOR_FIGURES = 15.0
_DAYS_A_MONTH = 30.4375
# Of the legend's words, at most.
_POINTS_A_LETTER = 6.6
_MOST_LETTERS = 8


@dataclass(frozen=True)
class BestChange:
    """The best change of a patient.

    Attributes
    ----------
    patient : a study number, never a name
    percent : of the sum of diameters against the baseline, -100 or more; may be a rise
    response : best response, such as ``PR``; empty when not known: it gives the colour
    """

    patient: str
    percent: float
    response: str = ""


@dataclass(frozen=True)
class ChangeOverTime:
    """The course of a patient.

    Attributes
    ----------
    patient : a study number, never a name
    days : from the baseline, in order of time
    percent : of the sum of diameters against the baseline, one for each of `days`
    response : as of `BestChange`
    """

    patient: str
    days: tuple[float, ...]
    percent: tuple[float, ...]
    response: str = ""


def best_change(patient: str, percents: Sequence[float | None], response: str = "") -> BestChange | None:
    """Return the smallest of the changes after baseline; None when none was measured.

    Parameters
    ----------
    percents : of the sum against the baseline at each visit after it; None where it was not measured
    """
    known = [percent for percent in percents if percent is not None]
    return BestChange(patient, min(known), response) if known else None


def waterfall_svg(patients: Sequence[BestChange], language: str = "en", rules: str = "recist-1.1") -> str:
    """Return the best change of each patient as bars, the largest rise first, with lines at the limits of `rules`.

    A rise beyond 100% is cut there, and its figure stands above the bar. Equal changes are in order of the patients'
    names, so that the same cohort gives the same picture.

    Parameters
    ----------
    rules : id of the criteria; those of RECIST 1.1 have lines at -30% and +20%

    Raises
    ------
    ValueError
        There is no patient, or a change is not finite or below -100%.
    """
    _check([(entry.patient, entry.percent) for entry in patients])
    texts, table = Texts(language), _table()
    most = float(table["best_at_most_percent"])
    ordered = sorted(patients, key=lambda entry: (-entry.percent, entry.patient))
    limits = _limits(rules)
    low, high = _range([min(entry.percent, most) for entry in ordered], limits)
    if ordered[0].percent > most:
        high += _ROOM_FOR_FIGURES
    width = max(_LEAST_WIDTH, _BAR_STEP * len(ordered) + 90)
    chart = SvgChart(width, _HEIGHT, low, high, texts("plot_waterfall"), right=46)
    _frame(chart, limits, texts("plot_best_change"), outside=True)
    step = (chart.right - chart.left) / len(ordered)
    for index, entry in enumerate(ordered):
        x = chart.left + (index + (1 - _BAR_SHARE) / 2) * step
        label = f"{entry.patient} {entry.response} {signed(entry.percent, 0)}%".replace("  ", " ")
        chart.bar(x, step * _BAR_SHARE, min(entry.percent, most), _colour(entry.response), label)
        middle = x + step * _BAR_SHARE / 2
        if entry.percent > most:
            chart.words(middle + 4, chart.y(most) - 5, f"{signed(entry.percent, 0)}%", "start", INK, -90.0)
        if step >= 12:
            chart.words(middle + 4, chart.bottom + 8, _short(entry.patient), "end", INK, -55.0)
    _legend(chart, [entry.response for entry in ordered])
    return chart.text()


def spider_svg(patients: Sequence[ChangeOverTime], language: str = "en", rules: str = "recist-1.1") -> str:
    """Return the change of each patient over time as lines from the baseline, with lines at the limits of `rules`.

    Parameters
    ----------
    rules : as of `waterfall_svg`

    Raises
    ------
    ValueError
        There is no patient, days and changes are not as many or go back, a change is not finite or below -100%.
    """
    for entry in patients:
        if len(entry.days) != len(entry.percent):
            raise ValueError(f"{entry.patient}: {len(entry.days)} days for {len(entry.percent)} changes.")
        if any(later <= earlier for earlier, later in zip((0.0, *entry.days), entry.days)):
            raise ValueError(f"{entry.patient}: days go back, or are not after the baseline.")
    _check([(entry.patient, percent) for entry in patients for percent in entry.percent])
    texts, limits = Texts(language), _limits(rules)
    low, high = _range([percent for entry in patients for percent in entry.percent], limits)
    chart = SvgChart(_LEAST_WIDTH + 160, _HEIGHT, low, high, texts("plot_spider"), right=74)
    _frame(chart, limits, texts("plot_change"), outside=False)
    last_day = max(day for entry in patients for day in entry.days)
    months = last_day / _DAYS_A_MONTH

    def x(day: float) -> float:
        return chart.left + day / last_day * (chart.right - chart.left)

    for tick in ticks_between(0.0, months, 8):
        chart.line([(x(tick * _DAYS_A_MONTH), chart.bottom), (x(tick * _DAYS_A_MONTH), chart.bottom + 4)])
        chart.words(x(tick * _DAYS_A_MONTH), chart.bottom + 16, f"{tick:g}", "middle")
    chart.words((chart.left + chart.right) / 2, chart.bottom + 34, texts("plot_months"), "middle")
    for entry in sorted(patients, key=lambda one: one.patient):
        points = [(chart.left, chart.y(0.0))]
        points += [(x(day), chart.y(percent)) for day, percent in zip(entry.days, entry.percent)]
        # A dark rim keeps light colours visible on white paper.
        chart.line(points, INK, 2.8, kind="rim")
        chart.line(points, _colour(entry.response), 1.8, kind="course")
        for (px, py), percent in zip(points[1:], entry.percent):
            chart.dot(px, py, _colour(entry.response), f"{entry.patient} {signed(percent, 0)}%")
        chart.words(points[-1][0] + 7, points[-1][1] + 4, _short(entry.patient))
    _legend(chart, [entry.response for entry in patients])
    return chart.text()


def _frame(chart: SvgChart, limits: Sequence[float], name: str, outside: bool) -> None:
    ticks = ticks_between(chart.low, chart.high)
    chart.value_axis(ticks, [f"{signed(tick, 0)}%" for tick in ticks], name)
    chart.line([(chart.left, chart.y(0.0)), (chart.right, chart.y(0.0))], INK, 1.2, kind="zero")
    for value in limits:
        chart.limit(value, f"{signed(value, 0)}%", outside)


def _legend(chart: SvgChart, responses: Sequence[str]) -> None:
    """Name the colours in use, in the table's order, above the plot area's lower right corner."""
    used = [name for name in _table()["colours"] if name and name in responses]
    longest = max(map(len, used), default=0)
    x = min(chart.right - 34, chart.width - _POINTS_A_LETTER * longest)
    for index, name in enumerate(used):
        y = chart.top + 8 + 15 * index
        chart.dot(x - 8, y - 4, _colour(name), name, kind="key")
        chart.words(x, y, name)


def _short(patient: str) -> str:
    """Return the end of a label that is too long, since study numbers differ there; the title has the whole."""
    return patient if len(patient) <= _MOST_LETTERS else f"…{patient[1 - _MOST_LETTERS :]}"


def _limits(rules: str) -> tuple[float, ...]:
    table = _table()
    return tuple(map(float, table["limits_of_other_rules"].get(rules, table["limits_percent"])))


def _range(percents: Sequence[float], limits: Sequence[float]) -> tuple[float, float]:
    """Return a range that holds the values, zero and the limits, in steps of 10%."""
    values = [*percents, *limits, 0.0]
    low, high = 10 * math.floor(min(values) / 10), 10 * math.ceil(max(values) / 10)
    return float(low - (10 if low > -100 else 0)), float(high + 10)


def _check(changes: Sequence[tuple[str, float]]) -> None:
    if not changes:
        raise ValueError("There is no patient with a change to plot.")
    for patient, percent in changes:
        if not (math.isfinite(percent) and percent >= -100):
            raise ValueError(f"{patient}: a change of {percent}% is not possible.")


def _colour(response: str) -> str:
    colours: Mapping[str, str] = _table()["colours"]
    return colours.get(response, colours[""])


def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = load_resource("report/response_plots.json")
    return table
