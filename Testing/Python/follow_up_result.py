"""What the nodes of a follow-up's result say, for tests of corrections."""

from __future__ import annotations

from typing import Any

from panel_setting import PanelSetting

# A finding of each lesion of `linked_timeline`.
GROWING, STABLE, NEW, GONE = "1.2.0.1", "1.2.0.2", "1.2.2.3", "1.2.0.4"


def number_of(setting: PanelSetting, uid: str) -> int:
    """Return the number of the lesion of a finding."""
    lesions = setting.panel.widget._result.lesions
    return int(next(lesion.number for lesion in lesions if uid in lesion.observations))


def labels_of(points: Any) -> list[str]:
    return [points.GetNthControlPointLabel(index) for index in range(points.GetNumberOfControlPoints())]


def column_of(table: Any, name: str) -> list[Any]:
    column = table.GetTable().GetColumnByName(name)
    return [column.GetValue(row) for row in range(column.GetNumberOfValues())]


def state_of(run: Any) -> dict[str, Any]:
    """Return all that a correction may change of the nodes of a result."""
    table = run.nodes.change_table
    chart = next(node for node in run.nodes.plots if node.IsA("vtkMRMLPlotChartNode"))
    series = [chart.GetNthPlotSeriesNode(index) for index in range(chart.GetNumberOfPlotSeriesNodes())]
    return {
        "lesions": column_of(table, "Lesion"),
        "status": column_of(table, "Status"),
        "reason": column_of(table, "Reason"),
        "points": [labels_of(visit.points) for visit in run.nodes.visits],
        "boxes": [visit.points.GetAttribute("AIImaging.FindingBoxes") for visit in run.nodes.visits],
        "names": [column_of(visit.table, "Name") for visit in run.nodes.visits],
        "reviews": [column_of(visit.table, "Review") for visit in run.nodes.visits],
        "selected": [
            [visit.points.GetNthControlPointSelected(index) for index in range(visit.points.GetNumberOfControlPoints())]
            for visit in run.nodes.visits
        ],
        "series": sorted(node.GetYColumnName() for node in series),
        "colours": {node.GetYColumnName(): node.GetColor() for node in series},
    }
