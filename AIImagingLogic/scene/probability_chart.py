"""The probabilities of classes as a table and a bar chart."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.records.classification import Classification
from AIImagingLogic.scene.provenance import mark, provenance_of
from AIImagingLogic.scene.tables import Column, table_node

CLASS, PROBABILITY, ABOVE = "Class", "Probability", "Above threshold"


def probability_table_node(result: Classification, scene: Any, name: str) -> Any:
    """Add the classes and their probabilities (%), a row each in the model's order, and whether each is called."""
    columns = [
        Column(CLASS, [concept.name for concept in result.classes]),
        Column(PROBABILITY, [100 * value for value in result.probabilities], "%"),
        Column(ABOVE, ["yes" if called else "no" for called in result.above_threshold]),
    ]
    node = table_node(columns, scene, name)
    mark(node, "probabilities", result.provenance)
    return node


def probability_chart_nodes(result: Classification, scene: Any, name: str) -> tuple[Any, ...]:
    """Add a bar chart of 0 to 100 %: a series a class, since Slicer's plots write no names under bars.

    Returns
    -------
    (chart, table, *series)
        The table has a column a class and one row, which the series need.
    """
    columns = [
        Column(concept.name, [100 * value], "%")
        for concept, value in zip(result.classes, result.probabilities, strict=True)
    ]
    table = table_node(columns, scene, f"{name} values")
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", name)
    chart.SetTitle(f"Probability of each class ({result.calibration})")
    chart.SetYAxisTitle(f"Probability, % (threshold {100 * result.threshold:.0f})")
    chart.SetYAxisRangeAuto(False)
    chart.SetYAxisRange(0.0, 100.0)
    # All bars stand side by side around 0, the number of the only row; the legend has room at their right.
    chart.SetXAxisTitle("Class, by its colour")
    chart.SetXAxisRangeAuto(False)
    chart.SetXAxisRange(-0.5, 0.8)
    chart.SetLegendVisibility(True)
    made = []
    for concept in result.classes:
        series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", concept.name)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetPlotType(series.PlotTypeBar)
        series.SetYColumnName(concept.name)
        series.SetColor(*(level / 255 for level in concept.colour))
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
        made.append(series)
    mark(chart, "probability chart", result.provenance)
    return chart, table, *made


def most_probable(table: Any) -> tuple[str, float, str]:
    """Return the name and the probability (%) of the most probable class of a table, and what its calibration is."""
    columns = table.GetTable()
    values = [columns.GetColumnByName(PROBABILITY).GetValue(row) for row in range(columns.GetNumberOfRows())]
    best = max(range(len(values)), key=values.__getitem__)
    provenance = provenance_of(table)
    calibration = provenance.parameters.get("calibration", "") if provenance else ""
    return columns.GetColumnByName(CLASS).GetValue(best), values[best], calibration or "calibration not known"
