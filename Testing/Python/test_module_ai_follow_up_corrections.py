"""Corrections in the panel of AI Follow-up, and what a saved scene keeps of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from follow_up_panel import THREE_VISITS, choose_rows, rows_of_list
from follow_up_result import GONE, GROWING, NEW, STABLE, column_of, labels_of, number_of, state_of
from panel_setting import PanelSetting

from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))

MODULE = THREE_VISITS


def test_broken_link_makes_two_lesions_everywhere_and_undo_and_redo_give_back_each_state(setting: PanelSetting) -> None:
    run = setting.run()
    before = state_of(run)
    choose_rows(setting, 1)
    setting.panel.choose("laterComboBox", "Follow-up 1, 2024-07-08")
    setting.panel.click("breakButton")
    assert setting.errors == [] and sorted(rows_of_list(setting)) == [1, 2, 3, 4, 5]
    after = state_of(run)
    assert after["points"][0][0] == "Lesion 1" and after["points"][1][0] == after["points"][2][0] == "Lesion 5"
    assert after["names"] == after["points"] and "Lesion 5" in after["series"]
    boxes = [json.loads(text) for text in after["boxes"]]
    assert boxes[1]["1.2.1.1"]["colour"] == boxes[2]["1.2.2.1"]["colour"] != boxes[0]["1.2.0.1"]["colour"]
    assert "break link" in setting.panel.ui.undoButton.toolTip
    setting.panel.click("undoButton")
    assert state_of(run) == before and not setting.panel.ui.undoButton.enabled
    setting.panel.click("redoButton")
    assert state_of(run) == after and not setting.panel.ui.redoButton.enabled


def test_two_lesions_of_different_visits_are_joined(setting: PanelSetting) -> None:
    run = setting.run()
    gone, new = (number_of(setting, uid) for uid in (GONE, NEW))
    choose_rows(setting, gone, new)
    assert not setting.panel.ui.breakButton.enabled
    setting.panel.click("joinButton")
    assert setting.errors == [] and sorted(rows_of_list(setting)) == sorted({1, 2, 3, 4} - {new})
    labels = [set(labels_of(visit.points)) for visit in run.nodes.visits]
    assert all(f"Lesion {gone}" in found for found in labels)


def test_lesions_seen_at_one_visit_cannot_be_joined_and_nothing_changes(setting: PanelSetting) -> None:
    run = setting.run()
    before = state_of(run)
    choose_rows(setting, 1, number_of(setting, STABLE))
    setting.panel.click("joinButton")
    assert "one lesion has one finding a visit" in setting.status and len(setting.errors) == 1
    assert state_of(run) == before and not setting.panel.ui.undoButton.enabled


def test_what_is_no_lesion_leaves_the_list_and_is_marked_at_every_visit(setting: PanelSetting) -> None:
    run = setting.run()
    stable = number_of(setting, STABLE)
    choose_rows(setting, stable)
    setting.panel.click("notLesionButton")
    assert stable not in rows_of_list(setting)
    assert [column_of(visit.table, "Review")[1] for visit in run.nodes.visits] == ["rejected"] * 3
    assert [visit.points.GetNthControlPointSelected(1) for visit in run.nodes.visits] == [False] * 3
    assert "a reader rejected" in setting.panel.ui.notesLabel.text
    setting.panel.click("undoButton")
    assert stable in rows_of_list(setting)
    assert [column_of(visit.table, "Review")[1] for visit in run.nodes.visits] == ["unreviewed"] * 3


def test_confirmed_link_says_that_a_person_said_so(setting: PanelSetting) -> None:
    setting.run()
    choose_rows(setting, 1)
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
    before = state_of(run)
    choose_rows(setting, 1)
    setting.panel.choose("laterComboBox", "Follow-up 1, 2024-07-08")
    setting.panel.click("markNewButton")
    assert setting.errors == [] and sorted(rows_of_list(setting)) == [1, 2, 3, 4, 5]
    new = number_of(setting, "1.2.1.1")
    assert new == number_of(setting, "1.2.2.1") != number_of(setting, GROWING) == 1
    assert _step(setting, new, 1).status.value == "new" and _step(setting, new, 1).by_hand
    assert setting.panel.ui.lesionTable.item(rows_of_list(setting).index(new), 2).text() == "new"
    assert "mark new" in setting.panel.ui.undoButton.toolTip
    setting.panel.click("undoButton")
    assert state_of(run) == before
    setting.panel.click("redoButton")
    assert number_of(setting, "1.2.1.1") == new


def test_lesion_marked_as_resolved_ends_before_the_later_visit_compared_and_undo_gives_back_what_was(
    setting: PanelSetting,
) -> None:
    run = setting.run()
    before = state_of(run)
    choose_rows(setting, 1)
    setting.panel.click("markResolvedButton")
    assert setting.errors == [] and number_of(setting, "1.2.1.1") == 1
    assert number_of(setting, "1.2.2.1") != 1
    assert _step(setting, 1, 2).status.value == "resolved" and _step(setting, 1, 2).by_hand
    table = run.nodes.change_table
    assert dict(zip(column_of(table, "Lesion"), column_of(table, "Status")))["Lesion 1"] == "resolved"
    assert "mark resolved" in setting.panel.ui.undoButton.toolTip
    setting.panel.click("undoButton")
    assert state_of(run) == before


def test_only_what_the_later_visit_shows_is_marked_new_and_only_what_was_there_before_resolved(
    setting: PanelSetting,
) -> None:
    setting.run()
    ui = setting.panel.ui
    assert not ui.markNewButton.enabled and not ui.markResolvedButton.enabled
    expected = {GROWING: (True, True), NEW: (True, False), GONE: (False, True)}
    for uid, (new, resolved) in expected.items():
        choose_rows(setting, number_of(setting, uid))
        assert (ui.markNewButton.enabled, ui.markResolvedButton.enabled) == (new, resolved)


def test_removed_registration_is_told_when_a_link_is_corrected(setting: PanelSetting) -> None:
    run = setting.run()
    setting.scene.RemoveNode(run.nodes.transforms[0])
    choose_rows(setting, 1)
    setting.panel.click("breakButton")
    assert "The registration of baseline and follow-up 1 was removed" in setting.status
    assert sorted(rows_of_list(setting)) == [1, 2, 3, 4]


def test_deleted_box_is_told_before_anything_is_changed(setting: PanelSetting) -> None:
    run = setting.run()
    before = state_of(run)
    setting.scene.RemoveNode(run.nodes.visits[2].box)
    choose_rows(setting, 1)
    setting.panel.click("notLesionButton")
    assert any("no list of findings with a box" in said for said in setting.errors)
    assert state_of(run) == before and not setting.panel.ui.undoButton.enabled


def test_deleted_point_and_row_stay_deleted_when_the_rest_is_corrected(setting: PanelSetting) -> None:
    run = setting.run()
    run.nodes.visits[0].points.RemoveNthControlPoint(0)
    run.nodes.visits[1].table.RemoveRow(0)
    choose_rows(setting, 1)
    # The jump to the lesion tells that its point is gone; the correction goes on.
    assert all("is no longer in" in said for said in setting.errors)
    told = len(setting.errors)
    setting.panel.click("notLesionButton")
    assert len(setting.errors) == told and 1 not in rows_of_list(setting)
    assert column_of(run.nodes.visits[2].table, "Review")[0] == "rejected"
    assert run.nodes.visits[0].points.GetNumberOfControlPoints() == 2


def test_filter_leaves_the_lesions_that_it_names(setting: PanelSetting) -> None:
    setting.run()
    setting.panel.choose("filterComboBox", "Growing")
    assert rows_of_list(setting) == [1]
    setting.panel.choose("filterComboBox", "New")
    assert len(rows_of_list(setting)) == 1 and rows_of_list(setting) != [1]
    setting.panel.choose("filterComboBox", "All")
    assert len(rows_of_list(setting)) == 4


def test_saved_scene_keeps_corrections_and_undo(setting: PanelSetting, tmp_path: Path) -> None:
    import slicer

    from AIImagingLogic.scene.save import load_scene, save_scene

    run = setting.run()
    labels = labels_of(run.nodes.visits[2].points)
    choose_rows(setting, 1)
    setting.panel.click("breakButton")
    setting.panel.choose("roleComboBox", "target")
    headline, rows = setting.panel.ui.resultLabel.text, rows_of_list(setting)
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
    assert labels_of(result.points(2)) == labels
    kept.redo()
    assert [lesion.number for lesion in read_result(table).lesions] == sorted(rows)
    assert slicer.mrmlScene is setting.scene
