"""The growth plot: volume of every lesion over the visits, as plot series on a table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from AIImagingLogic.records.measurement import measurement_entry
from AIImagingLogic.records.timeline import Lesion, Timeline
from AIImagingLogic.scene.provenance import mark
from AIImagingLogic.scene.tables import Column, table_node

_MEASURE = "volume"
_DAYS = "Days after the first visit"
_VISIT = "Visit"


def growth_plot_nodes(timeline: Timeline, scene: Any, name: str) -> tuple[Any, ...]:
    """Add table, series and chart of the volume of every lesion that was measured at every visit.

    The time axis is in days when all visits are dated, else the number of the visit.

    Returns
    -------
    (table, chart, *series)
        Empty when no lesion was measured at every visit: there is nothing to plot.
    """
    volumes = [(lesion, _volumes(timeline, lesion)) for lesion in timeline.lesions]
    complete = [(lesion, values) for lesion, values in volumes if values is not None]
    if not complete:
        return ()
    dates = [visit.info.acquired for visit in timeline.visits]
    time_name, times = _times(dates)
    unit = measurement_entry(_MEASURE)["unit"]
    columns = [Column(time_name, times, "d" if time_name == _DAYS else "")]
    columns += [Column(f"Lesion {lesion.number}", values, unit) for lesion, values in complete]
    table = table_node(columns, scene, name)
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", f"{name} chart")
    chart.SetTitle("Volume of each lesion")
    chart.SetXAxisTitle(time_name)
    chart.SetYAxisTitle("Volume, mm³")
    series_nodes = []
    for lesion, _ in complete:
        column = f"Lesion {lesion.number}"
        series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", column)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName(time_name)
        series.SetYColumnName(column)
        series.SetPlotType(series.PlotTypeScatter)
        series.SetLineStyle(series.LineStyleSolid)
        series.SetMarkerStyle(series.MarkerStyleCircle)
        series.SetColor(*(channel / 255 for channel in lesion.colour))
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
        series_nodes.append(series)
    mark(table, "growth", timeline.provenance)
    return (table, chart, *series_nodes)


def _volumes(timeline: Timeline, lesion: Lesion) -> list[float] | None:
    """Return the volume of a lesion at each visit, None when it was not measured at every one."""
    findings = (visit.finding(uid) for visit, uid in zip(timeline.visits, lesion.observations, strict=True))
    volumes = [found.value(_MEASURE) if found else None for found in findings]
    return None if None in volumes else [volume for volume in volumes if volume is not None]


def _times(dates: list[datetime | None]) -> tuple[str, list[float]]:
    known = [date for date in dates if date is not None]
    if len(known) < len(dates):
        return _VISIT, [float(number) for number in range(1, len(dates) + 1)]
    return _DAYS, [(date - known[0]).total_seconds() / 86400 for date in known]
