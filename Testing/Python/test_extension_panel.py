"""What the panel of the follow-up module does when it is used, on stand-ins for its widgets."""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.records.errors import Cancelled, WrongImageError

slicer = pytest.importorskip("slicer", reason="Slicer's classes (slicer-core) are not installed.")
from slicer_application import stand_in_for_application  # noqa: E402 - after it is known that Slicer is here

MODULE = Path(__file__).resolve().parents[2] / "AIImaging" / "AIFollowUp"


@pytest.fixture
def scene():
    from AIImagingLogic.scene.empty_scene import make_scene

    return make_scene()


@pytest.fixture
def application(monkeypatch, scene):
    return stand_in_for_application(monkeypatch, MODULE, scene)


@pytest.fixture
def panel(application, scene):
    """The panel with two volumes chosen; its logic answers with an empty table."""
    from AIFollowUpLib.widget import AIFollowUpWidget

    panel = AIFollowUpWidget()
    panel.setup()
    for name in ("baselineVolume", "followUpVolume"):
        setattr(panel._parameterNode, name, _volume(scene, name, "20240110"))
    table = scene.AddNewNodeByClass("vtkMRMLTableNode")
    panel.logic.process = lambda *arguments, **named: types.SimpleNamespace(change_table=table)
    yield panel
    # As Slicer does when it ends: observers must be gone before what they observe is.
    panel.cleanup()


def _volume(scene, name, date):
    from AIImagingLogic.scene.volumes import volume_node_from_image

    node = volume_node_from_image(sitk.GetImageFromArray(np.zeros((3, 3, 3), np.int16)), scene, name)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), name)
    hierarchy.SetItemAttribute(study, "DICOM.StudyDate", date)
    hierarchy.CreateItem(study, node)
    return node


def _apply(panel):
    panel.ui.applyButton.emit("clicked(bool)")


def test_apply_waits_for_both_volumes(panel):
    assert panel.ui.applyButton.enabled
    panel._parameterNode.followUpVolume = None
    assert not panel.ui.applyButton.enabled and "follow-up" in panel.ui.applyButton.toolTip


def test_a_run_shows_its_table_and_leaves_the_panel_ready(panel, application):
    _apply(panel)
    assert panel.ui.changeTableView.table is panel._parameterNode.changeTable is not None
    assert "0 lesions" in panel.ui.statusLabel.text and not application.errors
    assert panel.ui.applyButton.enabled and not panel.ui.cancelButton.enabled and not panel.ui.progressBar.visible


def test_an_error_is_shown_once_in_one_line_and_the_panel_is_ready_again(panel, application):
    def fail(*arguments, **named):
        raise WrongImageError("The volume 'MR' holds no\n Hounsfield units.", "Choose a CT.")

    panel.logic.process = fail
    _apply(panel)
    assert application.errors == ["The volume 'MR' holds no Hounsfield units. Choose a CT."]
    assert panel.ui.applyButton.enabled


def test_a_date_that_is_none_is_refused_before_anything_runs(panel, application):
    panel._parameterNode.baselineDate = "yesterday"
    _apply(panel)
    assert application.errors == ["'yesterday' is no date. Write it as 2024-05-31."]


@pytest.mark.parametrize("how", ["cancel", "close"])
def test_cancel_and_closing_the_scene_end_a_run_without_an_error(panel, application, scene, how):
    def run(*arguments, onReport, isCancelled, **named):  # noqa: N803 - the logic's names
        onReport(0.5, "Half way")
        assert panel.ui.progressBar.value == 50 and not panel.ui.applyButton.enabled
        if isCancelled():
            raise Cancelled
        pytest.fail("The run was not told to stop.")

    def stop():
        if how == "cancel":
            panel.ui.cancelButton.emit("clicked(bool)")
        else:
            scene.InvokeEvent(scene.StartCloseEvent)

    panel.logic.process = run
    application.on_events = stop
    _apply(panel)
    assert not application.errors
    assert "Cancelled" in panel.ui.statusLabel.text


def test_choosing_a_volume_fills_in_its_date_and_showing_the_panel_again_keeps_what_was_typed(panel, scene):
    later = _volume(scene, "Later", "20240708")
    panel.ui.followUpSelector.emit("currentNodeChanged(vtkMRMLNode*)", later)
    assert panel._parameterNode.followUpDate == "2024-07-08 00:00"
    panel._parameterNode.followUpDate = "2024-08-01"
    panel.exit()
    panel.enter()
    assert panel._parameterNode.followUpDate == "2024-08-01"


def test_leaving_and_entering_keeps_one_observer(panel):
    for _ in range(3):
        panel.exit()
        panel.enter()
    observed = [entry for entry in panel.Observations if entry[0] is panel._parameterNode]
    assert len(observed) == 1
    panel.cleanup()
    assert not panel.Observations
