"""Corrections, charts, targets and sign-off in the panel of AI Follow-up, and what a saved scene keeps of them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel_faults import PanelSetting, panel_setting
from test_module_ai_follow_up import _rows
from test_module_ai_follow_up_visits import MODULE

from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with panel_setting(MODULE, tmp_path, monkeypatch) as made:
        yield made


def _choose(setting: PanelSetting, *numbers: int) -> None:
    """Choose rows as clicks do: the first alone, the others with Ctrl."""
    import qt

    table = setting.panel.ui.lesionTable
    first, *others = (_rows(setting).index(number) for number in numbers)
    table.setCurrentCell(first, 0)
    for row in others:
        model = table.model()
        table.selectionModel().select(
            model.index(row, 0), int(qt.QItemSelectionModel.Select) | int(qt.QItemSelectionModel.Rows)
        )
    setting.host.process_events()


# A finding of each lesion of `linked_timeline`.
GROWING, STABLE, NEW, GONE = "1.2.0.1", "1.2.0.2", "1.2.2.3", "1.2.0.4"


def _number(setting: PanelSetting, uid: str) -> int:
    """Return the number of the lesion of a finding."""
    lesions = setting.panel.widget._result.lesions
    return int(next(lesion.number for lesion in lesions if uid in lesion.observations))


def _labels(points: Any) -> list[str]:
    return [points.GetNthControlPointLabel(index) for index in range(points.GetNumberOfControlPoints())]


def _column(table: Any, name: str) -> list[Any]:
    column = table.GetTable().GetColumnByName(name)
    return [column.GetValue(row) for row in range(column.GetNumberOfValues())]


def _state(run: Any) -> dict[str, Any]:
    """Return all that a correction may change of the nodes of a result."""
    table = run.nodes.change_table
    chart = next(node for node in run.nodes.plots if node.IsA("vtkMRMLPlotChartNode"))
    series = [chart.GetNthPlotSeriesNode(index) for index in range(chart.GetNumberOfPlotSeriesNodes())]
    return {
        "lesions": _column(table, "Lesion"),
        "status": _column(table, "Status"),
        "reason": _column(table, "Reason"),
        "points": [_labels(visit.points) for visit in run.nodes.visits],
        "boxes": [visit.points.GetAttribute("AIImaging.FindingBoxes") for visit in run.nodes.visits],
        "names": [_column(visit.table, "Name") for visit in run.nodes.visits],
        "reviews": [_column(visit.table, "Review") for visit in run.nodes.visits],
        "selected": [
            [visit.points.GetNthControlPointSelected(index) for index in range(visit.points.GetNumberOfControlPoints())]
            for visit in run.nodes.visits
        ],
        "series": sorted(node.GetYColumnName() for node in series),
        "colours": {node.GetYColumnName(): node.GetColor() for node in series},
    }


def test_broken_link_makes_two_lesions_everywhere_and_undo_and_redo_give_back_each_state(setting: PanelSetting) -> None:
    run = setting.run()
    before = _state(run)
    _choose(setting, 1)
    setting.panel.choose("laterComboBox", "Follow-up 1, 2024-07-08")
    setting.panel.click("breakButton")
    assert setting.errors == [] and sorted(_rows(setting)) == [1, 2, 3, 4, 5]
    after = _state(run)
    assert after["points"][0][0] == "Lesion 1" and after["points"][1][0] == after["points"][2][0] == "Lesion 5"
    assert after["names"] == after["points"] and "Lesion 5" in after["series"]
    boxes = [json.loads(text) for text in after["boxes"]]
    assert boxes[1]["1.2.1.1"]["colour"] == boxes[2]["1.2.2.1"]["colour"] != boxes[0]["1.2.0.1"]["colour"]
    assert "break link" in setting.panel.ui.undoButton.toolTip
    setting.panel.click("undoButton")
    assert _state(run) == before and not setting.panel.ui.undoButton.enabled
    setting.panel.click("redoButton")
    assert _state(run) == after and not setting.panel.ui.redoButton.enabled


def test_two_lesions_of_different_visits_are_joined(setting: PanelSetting) -> None:
    run = setting.run()
    gone, new = (_number(setting, uid) for uid in (GONE, NEW))
    _choose(setting, gone, new)
    assert not setting.panel.ui.breakButton.enabled
    setting.panel.click("joinButton")
    assert setting.errors == [] and sorted(_rows(setting)) == sorted({1, 2, 3, 4} - {new})
    labels = [set(_labels(visit.points)) for visit in run.nodes.visits]
    assert all(f"Lesion {gone}" in found for found in labels)


def test_lesions_seen_at_one_visit_cannot_be_joined_and_nothing_changes(setting: PanelSetting) -> None:
    run = setting.run()
    before = _state(run)
    _choose(setting, 1, _number(setting, STABLE))
    setting.panel.click("joinButton")
    assert "one lesion has one finding a visit" in setting.status and len(setting.errors) == 1
    assert _state(run) == before and not setting.panel.ui.undoButton.enabled


def test_what_is_no_lesion_leaves_the_list_and_is_marked_at_every_visit(setting: PanelSetting) -> None:
    run = setting.run()
    stable = _number(setting, STABLE)
    _choose(setting, stable)
    setting.panel.click("notLesionButton")
    assert stable not in _rows(setting)
    assert [_column(visit.table, "Review")[1] for visit in run.nodes.visits] == ["rejected"] * 3
    assert [visit.points.GetNthControlPointSelected(1) for visit in run.nodes.visits] == [False] * 3
    assert "a reader rejected" in setting.panel.ui.notesLabel.text
    setting.panel.click("undoButton")
    assert stable in _rows(setting)
    assert [_column(visit.table, "Review")[1] for visit in run.nodes.visits] == ["unreviewed"] * 3


def test_confirmed_link_says_that_a_person_said_so(setting: PanelSetting) -> None:
    setting.run()
    _choose(setting, 1)
    setting.panel.click("confirmButton")
    assert setting.errors == []
    lesion = next(entry for entry in setting.panel.widget._editor.kept.timeline.lesions if entry.number == 1)
    assert lesion.steps[2].by_hand and lesion.steps[2].confidence == 1.0


def _step(setting: PanelSetting, number: int, visit: int) -> Any:
    lesions = setting.panel.widget._editor.kept.timeline.lesions
    return next(entry for entry in lesions if entry.number == number).steps[visit]


def test_lesion_marked_as_new_begins_at_the_later_visit_compared_and_undo_gives_back_what_was(
    setting: PanelSetting,
) -> None:
    run = setting.run()
    before = _state(run)
    _choose(setting, 1)
    setting.panel.choose("laterComboBox", "Follow-up 1, 2024-07-08")
    setting.panel.click("markNewButton")
    assert setting.errors == [] and sorted(_rows(setting)) == [1, 2, 3, 4, 5]
    new = _number(setting, "1.2.1.1")
    assert new == _number(setting, "1.2.2.1") != _number(setting, GROWING) == 1
    assert _step(setting, new, 1).status.value == "new" and _step(setting, new, 1).by_hand
    assert setting.panel.ui.lesionTable.item(_rows(setting).index(new), 2).text() == "new"
    assert "mark new" in setting.panel.ui.undoButton.toolTip
    setting.panel.click("undoButton")
    assert _state(run) == before
    setting.panel.click("redoButton")
    assert _number(setting, "1.2.1.1") == new


def test_lesion_marked_as_resolved_ends_before_the_later_visit_compared_and_undo_gives_back_what_was(
    setting: PanelSetting,
) -> None:
    run = setting.run()
    before = _state(run)
    _choose(setting, 1)
    setting.panel.click("markResolvedButton")
    assert setting.errors == [] and _number(setting, "1.2.1.1") == 1
    assert _number(setting, "1.2.2.1") != 1
    assert _step(setting, 1, 2).status.value == "resolved" and _step(setting, 1, 2).by_hand
    table = run.nodes.change_table
    assert dict(zip(_column(table, "Lesion"), _column(table, "Status")))["Lesion 1"] == "resolved"
    assert "mark resolved" in setting.panel.ui.undoButton.toolTip
    setting.panel.click("undoButton")
    assert _state(run) == before


def test_only_what_the_later_visit_shows_is_marked_new_and_only_what_was_there_before_resolved(
    setting: PanelSetting,
) -> None:
    setting.run()
    ui = setting.panel.ui
    assert not ui.markNewButton.enabled and not ui.markResolvedButton.enabled
    expected = {GROWING: (True, True), NEW: (True, False), GONE: (False, True)}
    for uid, (new, resolved) in expected.items():
        _choose(setting, _number(setting, uid))
        assert (ui.markNewButton.enabled, ui.markResolvedButton.enabled) == (new, resolved)


def test_removed_registration_is_told_when_a_link_is_corrected(setting: PanelSetting) -> None:
    run = setting.run()
    setting.scene.RemoveNode(run.nodes.transforms[0])
    _choose(setting, 1)
    setting.panel.click("breakButton")
    assert "The registration of baseline and follow-up 1 was removed" in setting.status
    assert sorted(_rows(setting)) == [1, 2, 3, 4]


def test_deleted_box_is_told_before_anything_is_changed(setting: PanelSetting) -> None:
    run = setting.run()
    before = _state(run)
    setting.scene.RemoveNode(run.nodes.visits[2].box)
    _choose(setting, 1)
    setting.panel.click("notLesionButton")
    assert any("no list of findings with a box" in said for said in setting.errors)
    assert _state(run) == before and not setting.panel.ui.undoButton.enabled


def test_deleted_point_and_row_stay_deleted_when_the_rest_is_corrected(setting: PanelSetting) -> None:
    run = setting.run()
    run.nodes.visits[0].points.RemoveNthControlPoint(0)
    run.nodes.visits[1].table.RemoveRow(0)
    _choose(setting, 1)
    # The jump to the lesion tells that its point is gone; the correction goes on.
    assert all("is no longer in" in said for said in setting.errors)
    told = len(setting.errors)
    setting.panel.click("notLesionButton")
    assert len(setting.errors) == told and 1 not in _rows(setting)
    assert _column(run.nodes.visits[2].table, "Review")[0] == "rejected"
    assert run.nodes.visits[0].points.GetNumberOfControlPoints() == 2


def test_filter_leaves_the_lesions_that_it_names(setting: PanelSetting) -> None:
    setting.run()
    setting.panel.choose("filterComboBox", "Growing")
    assert _rows(setting) == [1]
    setting.panel.choose("filterComboBox", "New")
    assert len(_rows(setting)) == 1 and _rows(setting) != [1]
    setting.panel.choose("filterComboBox", "All")
    assert len(_rows(setting)) == 4


def test_saved_scene_keeps_corrections_and_undo(setting: PanelSetting, tmp_path: Path) -> None:
    import slicer

    from AIImagingLogic.scene.save import load_scene, save_scene

    setting.run()
    _choose(setting, 1)
    setting.panel.click("breakButton")
    setting.panel.choose("roleComboBox", "target")
    headline, rows = setting.panel.ui.resultLabel.text, _rows(setting)
    save_scene(setting.scene, tmp_path / "kept.mrb")
    loaded = load_scene(tmp_path / "kept.mrb")
    tables = loaded.GetNodesByClass("vtkMRMLTableNode")
    found = [tables.GetItemAsObject(index) for index in range(tables.GetNumberOfItems())]
    (table,) = [node for node in found if node.GetAttribute("AIImaging.FollowUp")]
    from AIFollowUpLib.kept_result import KeptResult
    from AIFollowUpLib.stored_result import read_result

    result = read_result(table)
    assert result.headline == headline and [lesion.number for lesion in result.lesions] == sorted(rows)
    assert result.undo == "break link"
    kept = KeptResult(result)
    kept.undo()
    assert [lesion.number for lesion in read_result(table).lesions] == [1, 2, 3, 4]
    assert set(_labels(result.points(2))) == {"Lesion 1", "Lesion 2", "Lesion 3"} or len(_labels(result.points(2))) == 3
    kept.redo()
    assert [lesion.number for lesion in read_result(table).lesions] == sorted(rows)
    assert slicer.mrmlScene is setting.scene


def test_growth_chart_shows_the_chosen_lesions_and_all_when_one_is_chosen(setting: PanelSetting) -> None:
    import slicer

    run = setting.run()
    slicer.modules.plots.logic().SetMRMLApplicationLogic(slicer.app.applicationLogic())
    chart = next(node for node in run.nodes.plots if node.IsA("vtkMRMLPlotChartNode"))

    def shown() -> list[str]:
        count = chart.GetNumberOfPlotSeriesNodes()
        return sorted(chart.GetNthPlotSeriesNode(index).GetYColumnName() for index in range(count))

    everything = shown()
    stable, gone = (_number(setting, uid) for uid in (STABLE, GONE))
    assert everything == sorted(f"Lesion {number}" for number in (1, stable, gone))
    _choose(setting, 1, stable)
    setting.panel.click("chartButton")
    assert shown() == sorted(["Lesion 1", f"Lesion {stable}"])
    _choose(setting, 1)
    setting.panel.click("chartButton")
    assert shown() == everything


def test_sum_of_diameters_follows_the_targets_that_a_person_chooses(setting: PanelSetting) -> None:
    import slicer

    run = setting.run()
    slicer.modules.plots.logic().SetMRMLApplicationLogic(slicer.app.applicationLogic())
    table = run.nodes.change_table
    setting.panel.click("sumChartButton")
    chart = table.GetNodeReference("AIImaging.SumChart")
    assert slicer.app.applicationLogic().GetSelectionNode().GetActivePlotChartID() == chart.GetID()
    sums = table.GetNodeReference("AIImaging.SumTable")
    # The rule takes the lesion of 11 mm, and not that of 8 mm.
    assert _column(sums, "Sum of diameters") == pytest.approx([11.0, 14.0, 17.0])
    stable = _number(setting, STABLE)
    _choose(setting, stable)
    setting.panel.choose("roleComboBox", "target")
    assert _column(sums, "Sum of diameters") == pytest.approx([19.0, 22.0, 25.0])
    assert _column(sums, "Change from baseline") == pytest.approx(
        [float("nan"), 100 * 3 / 19, 100 * 6 / 19], nan_ok=True
    )
    roles = dict(zip(_rows(setting), (setting.panel.ui.lesionTable.item(row, 7).text() for row in range(4))))
    assert roles[1] == "T" and roles[stable] == "T"
    _choose(setting, 1)
    setting.panel.choose("roleComboBox", "non-target")
    assert _column(sums, "Sum of diameters") == pytest.approx([8.0, 8.0, 8.0]) and setting.errors == []


def test_lesion_that_was_not_seen_at_baseline_is_no_target(setting: PanelSetting) -> None:
    setting.run()
    _choose(setting, _number(setting, NEW))
    setting.panel.choose("roleComboBox", "target")
    assert "is not there at baseline" in setting.status


def test_signed_off_table_says_who_and_when_and_its_files_are_written(setting: PanelSetting, tmp_path: Path) -> None:
    run = setting.run()
    setting.panel.choose("outputFolderPathLineEdit", str(tmp_path / "out"))
    (tmp_path / "out").mkdir()
    setting.panel.choose("reviewerLineEdit", "A. Reader")
    setting.panel.click("signOffButton")
    assert "Reviewed by A. Reader" in setting.panel.ui.signOffLabel.text
    signed = json.loads(run.nodes.change_table.GetAttribute("AIImaging.SignedOff"))
    assert signed["who"] == "A. Reader" and signed["when"].startswith("20")
    setting.host.process_events(until=lambda: "The files are in" in setting.status, timeout=60)
    (folder,) = (tmp_path / "out").iterdir()
    assert {"changes.csv", "report.html", "result.json"} <= {path.name for path in folder.iterdir()}
    content = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert content["notes"][0].startswith("Reviewed by A. Reader")
    assert content["provenance"]["parameters"]["signed_off_at"] == signed["when"]
    with (folder / "changes.csv").open(encoding="utf-8") as file:
        assert len({row["lesion"] for row in csv.DictReader(file)}) == 4
    assert "A. Reader" in (folder / "report.html").read_text(encoding="utf-8")


def test_correction_after_the_signature_takes_it_away(setting: PanelSetting) -> None:
    run = setting.run()
    setting.panel.click("signOffButton")
    assert setting.panel.ui.signOffLabel.text.startswith("Reviewed, ")
    _choose(setting, 1)
    assert "<b>Lesion 1</b>" in setting.panel.ui.lesionLabel.text
    setting.panel.click("signOffButton")
    assert "<b>Lesion 1</b>" in setting.panel.ui.lesionLabel.text
    setting.panel.click("notLesionButton")
    assert run.nodes.change_table.GetAttribute("AIImaging.SignedOff") is None
    assert setting.panel.ui.signOffLabel.text == ""


def _composite(setting: PanelSetting, name: str) -> Any:
    return setting.scene.GetSingletonNode(name, "vtkMRMLSliceCompositeNode")


def test_warped_later_visit_lies_on_the_earlier_one_and_leaves_nothing_behind(setting: PanelSetting) -> None:
    import slicer

    setting.run()
    before = set(setting.snapshot())
    setting.panel.widget.onLesion(1)
    layout = set(setting.snapshot())
    setting.panel.choose("overlayComboBox", "warped")
    assert setting.errors == []
    shown = slicer.mrmlScene.GetNodeByID(_composite(setting, "FollowUpAxial").GetBackgroundVolumeID())
    assert shown is not setting.inputs[2] and shown.GetImageData() is setting.inputs[2].GetImageData()
    # Images 4 mm apart a visit, to the left: RAS x falls from the first to the third by 8 mm.
    world = np.zeros(3)
    shown.TransformPointToWorld((-48.0, 20.0, -120.0), world)
    assert world == pytest.approx((-40.0, 20.0, -120.0), abs=1e-3)
    setting.panel.choose("overlayComboBox", "difference")
    first = _composite(setting, "BaselineAxial")
    assert first.GetForegroundVolumeID() == shown.GetID() and first.GetCompositing() == first.Subtract
    setting.panel.choose("overlayComboBox", "flicker")
    assert first.GetCompositing() == first.Alpha
    opacity = first.GetForegroundOpacity()
    setting.host.process_events(until=lambda: first.GetForegroundOpacity() != opacity, timeout=5)
    setting.panel.choose("overlayComboBox", "as it is")
    assert first.GetForegroundVolumeID() is None
    setting.panel.click("compareButton")
    assert setting.errors == [] and before <= set(setting.snapshot()) <= layout


def _slice_center_lps(setting: PanelSetting, name: str) -> np.ndarray:
    node = setting.scene.GetSingletonNode(name, "vtkMRMLSliceNode")
    ras = [node.GetSliceToRAS().GetElement(row, 3) for row in range(3)]
    return np.array([-ras[0], -ras[1], ras[2]])


def _jump(setting: PanelSetting, name: str, x: float, y: float, z: float) -> None:
    setting.scene.GetSingletonNode(name, "vtkMRMLSliceNode").JumpSliceByCentering(-x, -y, z)
    setting.host.process_events()


def test_both_visits_are_scrolled_together_unless_the_user_unlinks_them(setting: PanelSetting) -> None:
    setting.run()
    setting.panel.widget.onLesion(1)
    # Images 4 mm apart a visit: the lesion lies 8 mm further at the third.
    _jump(setting, "BaselineAxial", 30.0, -10.0, -100.0)
    assert _slice_center_lps(setting, "FollowUpAxial") == pytest.approx((38.0, -10.0, -100.0), abs=1e-3)
    _jump(setting, "FollowUpCoronal", 20.0, 0.0, -90.0)
    assert _slice_center_lps(setting, "BaselineCoronal") == pytest.approx((12.0, 0.0, -90.0), abs=1e-3)
    setting.panel.choose("linkCheckBox", False)
    _jump(setting, "BaselineAxial", 0.0, 0.0, -80.0)
    assert _slice_center_lps(setting, "FollowUpAxial") == pytest.approx((38.0, -10.0, -100.0), abs=1e-3)
    setting.panel.choose("linkCheckBox", True)
    setting.panel.choose("overlayComboBox", "warped")
    _jump(setting, "BaselineAxial", 5.0, 6.0, -70.0)
    assert _slice_center_lps(setting, "FollowUpAxial") == pytest.approx((5.0, 6.0, -70.0), abs=1e-3)
    setting.panel.click("compareButton")
    assert setting.errors == []


def test_visits_that_are_not_registered_cannot_be_linked(setting: PanelSetting) -> None:
    run = setting.run()
    setting.scene.RemoveNode(run.nodes.transforms[0])
    setting.panel.click("compareButton")
    assert not setting.panel.ui.linkCheckBox.enabled
    setting.panel.click("compareButton")
    assert setting.panel.ui.linkCheckBox.enabled


def test_checkerboard_shows_both_visits_in_squares(setting: PanelSetting) -> None:
    import slicer

    setting.run()
    slicer.util.updateVolumeFromArray(setting.inputs[0], np.full((60, 60, 60), 100, np.int16))
    slicer.util.updateVolumeFromArray(setting.inputs[2], np.full((60, 60, 60), 200, np.int16))
    setting.panel.choose("overlayComboBox", "checkerboard")
    assert setting.errors == []
    board = slicer.mrmlScene.GetNodeByID(_composite(setting, "BaselineAxial").GetBackgroundVolumeID())
    voxels = slicer.util.arrayFromVolume(board)[20:40, 20:40, 20:40]
    shares = [float(np.mean(voxels == value)) for value in (100, 200)]
    assert shares[0] == pytest.approx(0.5, abs=0.1) and sum(shares) == pytest.approx(1.0)
    assert np.all(slicer.util.arrayFromVolume(setting.inputs[0]) == 100)
    setting.panel.click("compareButton")
    assert board.GetScene() is None


def test_visits_without_a_registration_are_not_laid_over_each_other(setting: PanelSetting) -> None:
    run = setting.run()
    setting.scene.RemoveNode(run.nodes.transforms[1])
    setting.panel.choose("overlayComboBox", "warped")
    assert "not registered" in setting.status and setting.panel.ui.overlayComboBox.currentText == "as it is"
