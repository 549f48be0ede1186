"""The sum of the targets' diameters over the visits as a chart; the choice of targets kept with the change table."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from typing import Any

from AIImagingLogic.followup.criteria.facts import checked_visits
from AIImagingLogic.followup.criteria.from_timeline import baseline_lesions, facts_from_timeline
from AIImagingLogic.followup.criteria.recist import sums_of
from AIImagingLogic.followup.criteria.target_choice import TargetChoice, edited_choice, propose_targets
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.scene.node_names import unique_name
from AIImagingLogic.scene.plots import dress_line, time_axis
from AIImagingLogic.scene.provenance import mark
from AIImagingLogic.scene.subject_hierarchy import place_beside
from AIImagingLogic.scene.tables import Column, fill_table, table_node

_CHOICE = "AIImaging.Targets"
_CHART_ROLE = "AIImaging.SumChart"
_TABLE_ROLE = "AIImaging.SumTable"
_HEADROOM = 1.15
_SUM, _BASELINE, _SMALLEST = "Sum of diameters", "Change from baseline", "Change from the smallest"


def target_choice(table: Any, timeline: Timeline) -> TargetChoice:
    """Return the targets and non-targets: a person's, as far as the lesions are still there, else as RECIST 1.1 says.

    Parameters
    ----------
    table : the change table
    timeline : as it is now
    """
    lesions, thickness = baseline_lesions(timeline), timeline.visits[0].info.slice_thickness_mm
    proposed = propose_targets(lesions, slice_thickness_mm=thickness)
    text = table.GetAttribute(_CHOICE)
    if not text:
        return proposed
    kept, there = json.loads(text), {lesion.number for lesion in lesions}
    targets, non_targets = (there.intersection(kept[name]) for name in ("targets", "non_targets"))
    return edited_choice(proposed, lesions, targets, non_targets, slice_thickness_mm=thickness)


def keep_choice(table: Any, timeline: Timeline, targets: Collection[int], non_targets: Collection[int]) -> TargetChoice:
    """Keep a person's choice of targets and non-targets with the change table, and return it.

    Raises
    ------
    FactsError
        A lesion has both roles, or was not seen at the first visit.
    """
    lesions, thickness = baseline_lesions(timeline), timeline.visits[0].info.slice_thickness_mm
    proposed = propose_targets(lesions, slice_thickness_mm=thickness)
    choice = edited_choice(proposed, lesions, targets, non_targets, slice_thickness_mm=thickness)
    kept = {"targets": choice.targets, "non_targets": choice.non_targets}
    table.SetAttribute(_CHOICE, json.dumps(kept))
    return choice


def sum_chart(table: Any) -> Any | None:
    """Return the chart of the sums of a change table, None when there is none."""
    return table.GetNodeReference(_CHART_ROLE)


def show_sums(table: Any, timeline: Timeline) -> Any:
    """Let the chart of the sums show a timeline's targets; it is made where there is none yet.

    Where a target was not measured, the sum is not known and has no mark.

    Returns
    -------
    vtkMRMLPlotChartNode

    Raises
    ------
    FactsError
        A target has no diameter at the first visit.
    """
    scene = table.GetScene()
    columns = _columns(timeline, target_choice(table, timeline))
    chart, sums = sum_chart(table), table.GetNodeReference(_TABLE_ROLE)
    if sums is None:
        sums = table_node([], scene, unique_name(scene, "Follow-up sum of diameters"))
        table.SetNodeReferenceID(_TABLE_ROLE, sums.GetID())
        mark(sums, "sum of diameters", timeline.provenance)
        place_beside(table, (sums,), scene)
    fill_table(sums, columns)
    if chart is None:
        chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", unique_name(scene, "Follow-up sum chart"))
        series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", unique_name(scene, _SUM))
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
        table.SetNodeReferenceID(_CHART_ROLE, chart.GetID())
        place_beside(table, (chart, series), scene)
    dress_line(chart.GetNthPlotSeriesNode(0), sums, columns[0].name, _SUM)
    chart.SetTitle("Sum of the diameters of the targets (RECIST 1.1)")
    chart.SetXAxisTitle(columns[0].name)
    chart.SetYAxisTitle("Sum of diameters, mm")
    # From 0 on, so that a change looks as large as it is.
    highest = max((value for value in columns[1].values if isinstance(value, float) and value > 0), default=0.0)
    chart.SetYAxisRangeAuto(highest == 0)
    chart.SetYAxisRange(0.0, highest * _HEADROOM or 1.0)
    return chart


def _columns(timeline: Timeline, choice: TargetChoice) -> list[Column]:
    name, times = time_axis(timeline)
    sums = sums_of(checked_visits(facts_from_timeline(timeline, choice)))
    known = bool(choice.targets)
    totals = [math.nan if entry.unmeasured or not known else float(entry.total_mm) for entry in sums]
    figures = [entry.figures if known else {} for entry in sums]
    changes = {
        _BASELINE: [entry.get("change_from_baseline_percent", math.nan) for entry in figures],
        _SMALLEST: [entry.get("change_from_nadir_percent", math.nan) for entry in figures],
    }
    columns = [Column(name, times), Column(_SUM, totals, "mm")]
    return [*columns, *(Column(title, values, "%") for title, values in changes.items())]
