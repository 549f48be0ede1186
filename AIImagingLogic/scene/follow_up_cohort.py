"""Responses of many patients as Slicer's own plots: waterfall of the best changes, spider plot of their courses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from AIImagingLogic.cohort.patient_response import CohortResponses
from AIImagingLogic.cohort.response_files import best_changes, changes_over_time
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.report.response_plots import BestChange, ChangeOverTime
from AIImagingLogic.scene.node_names import unique_name
from AIImagingLogic.scene.plots import dress_line
from AIImagingLogic.scene.provenance import mark
from AIImagingLogic.scene.tables import Column, table_node

_NAN = math.nan
_CHANGE, _RANK = "Change from baseline, %", "Patients, by best change"
_DAYS = "Days from the baseline"
# Points on the screen that all bars share, and the widest that one is.
_BARS_POINTS, _WIDEST_POINTS, _LEAST_POINTS = 420.0, 22.0, 3.0
_LIMIT_GREY = (0.15, 0.15, 0.15)
_DARK_GREY = (0.25, 0.25, 0.25)
_BRIGHTEST = 0.7
# Of the width of what is plotted; percent above and below; the least rise and fall that the axis shows.
_LEGEND_SHARE, _MARGIN, _LEAST_SHOWN = 1.16, 5.0, 30.0


@dataclass(frozen=True)
class CohortNodes:
    """The new nodes; a chart is None where there is nothing to plot.

    Attributes
    ----------
    table : a row a patient: best response, best change, last day
    waterfall, spider : vtkMRMLPlotChartNode
    notes : what could not be shown, one sentence each
    """

    table: Any
    waterfall: Any | None
    spider: Any | None
    notes: tuple[str, ...]


def add_cohort_plots(cohort: CohortResponses, scene: Any) -> CohortNodes:
    """Add a table, a waterfall and a spider plot to a scene; nothing that is there is changed.

    Bars and lines have the colour of the best response, and lines stand at the limits of the criteria. A rise beyond
    100% is cut there in the waterfall; the table has its figure.

    Raises
    ------
    SceneError
        No patient could be read.
    """
    if not cohort.patients:
        reasons = "; ".join(f"{one.patient}: {one.reason}" for one in cohort.skipped[:3])
        raise SceneError(f"No patient could be read. {reasons}".strip(), "Choose a folder with a folder a patient.")
    bars = sorted(best_changes(cohort), key=lambda bar: (-bar.percent, bar.patient))
    courses = changes_over_time(cohort)
    notes = [f"{one.patient} was left out: {one.reason}" for one in cohort.skipped]
    if not bars:
        notes.append("No waterfall: no patient has a change that was measured.")
    if not courses:
        notes.append("No spider plot: no patient has a change that was measured at a dated visit.")
    table = table_node(_patient_columns(cohort, bars), scene, unique_name(scene, "Cohort responses"))
    mark(table, "cohort responses", None)
    return CohortNodes(
        table,
        _waterfall(cohort, bars, scene) if bars else None,
        _spider(cohort, courses, scene) if courses else None,
        tuple(notes),
    )


def _patient_columns(cohort: CohortResponses, bars: Sequence[BestChange]) -> list[Column]:
    change = {bar.patient: bar.percent for bar in bars}
    patients = sorted(cohort.patients, key=lambda one: (-change.get(one.patient, -math.inf), one.patient))
    days = [[day for day in one.days if day is not None] for one in patients]
    return [
        Column("Patient", [one.patient for one in patients]),
        Column("Best response", [one.best for one in patients]),
        Column("Best change", [change.get(one.patient, _NAN) for one in patients], "%"),
        Column("Visits", [float(len(one.assessments)) for one in patients]),
        Column("Followed", [known[-1] if known else _NAN for known in days], "d"),
    ]


def _waterfall(cohort: CohortResponses, bars: Sequence[BestChange], scene: Any) -> Any:
    """Add the waterfall: a bar is a broad line from 0 to the change, so that each has the colour of its response."""
    most = load_resource("report/response_plots.json")["best_at_most_percent"]
    lines = [
        _Line(bar.response, bar.patient, ((float(rank), 0.0), (float(rank), min(bar.percent, most))))
        for rank, bar in enumerate(bars, start=1)
    ]
    chart = _chart(scene, "Cohort waterfall", cohort, f"Best change, {cohort.name}", _RANK)
    width = min(max(_BARS_POINTS / len(bars), _LEAST_POINTS), _WIDEST_POINTS)
    for series in _add_lines(chart, lines):
        series.SetLineWidth(width)
        series.SetMarkerStyle(series.MarkerStyleNone)
    _add_limits(chart, cohort, 0.5, len(bars) + 0.5)
    _make_room(chart, [value for line in lines for _rank, value in line.points], 0.0, len(bars) + 0.5)
    return chart


def _spider(cohort: CohortResponses, courses: Sequence[ChangeOverTime], scene: Any) -> Any:
    """Add the spider plot: a line a patient from the baseline on."""
    lines = [
        _Line(course.response, course.patient, ((0.0, 0.0), *zip(course.days, course.percent))) for course in courses
    ]
    chart = _chart(scene, "Cohort spider", cohort, f"Change over time, {cohort.name}", _DAYS)
    _add_lines(chart, lines)
    last = max(course.days[-1] for course in courses)
    _add_limits(chart, cohort, 0.0, last)
    _make_room(chart, [value for line in lines for _day, value in line.points], 0.0, last)
    return chart


@dataclass(frozen=True)
class _Line:
    """What is drawn of a patient."""

    response: str
    patient: str
    points: tuple[tuple[float, float], ...]


def _add_lines(chart: Any, lines: Sequence[_Line]) -> list[Any]:
    """Add a series a response, in which the lines of its patients break off between each other, by no number."""
    columns: list[Column] = []
    responses = list(dict.fromkeys(line.response for line in lines))
    length = sum(len(line.points) + 1 for line in lines)
    for response in responses:
        own = [line for line in lines if line.response == response]
        rows = [point for line in own for point in (*line.points, (_NAN, _NAN))]
        names = [line.patient for line in own for _row in range(len(line.points) + 1)]
        missing = length - len(rows)
        columns += [
            Column(f"{response} at", [at for at, _value in rows] + [_NAN] * missing),
            Column(f"{response} change", [value for _at, value in rows] + [_NAN] * missing, "%"),
            Column(f"{response} patient", names + [""] * missing),
        ]
    scene = chart.GetScene()
    table = table_node(columns, scene, unique_name(scene, f"{chart.GetName()} data"))
    mark(table, "cohort plot", None)
    made = []
    for response in responses:
        series = _series(chart, table, response or "not known", f"{response} at", f"{response} change", response)
        series.SetLabelColumnName(f"{response} patient")
        made.append(series)
    return made


def _make_room(chart: Any, changes: Sequence[float], first: float, last: float) -> None:
    """Set the axes: all changes with a margin, and room for the legend on the right, where it hides no line."""
    chart.SetXAxisRangeAuto(False)
    chart.SetXAxisRange(first, first + (last - first) * _LEGEND_SHARE)
    chart.SetYAxisRangeAuto(False)
    chart.SetYAxisRange(min(*changes, -_LEAST_SHOWN) - _MARGIN, max(*changes, _LEAST_SHOWN) + _MARGIN)


def _chart(scene: Any, name: str, cohort: CohortResponses, title: str, x_title: str) -> Any:
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", unique_name(scene, name))
    chart.SetTitle(f"{title}, {len(cohort.patients)} patients")
    chart.SetXAxisTitle(x_title)
    chart.SetYAxisTitle(_CHANGE)
    return chart


def _series(chart: Any, table: Any, name: str, x_name: str, y_name: str, response: str) -> Any:
    series = chart.GetScene().AddNewNodeByClass("vtkMRMLPlotSeriesNode", name)
    dress_line(series, table, x_name, y_name)
    series.SetColor(*_colour(response))
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    return series


def _add_limits(chart: Any, cohort: CohortResponses, first: float, last: float) -> None:
    """Add a dashed line at each limit of the criteria, from one end of the axis to the other."""
    plots = load_resource("report/response_plots.json")
    limits = plots["limits_of_other_rules"].get(cohort.rules, plots["limits_percent"])
    columns = [Column("x", [first, last])]
    columns += [Column(_limit_name(limit), [float(limit), float(limit)], "%") for limit in limits]
    scene = chart.GetScene()
    table = table_node(columns, scene, unique_name(scene, f"{chart.GetName()} limits"))
    mark(table, "cohort plot", None)
    for limit in limits:
        series = _series(chart, table, _limit_name(limit), "x", _limit_name(limit), "")
        series.SetColor(*_LIMIT_GREY)
        series.SetMarkerStyle(series.MarkerStyleNone)
        series.SetLineStyle(series.LineStyleDash)


def _limit_name(limit: float) -> str:
    return f"{limit:+g}%"


def _colour(response: str) -> tuple[float, float, float]:
    """Return the colour of a response, dark enough to be seen on white; white itself becomes a dark grey."""
    colours = load_resource("report/response_plots.json")["colours"]
    text = colours.get(response, colours[""])
    red, green, blue = (int(text[at : at + 2], 16) / 255 for at in (1, 3, 5))
    if min(red, green, blue) == 1:
        return _DARK_GREY
    share = min(1.0, _BRIGHTEST / max(min(red, green, blue), 1e-6))
    return red * share, green * share, blue * share
