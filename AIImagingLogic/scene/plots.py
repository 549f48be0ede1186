"""The growth plot: volume of every lesion over the visits, as plot series on a table."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import datetime
from typing import Any

from AIImagingLogic.records.measurement import measurement_entry
from AIImagingLogic.records.timeline import Lesion, Timeline
from AIImagingLogic.scene.provenance import mark
from AIImagingLogic.scene.tables import Column, fill_table, table_node

_MEASURE = "volume"
_DAYS = "Days after the first visit"
_VISIT = "Visit"
_LESION = "Lesion"
_FEWEST_POINTS = 2
_TABLE_ROLE = "AIImaging.GrowthTable"


def growth_plot_nodes(timeline: Timeline, scene: Any, name: str) -> tuple[Any, ...]:
    """Add table, series and chart of the volume of every lesion that was measured at two visits or more.

    The time axis is in days when all visits are dated, else the number of the visit.

    Returns
    -------
    (table, chart, *series)
        Empty when no lesion was measured at two visits: there is nothing to plot.
    """
    if not _plotted(timeline):
        return ()
    table = table_node([], scene, name)
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", f"{name} chart")
    chart.SetTitle("Volume of each lesion")
    chart.SetYAxisTitle("Volume, mm³")
    chart.SetNodeReferenceID(_TABLE_ROLE, table.GetID())
    mark(table, "growth", timeline.provenance)
    return (table, chart, *fill_growth(chart, timeline))


def fill_growth(chart: Any, timeline: Timeline) -> list[Any]:
    """Let the growth chart and its table show a timeline; series of lesions that are no more are removed.

    Returns
    -------
    list of vtkMRMLPlotSeriesNode
        One a lesion; none when the table was removed from the scene.
    """
    scene, table = chart.GetScene(), chart.GetNodeReference(_TABLE_ROLE)
    if table is None:
        return []
    lesions = _plotted(timeline)
    time_name, times = time_axis(timeline)
    unit = measurement_entry(_MEASURE)["unit"]
    columns = [Column(time_name, times, "d" if time_name == _DAYS else "")]
    columns += [Column(_name(lesion), _volumes(timeline, lesion), unit) for lesion in lesions]
    fill_table(table, columns)
    chart.SetXAxisTitle(time_name)
    known = {node.GetYColumnName(): node for node in series_of(table)}
    for name, node in known.items():
        if name not in {_name(lesion) for lesion in lesions}:
            scene.RemoveNode(node)
    chart.RemoveAllPlotSeriesNodeIDs()
    made = []
    for lesion in lesions:
        node = known.get(_name(lesion)) or scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", _name(lesion))
        dress_line(node, table, time_name, _name(lesion))
        node.SetColor(*(channel / 255 for channel in lesion.colour))
        chart.AddAndObservePlotSeriesNodeID(node.GetID())
        made.append(node)
    return made


def dress_line(series: Any, table: Any, x_name: str, y_name: str) -> None:
    """Let a plot series show two columns of a table as a line with marks."""
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName(x_name)
    series.SetYColumnName(y_name)
    series.SetPlotType(series.PlotTypeScatter)
    series.SetLineStyle(series.LineStyleSolid)
    series.SetMarkerStyle(series.MarkerStyleCircle)


def show_lesions(chart: Any, numbers: Collection[int]) -> None:
    """Let the growth chart show these lesions only; all of them when it has none of these."""
    wanted = {f"{_LESION} {number}" for number in numbers}
    table = chart.GetNodeReference(_TABLE_ROLE)
    series = [] if table is None else series_of(table)
    shown = [node for node in series if node.GetYColumnName() in wanted] or series
    was_modifying = chart.StartModify()
    chart.RemoveAllPlotSeriesNodeIDs()
    for node in shown:
        chart.AddAndObservePlotSeriesNodeID(node.GetID())
    chart.EndModify(was_modifying)


def series_of(table: Any) -> list[Any]:
    """Return the plot series that show a table."""
    found = table.GetScene().GetNodesByClass("vtkMRMLPlotSeriesNode")
    nodes = [found.GetItemAsObject(index) for index in range(found.GetNumberOfItems())]
    return [node for node in nodes if node.GetTableNodeID() == table.GetID()]


def time_axis(timeline: Timeline) -> tuple[str, list[float]]:
    """Return the name of the time axis and where each visit stands on it."""
    return _times([visit.info.acquired for visit in timeline.visits])


def _name(lesion: Lesion) -> str:
    return f"{_LESION} {lesion.number}"


def _plotted(timeline: Timeline) -> list[Lesion]:
    return [
        lesion
        for lesion in timeline.lesions
        if sum(not math.isnan(volume) for volume in _volumes(timeline, lesion)) >= _FEWEST_POINTS
    ]


def _volumes(timeline: Timeline, lesion: Lesion) -> list[float]:
    """Return the volume of a lesion at each visit, not a number where it was not measured."""
    findings = (visit.finding(uid) for visit, uid in zip(timeline.visits, lesion.observations, strict=True))
    volumes = [found.value(_MEASURE) if found else None for found in findings]
    return [math.nan if volume is None else volume for volume in volumes]


def _times(dates: list[datetime | None]) -> tuple[str, list[float]]:
    known = [date for date in dates if date is not None]
    if len(known) < len(dates):
        return _VISIT, [float(number) for number in range(1, len(dates) + 1)]
    return _DAYS, [(date - known[0]).total_seconds() / 86400 for date in known]
