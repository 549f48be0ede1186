"""The panel of AI Follow-up in the test host, over the real job service: what it does, and the fault list.

The follow-up itself answers at once, with a timeline written by hand (`follow_up_answers`); all else is real.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from follow_up_answers import FULL_DISK
from follow_up_panel import TWO_VISITS, assert_refused, cell, rows_of_list, slice_middle_lps
from hand_made_timeline import hand_made_timeline
from panel_faults import FAULTS
from panel_setting import PanelSetting

from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))

MODULE = TWO_VISITS
ROOT = Path(__file__).resolve().parents[2]
# What `hand_made_timeline` says of every finding, and of the lesions that were seen once; LPS mm.
SEEN_MM, EXPECTED_MM = (40.0, -20.5, -120.25), (41.0, -20.0, -118.0)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(setting: PanelSetting, fault: str) -> None:
    FAULTS[fault](setting)


def _layout(setting: PanelSetting) -> Any:
    return setting.scene.GetSingletonNode("vtkMRMLLayoutNode", "vtkMRMLLayoutNode")


def test_same_volume_as_both_visits_is_refused_before_anything_runs(setting: PanelSetting) -> None:
    setting.choose([setting.inputs[0], setting.inputs[0]])
    assert_refused(setting, "is on the list twice", "Choose two different visits")


def test_two_volumes_with_the_same_voxels_are_refused_and_nothing_is_added(setting: PanelSetting) -> None:
    import slicer

    slicer.util.updateVolumeFromArray(setting.inputs[1], slicer.util.arrayFromVolume(setting.inputs[0]).copy())
    before = setting.snapshot()
    run = setting.finish(setting.start())
    assert "are the same image" in setting.status and run.nodes is None and setting.snapshot() == before


def test_visits_in_any_order_are_put_in_order_of_their_dates(setting: PanelSetting) -> None:
    setting.choose(setting.inputs[::-1])
    assert [setting.panel.find(f"visitNumber{row}").text for row in (1, 2)] == ["2", "1"]
    run = setting.run()
    points = [visit.points for visit in run.nodes.visits]
    assert [node.GetNodeReference("AIImaging.Volume") for node in points] == setting.inputs
    assert "2024-01-10 → 2024-07-08" in setting.panel.ui.resultLabel.text


def test_undated_visits_are_taken_as_listed_and_dates_against_that_are_refused(setting: PanelSetting) -> None:
    third = setting.add_inputs("Third")[0]
    setting.panel.click("addVisitButton")
    setting.choose([setting.inputs[1], third, setting.inputs[0]])
    setting.panel.choose("visitSelector3", setting.inputs[0])
    setting.panel.choose("visitDate2", "")
    # The scene knows the date of a volume whose field was emptied.
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(setting.scene)
    hierarchy.SetItemAttribute(hierarchy.GetItemParent(hierarchy.GetItemByDataNode(third)), "DICOM.StudyDate", "")
    assert "order of the list" in setting.panel.ui.orderLabel.text
    assert_refused(setting, "is dated before", "put the visits in order of time")
    setting.panel.click("visitUp3")
    setting.panel.click("visitUp2")
    setting.panel.click("visitUp3")
    assert [setting.panel.find(f"visitNumber{row}").text for row in (1, 2, 3)] == ["1", "2", "3"]
    setting.run()


def test_text_that_is_no_date_is_refused_and_says_how_to_write_one(setting: PanelSetting) -> None:
    setting.panel.choose("visitDate1", "31.5.2024")
    assert_refused(setting, "'31.5.2024' is no date", "2024-05-31")


def test_date_comes_from_the_study_and_a_typed_one_is_kept_and_used(setting: PanelSetting) -> None:
    ui = setting.panel.ui
    assert setting.panel.find("visitDate1").text == "2024-01-10"
    setting.panel.choose("visitDate2", "2024-08-01")
    setting.panel.exit()
    setting.panel.enter()
    assert setting.panel.find("visitDate2").text == "2024-08-01"
    setting.run()
    assert "2024-01-10 → 2024-08-01 (204 days)" in ui.resultLabel.text


def test_apply_waits_for_both_volumes(setting: PanelSetting) -> None:
    setting.panel.choose("visitSelector2", None)
    button = setting.panel.ui.applyButton
    assert not button.enabled and "follow-up" in button.toolTip


def test_result_is_shown_with_the_gravest_lesion_first_and_guidelines_with_their_reason(setting: PanelSetting) -> None:
    run = setting.run()
    ui, truth = setting.panel.ui, hand_made_timeline()
    assert setting.panel.widget._parameterNode.changeTable is run.nodes.change_table
    assert rows_of_list(setting) == [1, 3, 4, 2, 5, 6]
    assert [cell(setting, 0, column) for column in range(1, 6)] == [
        "4B",
        "growing",
        "8.1 → 11.2",
        "+164%",
        "128 days",
    ]
    assert [cell(setting, row, 2) for row in range(2, 6)] == ["new", "stable", "resolved", "not evaluable"]
    for assessment in truth.assessments:
        assert assessment.category in ui.guidelineLabel.text and assessment.reason in ui.guidelineLabel.text
    assert "Symptoms of infection" in ui.guidelineLabel.text and "6 lesions" in ui.resultLabel.text
    assert "Slices are 1.25 mm apart but 2.00 mm thick" in ui.notesLabel.text
    icon = ui.lesionTable.item(0, 0).icon().pixmap(12, 12).toImage()
    assert icon.pixelColor(6, 6).name() == "#e6550d"


def test_heading_sorts_the_lesions_and_the_chosen_one_stays_chosen(setting: PanelSetting) -> None:
    setting.run()
    table = setting.panel.ui.lesionTable
    table.setCurrentCell(0, 0)
    table.horizontalHeader().sectionClicked(0)
    assert rows_of_list(setting) == [1, 2, 3, 4, 5, 6]
    table.horizontalHeader().sectionClicked(4)
    assert rows_of_list(setting)[:3] == [1, 2, 3] and table.currentRow() == 0


def test_lesion_is_shown_at_both_visits_and_where_it_is_expected_when_it_was_not_seen(setting: PanelSetting) -> None:
    setting.run()
    ui = setting.panel.ui
    layout = _layout(setting).GetViewArrangement()
    setting.panel.click("nextButton")
    assert ui.compareButton.checked and _layout(setting).GetViewArrangement() != layout
    for name in ("BaselineAxial", "BaselineCoronal", "FollowUpAxial", "FollowUpSagittal"):
        assert slice_middle_lps(setting, name) == pytest.approx(SEEN_MM, abs=1e-4)
    assert "Lesion 1" in ui.lesionLabel.text and "doubles in 128 days (95%: 101–180)" in ui.lesionLabel.text
    setting.panel.click("nextButton")
    setting.panel.click("nextButton")
    assert "Lesion 4" in ui.lesionLabel.text and "not seen where expected" in ui.lesionLabel.text
    assert slice_middle_lps(setting, "BaselineAxial") == pytest.approx(EXPECTED_MM, abs=1e-4)
    assert slice_middle_lps(setting, "FollowUpAxial") == pytest.approx(SEEN_MM, abs=1e-4)
    setting.panel.click("previousButton")
    assert "Lesion 3" in ui.lesionLabel.text
    assert setting.errors == []


def test_text_of_a_result_is_never_taken_for_markup(setting: PanelSetting) -> None:
    setting.run()
    setting.panel.widget.onLesion(3)
    assert "=Linked &lt;i&gt;by hand&lt;/i&gt;" in setting.panel.ui.lesionLabel.text


def _views_of_results(run: Any) -> list[tuple[str, ...]]:
    displays = [visit.lesions.GetDisplayNode() for visit in run.nodes.visits]
    return [tuple(display.GetViewNodeIDs()) for display in displays]


@pytest.mark.parametrize("how", ["button", "other layout"])
def test_leaving_the_compare_view_shows_the_results_in_all_views_again(setting: PanelSetting, how: str) -> None:
    run = setting.run()
    layout = _layout(setting)
    before = layout.GetViewArrangement()
    setting.panel.click("compareButton")
    first, second = _views_of_results(run)
    assert len(first) == len(second) == 3 and not set(first) & set(second)
    if how == "button":
        setting.panel.click("compareButton")
        assert layout.GetViewArrangement() == before
    else:
        layout.SetViewArrangement(layout.SlicerLayoutOneUpRedSliceView)
        assert layout.GetViewArrangement() == layout.SlicerLayoutOneUpRedSliceView
    assert _views_of_results(run) == [(), ()] and not setting.panel.ui.compareButton.checked


def test_growth_chart_is_put_on_show_in_a_layout_that_has_room_for_it(setting: PanelSetting) -> None:
    import slicer

    run = setting.run()
    # In Slicer the application does this for every module.
    slicer.modules.plots.logic().SetMRMLApplicationLogic(slicer.app.applicationLogic())
    setting.panel.click("nextButton")
    setting.panel.click("chartButton")
    (chart,) = [node for node in run.nodes.plots if node.IsA("vtkMRMLPlotChartNode")]
    assert slicer.app.applicationLogic().GetSelectionNode().GetActivePlotChartID() == chart.GetID()
    layout = _layout(setting)
    assert layout.GetViewArrangement() == slicer.vtkSlicerPlotsLogic.GetLayoutWithPlot(layout.GetViewArrangement())
    assert not setting.panel.ui.compareButton.checked and _views_of_results(run) == [(), ()]


def test_removed_findings_are_told_when_a_lesion_is_chosen(setting: PanelSetting) -> None:
    run = setting.run()
    setting.scene.RemoveNode(run.nodes.visits[0].points)
    setting.panel.click("nextButton")
    assert "were removed from the scene" in setting.status and len(setting.errors) == 1
    assert not setting.panel.ui.compareButton.checked


def test_result_is_shown_again_in_a_saved_scene_and_gone_in_a_new_one(setting: PanelSetting) -> None:
    setting.run()
    headline = setting.panel.ui.resultLabel.text
    setting.panel.click("compareButton")
    scene = setting.scene
    scene.SetSaveToXMLString(1)
    scene.Commit()
    saved = scene.GetSceneXMLString()
    setting.host.close_scene()
    assert setting.panel.ui.resultLabel.text == "No result yet" and rows_of_list(setting) == []
    assert not setting.panel.ui.compareButton.enabled and not setting.panel.ui.compareButton.checked
    setting.panel.exit()
    scene.SetLoadFromXMLString(1)
    scene.SetSceneXMLString(saved)
    scene.Connect()
    setting.panel.enter()
    assert setting.panel.ui.resultLabel.text == headline and rows_of_list(setting) == [1, 3, 4, 2, 5, 6]


def test_files_are_written_into_a_new_folder_of_the_chosen_one(setting: PanelSetting, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen"
    setting.panel.choose("outputFolderPathLineEdit", str(chosen))
    setting.run()
    (folder,) = chosen.iterdir()
    assert {"report.html", "changes.csv", "result.json"} <= {path.name for path in folder.iterdir()}
    assert folder.name in setting.status and str(chosen) not in setting.status
    assert setting.host.packaging.asked and setting.errors == []


def test_full_disk_costs_the_files_and_not_the_result(setting: PanelSetting, tmp_path: Path) -> None:
    chosen = tmp_path / FULL_DISK
    setting.panel.choose("outputFolderPathLineEdit", str(chosen))
    run = setting.run()
    assert run.nodes is not None and rows_of_list(setting)
    assert "No files were written. The disk is full" in setting.status
    assert "The disk is full" in setting.panel.ui.notesLabel.text and str(tmp_path) not in setting.status
    assert list(chosen.iterdir()) == []


def test_packages_that_the_user_does_not_want_stop_the_run_before_it_begins(
    setting: PanelSetting, tmp_path: Path
) -> None:
    setting.panel.choose("outputFolderPathLineEdit", "/anywhere")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("a-package-that-is-not-installed\n")
    setting.panel.widget.resourcePath = lambda name: str(requirements)
    setting.host.packaging.allowed = False
    assert_refused(setting, "packages that the report needs were not installed", "leave the output folder empty")


def test_nodes_come_back_from_python(setting: PanelSetting) -> None:
    nodes = setting.process(setting.inputs)
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(setting.scene)
    for volume, visit in zip(setting.inputs, nodes.visits, strict=True):
        study = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(volume))
        assert {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in visit.all} == {study}
    assert nodes.change_table.GetNumberOfRows() == len(hand_made_timeline().lesions)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-05-31", datetime(2024, 5, 31)),
        (" 2024-05-31 10:30 ", datetime(2024, 5, 31, 10, 30)),
        ("", None),
    ],
)
def test_typed_date_is_read_and_written_again(setting: PanelSetting, text: str, date: datetime | None) -> None:
    dates = sys.modules["AIFollowUpLib.dates"]
    assert dates.date_from_text(text) == date and dates.text_from_date(date) == text.strip()


OPEN_AND_APPLY = """
import sys
import numpy as np
from Testing.Host import running
heavy = {"SimpleITK", "torch", "monai", "scipy", "pydicom", "highdicom", "matplotlib", "jinja2"}
with running() as host:
    import slicer
    before = heavy & set(sys.modules)
    panel = host.open_module(sys.argv[1])
    for shade, name in enumerate(("visitSelector1", "visitSelector2")):
        panel.choose(name, slicer.util.addVolumeFromArray(np.full((9, 9, 9), shade, np.int16)))
    panel.click("applyButton")
    run = panel.widget._runs[0][0]
    host.process_events(until=lambda: run.handle.fraction > 0 or run.finished, timeout=60)
    run.cancel()
    host.process_events(until=lambda: run.finished, timeout=60)
    print("already there:", before, "imported:", (heavy & set(sys.modules)) - before)
"""


def test_opening_the_panel_and_starting_a_run_import_no_heavy_package() -> None:
    command = [sys.executable, "-c", OPEN_AND_APPLY, str(ROOT / "AIImaging" / "AIFollowUp")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    assert "already there: set() imported: set()" in done.stdout
