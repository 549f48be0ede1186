"""The nodes of a follow-up after a correction: names, colours, tables and chart follow the timeline, in place."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from AIImagingLogic.records.timeline import Lesion, Timeline, Visit
from AIImagingLogic.scene.finding_boxes import read_boxes, write_boxes
from AIImagingLogic.scene.finding_view import FindingView
from AIImagingLogic.scene.plots import fill_growth
from AIImagingLogic.scene.tables import change_columns, fill_table


def show_corrected(timeline: Timeline, table: Any, points: Sequence[Any | None], chart: Any | None = None) -> None:
    """Let the nodes of a follow-up show a timeline of the same findings.

    Outlines and measurements stay: a correction says which lesion they are of.

    Parameters
    ----------
    timeline : after a correction, or after one was undone
    table : the change table
    points : point list of the findings of each visit, None where it was removed from the scene
    chart : the growth chart, None when there is none

    Raises
    ------
    SceneError
        A list of findings has lost its box; nothing was changed.
    """
    views = [None if node is None else FindingView.from_nodes(node) for node in points]
    fill_table(table, change_columns(timeline))
    for index, (visit, view) in enumerate(zip(timeline.visits, views, strict=True)):
        if view is not None:
            _show_visit(visit, _lesions_by_uid(timeline, index), view)
    if chart is not None:
        fill_growth(chart, timeline)


def _lesions_by_uid(timeline: Timeline, index: int) -> dict[str, Lesion]:
    return {uid: lesion for lesion in timeline.lesions if (uid := lesion.observations[index]) is not None}


def _show_visit(visit: Visit, lesions: dict[str, Lesion], view: FindingView) -> None:
    points = view.points
    boxes = read_boxes(points)
    names = {finding.uid: finding.name for finding in visit.findings}
    names.update({uid: f"Lesion {lesion.number}" for uid, lesion in lesions.items()})
    was_modifying = points.StartModify()
    for index, uid in enumerate(view.uids):
        points.SetNthControlPointLabel(index, names.get(uid, uid))
    points.EndModify(was_modifying)
    for uid, lesion in lesions.items():
        if uid in boxes:
            boxes[uid] = dataclasses.replace(boxes[uid], colour=lesion.colour)
        segment = view.segment(uid)
        if segment is not None:
            segment.SetName(names[uid])
            segment.SetColor(*(channel / 255 for channel in lesion.colour))
    write_boxes(points, boxes)
    _show_reviews(visit, view)
    _show_names(view, names)


def _show_reviews(visit: Visit, view: FindingView) -> None:
    if view.table is None:
        return
    rows = view.table.GetTable().GetNumberOfRows()
    # What a person deleted of the list or of the table stays deleted.
    there = set(view.uids).intersection(view.uid_of_row(row) for row in range(rows))
    for finding in visit.findings:
        if finding.uid in there and view.review(finding.uid) != finding.review.value:
            view.set_review(finding.uid, finding.review)


def _show_names(view: FindingView, names: dict[str, str]) -> None:
    table = None if view.table is None else view.table.GetTable()
    column = None if table is None else table.GetColumnByName("Name")
    if table is None or column is None:
        return
    for row in range(column.GetNumberOfValues()):
        uid = view.uid_of_row(row)
        if uid in names:
            column.SetValue(row, names[uid])
    column.Modified()
    table.Modified()
