"""The logic of the follow-up module on Slicer's own classes, without its window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hand_made_timeline import hand_made_timeline

from AIImagingLogic.records.errors import Cancelled, SceneError

slicer = pytest.importorskip("slicer", reason="Slicer's classes (slicer-core) are not installed.")
from slicer_application import stand_in_for_application  # noqa: E402 - after it is known that Slicer is here

MODULE = Path(__file__).resolve().parents[2] / "AIImaging" / "AIFollowUp"


@pytest.fixture
def logic(monkeypatch, scene):
    """The module's logic; the follow-up itself answers with a timeline written by hand."""
    stand_in_for_application(monkeypatch, MODULE, scene)
    from AIFollowUpLib.logic import AIFollowUpLogic

    import AIImagingLogic.tasks.follow_up as task

    def answer(baseline, baseline_info, followup, followup_info, progress):
        progress.report(0.5, "Half way")
        return hand_made_timeline()

    monkeypatch.setattr(task, "follow_up", answer)
    return AIFollowUpLogic()


@pytest.fixture
def scene():
    from AIImagingLogic.scene.empty_scene import make_scene

    return make_scene()


@pytest.fixture
def volumes(scene):
    """Two volumes, each in a study of its own, as DICOM loading leaves them."""
    from AIImagingLogic.scene.volumes import volume_node_from_image

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    nodes = []
    for name, date in (("First", "20240110"), ("Second", "20240708")):
        image = sitk.GetImageFromArray(np.full((6, 6, 6), len(nodes), np.int16))
        nodes.append(volume_node_from_image(image, scene, name))
        study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), name)
        hierarchy.SetItemAttribute(study, "DICOM.StudyDate", date)
        item = hierarchy.CreateItem(study, nodes[-1])
        hierarchy.SetItemAttribute(item, "DICOM.Modality", "CT")
    return nodes


def test_results_are_new_nodes_beside_their_volume_and_the_volumes_stay_as_they_were(logic, scene, volumes):
    before = [volume.GetMTime() for volume in volumes]
    nodes = logic.process(*volumes)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    for volume, added in zip(volumes, nodes.visits, strict=True):
        study = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(volume))
        assert added
        assert {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in added} == {study}
    assert nodes.change_table.GetNumberOfRows() == len(hand_made_timeline().lesions)
    assert [volume.GetMTime() for volume in volumes] == before


def test_results_share_the_linear_transform_of_their_volume(logic, scene, volumes):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Patient moved")
    volumes[1].SetAndObserveTransformNodeID(transform.GetID())
    nodes = logic.process(*volumes)
    displayed = [node for node in nodes.visits[1] if node.IsA("vtkMRMLTransformableNode")]
    points = [node for node in displayed if not node.IsA("vtkMRMLTableNode")]
    assert points and all(node.GetTransformNodeID() == transform.GetID() for node in points)
    assert all(node.GetTransformNodeID() is None for node in nodes.visits[0] if node.IsA("vtkMRMLTransformableNode"))


def test_a_cancelled_run_adds_nothing(logic, scene, volumes, tmp_path):
    nodes = scene.GetNumberOfNodes()
    with pytest.raises(Cancelled):
        logic.process(*volumes, outputFolder=tmp_path, isCancelled=lambda: True)
    assert scene.GetNumberOfNodes() == nodes and not list(tmp_path.iterdir())


def test_files_are_written_into_a_new_folder_of_the_chosen_one(logic, volumes, tmp_path):
    logic.process(*volumes, outputFolder=tmp_path)
    (folder,) = tmp_path.iterdir()
    assert {"report.html", "changes.csv", "result.json"} <= {path.name for path in folder.iterdir()}


def test_a_volume_removed_during_the_run_leaves_the_files_and_says_where(logic, scene, volumes, tmp_path):
    def remove(fraction, message):
        if scene.IsNodePresent(volumes[1]):
            scene.RemoveNode(volumes[1])

    with pytest.raises(SceneError) as caught:
        logic.process(*volumes, outputFolder=tmp_path, onReport=remove)
    (folder,) = tmp_path.iterdir()
    assert str(folder) in caught.value.advice and (folder / "report.html").exists()


def test_date_and_modality_come_from_the_subject_hierarchy_unless_the_user_says_otherwise(volumes):
    from datetime import datetime

    from AIImagingLogic.scene.parent_transforms import input_image
    from AIImagingLogic.scene.volume_info import info_of_volume_node

    image = input_image(volumes[0])
    info = info_of_volume_node(volumes[0], image)
    assert (info.modality, info.intensity_unit, info.acquired) == ("CT", "HU", datetime(2024, 1, 10))
    assert info_of_volume_node(volumes[0], image, datetime(2023, 5, 1)).acquired == datetime(2023, 5, 1)


@pytest.mark.parametrize(
    ("text", "year_month_day"), [("2024-05-31", (2024, 5, 31)), (" 2024-05-31 10:30 ", (2024, 5, 31)), ("", None)]
)
def test_a_typed_date_is_read(logic, text, year_month_day):
    from AIFollowUpLib.dates import date_from_text, text_from_date

    date = date_from_text(text)
    assert (date and (date.year, date.month, date.day)) == year_month_day
    assert date_from_text(text_from_date(date)) == date


def test_a_text_that_is_no_date_is_refused_in_words(logic):
    from AIFollowUpLib.dates import date_from_text

    with pytest.raises(ValueError, match="'31.5.2024' is no date"):
        date_from_text("31.5.2024")
