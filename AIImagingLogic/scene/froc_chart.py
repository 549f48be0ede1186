"""The free-response curve of a detector as a native plot, with its table."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.evaluation.detection_study import DetectionStudy
from AIImagingLogic.scene.plots import dress_line
from AIImagingLogic.scene.tables import Column, table_node

_RATE, _SENSITIVITY = "False positives per scan", "Sensitivity"


def froc_chart_nodes(study: DetectionStudy, scene: Any, name: str) -> tuple[Any, ...]:
    """Add table, chart and series of a study's curve.

    Returns
    -------
    (table, chart, series)
    """
    # A plot of Slicer has no logarithmic axis that ends are set of; the rates are few, so that a linear one will do.
    points = [(0.0, 0.0), *((rate, value) for _, rate, value in study.curve if rate <= study.rates[-1])]
    rates, values = zip(*points)
    table = table_node([Column(_RATE, list(rates)), Column(_SENSITIVITY, list(values))], scene, name)
    series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", _SENSITIVITY)
    dress_line(series, table, _RATE, _SENSITIVITY)
    series.SetMarkerStyle(series.MarkerStyleNone)
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", f"{name} chart")
    chart.SetTitle(f"CPM {study.competition_metric:.3f}")
    chart.SetXAxisTitle(_RATE)
    chart.SetYAxisTitle(_SENSITIVITY)
    chart.SetYAxisRangeAuto(False)
    chart.SetYAxisRange(0.0, 1.0)
    chart.SetLegendVisibility(False)
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    return table, chart, series
