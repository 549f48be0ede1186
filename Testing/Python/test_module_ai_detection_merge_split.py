"""Merge and split in the panel of AI Detection: outlines, rows, points and boxes follow; proposals are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from reviewed_findings import add_findings

from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))

_MODULE = Path(__file__).resolve().parents[2] / "AIImaging" / "AIDetection"


class _Panel:
    """The panel with four findings of one voxel each on a volume that is no CT: measured without lungs, at once."""

    def __init__(self, host: Any) -> None:
        from AIImagingLogic.scene.volumes import volume_node_from_image

        image = sitk.GetImageFromArray(np.arange(20 * 30 * 40, dtype=np.int16).reshape(20, 30, 40))
        image.SetSpacing((0.8, 1.0, 1.6))
        image.SetOrigin((-31.0, 47.0, -103.0))
        image.SetDirection((0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
        self.host = host
        self.panel = host.open_module(_MODULE)
        self.volume = volume_node_from_image(image, host.scene, "MR")
        self.nodes = add_findings(host.scene, self.volume, 4)
        self.panel.choose("findingsSelector", self.nodes.points)

    @property
    def view(self) -> Any:
        return self.panel.logic.findingView(self.nodes)

    def select(self, *rows: int) -> None:
        """Click on rows, with Ctrl on all but the first."""
        import qt

        table = self.panel.ui.findingsTableView
        table.setCurrentIndex(table.model().index(rows[0], 0))
        for row in rows[1:]:
            flags = int(qt.QItemSelectionModel.Select) | int(qt.QItemSelectionModel.Rows)
            table.selectionModel().select(table.model().index(row, 0), qt.QItemSelectionModel.SelectionFlags(flags))
        self.host.process_events()

    def edit(self, button: str) -> None:
        """Press a button and wait for its run."""
        before = self.nodes.table.GetMTime()
        self.panel.click(button)
        done = lambda: self.nodes.table.GetMTime() != before and not self.panel.widget._rows._rows  # noqa: E731
        self.host.process_events(until=lambda: done() or self.host.messages.texts("error"), timeout=200)
        assert self.host.messages.texts("error") == []

    @property
    def state(self) -> tuple[list[str], list[str], list[str], int]:
        """Uids of the table, of the points and of the segments; how many boxes."""
        from AIDetectionLib.finding_rows import TableColumns

        from AIImagingLogic.scene.finding_boxes import read_boxes

        table = self.nodes.table
        rows = [TableColumns(table).text("UID", row) for row in range(table.GetNumberOfRows())]
        view = self.view
        return rows, list(view.uids), sorted(view._segments), len(read_boxes(self.nodes.points))


@pytest.fixture
def panel() -> Any:
    from Testing.Host import running

    with running() as host:
        yield _Panel(host)


def _voxels(panel: _Panel, uid: str) -> int:
    from AIDetectionLib.correction import outline_of
    from vtk.util.numpy_support import vtk_to_numpy

    outline = outline_of(panel.view, uid)
    return int((vtk_to_numpy(outline.GetPointData().GetScalars()) > 0).sum())


def test_merged_findings_are_one_and_split_again_they_are_two_where_they_were(panel: _Panel) -> None:
    ui = panel.panel.ui
    uids = list(panel.view.uids)
    places = [panel.nodes.points.GetNthControlPointPosition(index) for index in range(4)]
    panel.select(0)
    assert not ui.mergeButton.enabled and ui.splitButton.enabled
    panel.select(1, 2)
    assert ui.mergeButton.enabled and not ui.splitButton.enabled and not ui.editButton.enabled
    panel.edit("mergeButton")
    rows, points, segments, boxes = panel.state
    kept = uids[1]
    assert rows == points == [uids[0], kept, uids[3]] and segments == sorted(points) and boxes == 3
    assert _voxels(panel, kept) == 2 and panel.view.review(kept) == "edited"
    middle = np.mean([places[1], places[2]], axis=0)
    assert panel.nodes.points.GetNthControlPointPosition(1) == pytest.approx(middle.tolist(), abs=1e-6)
    proposals = panel.nodes.lesions.GetNodeReference("AIImaging.Proposal")
    assert proposals.GetSegmentation().GetNumberOfSegments() == 2
    assert ui.countsLabel.text == "3 findings: 1 edited, 2 to review"

    panel.select(1)
    panel.edit("splitButton")
    rows, points, segments, boxes = panel.state
    assert len(set(points)) == 4 and set(rows) == set(points) == set(segments) and boxes == 4
    new = next(uid for uid in points if uid not in uids)
    assert _voxels(panel, kept) == _voxels(panel, new) == 1
    found = sorted(panel.nodes.points.GetNthControlPointPosition(points.index(uid)) for uid in (kept, new))
    assert np.array(found) == pytest.approx(np.array(sorted(places[1:3])), abs=1e-6)
    # The next free number, so that no two findings are called alike.
    assert panel.nodes.points.GetNthControlPointLabel(points.index(new)) == "Lesion 5"
    assert ui.countsLabel.text == "4 findings: 2 edited, 2 to review"


def test_marks_of_parts_are_those_of_the_volume_and_go_with_the_split(panel: _Panel) -> None:
    from AIDetectionLib.merge_split import marks_of_parts, parts_list

    panel.select(0)
    panel.panel.click("markPartsButton")
    node = parts_list(panel.view)
    assert panel.host.scene.GetNodeByID("vtkMRMLSelectionNodeSingleton").GetActivePlaceNodeID() == node.GetID()
    node.AddControlPoint(1.0, 2.0, 3.0)
    assert marks_of_parts(panel.view) == [[-1.0, -2.0, 3.0]]
    panel.panel.click("splitButton")
    panel.host.process_events(until=lambda: panel.host.messages.texts("error"), timeout=200)
    # One mark is none of two parts: refused, and nothing changed.
    assert "mark" in panel.host.messages.texts("error")[0]
    assert panel.state[0] == panel.state[1] and len(panel.state[0]) == 4
