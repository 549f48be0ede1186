"""The panel of AI Follow-up with lesions that were given: drawn in the scene, of a DICOM report, none; any modality.

Nothing answers in the place of the program: two small scans with known lesions are registered and followed.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import SimpleITK as sitk
from follow_up_panel import rows_of_list
from given_lesion_visits import one_segment, place_mm, scan
from panel_setting import PanelModule, PanelSetting

from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))

A, B, C, SHIFT = (20.0, 20.0, 15.0), (36.0, 30.0, 24.0), (30.0, 18.0, 12.0), 6.0
DATES = ("20240110", "20240708")


@functools.cache
def _scans() -> list[tuple[sitk.Image, sitk.Image]]:
    """Lesion A halves its uptake, B goes, C is new."""
    before = [(place_mm(*A), 14.0, 8.0), (place_mm(*B), 16.0, 6.0)]
    after = [(place_mm(*A, SHIFT), 14.0, 4.0), (place_mm(*C, SHIFT), 12.0, 5.0)]
    return [scan(before), scan(after, SHIFT)]


def _pet_visits(scene: Any, name: str) -> list[Any]:
    """Add PET volumes in dated studies, in SUV as Slicer's PET reader says it."""
    import slicer

    from AIImagingLogic.scene.volumes import volume_node_from_image

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    units = slicer.vtkCodedEntry()
    units.SetValueSchemeMeaning("{SUVbw}g/ml", "UCUM", "Standardized Uptake Value body weight")
    nodes = []
    for (image, _labels), date in zip(_scans(), DATES):
        node = volume_node_from_image(image, scene, f"{name} {date}")
        node.SetVoxelValueUnits(units)
        study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), date)
        hierarchy.SetItemAttribute(study, "DICOM.StudyDate", date)
        hierarchy.SetItemAttribute(hierarchy.CreateItem(study, node), "DICOM.Modality", "PT")
        nodes.append(node)
    return nodes


MODULE = PanelModule(
    "AIFollowUp",
    ("visitSelector1", "visitSelector2"),
    _pet_visits,
    lambda logic, volumes, wait: logic.process(*volumes, wait=wait),
)


GIVEN = "given for each visit; any modality"


def _drawn(setting: PanelSetting) -> list[Any]:
    """Draw the lesions of each visit, as Slicer's Segment Editor leaves them."""
    from AIImagingLogic.scene.segmentations import segmentation_node_from_segmentation

    nodes = []
    for (_image, labels), volume in zip(_scans(), setting.inputs):
        node = segmentation_node_from_segmentation(
            one_segment(labels), setting.scene, f"Mine on {volume.GetName()}", volume
        )
        node.RemoveAttribute("AIImaging.Kind")
        segment = node.GetSegmentation().GetNthSegment(0)
        segment.SetTag("DICOM.SegmentAlgorithmType", "MANUAL")
        segment.RemoveTag("DICOM.SegmentAlgorithmName")
        nodes.append(node)
    return nodes


def _point(setting: PanelSetting, name: str, *lps: float) -> Any:
    node = setting.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    node.AddControlPoint(-lps[0], -lps[1], lps[2], name)
    return node


def _check(setting: PanelSetting, row: int, *nodes: Any) -> None:
    import qt

    selector = setting.panel.find(f"visitLesions{row}")
    for node in selector.checkedNodes():
        selector.setCheckState(node, qt.Qt.Unchecked)
    for node in nodes:
        selector.setCheckState(node, qt.Qt.Checked)
    setting.host.process_events()


def _hidden(setting: PanelSetting, name: str) -> bool:
    return bool(setting.panel.find(name).isHidden())


def test_drawn_lesions_of_pet_are_proposed_followed_and_shown_with_their_uptake(setting: PanelSetting) -> None:
    drawn = _drawn(setting)
    before = setting.snapshot()
    setting.panel.choose("lesionsComboBox", GIVEN)
    assert [list(setting.panel.find(f"visitLesions{row}").checkedNodes()) for row in (1, 2)] == [[one] for one in drawn]
    run = setting.run()
    lesions = {lesion.words["status"]: lesion for lesion in setting.panel.widget._result.lesions}
    assert set(lesions) == {"matched", "resolved", "new"}
    matched = lesions["matched"]
    table = setting.panel.ui.lesionTable
    assert table.item(rows_of_list(setting).index(matched.number), 6).text() == "8.0 → 4.1"
    assert not table.isColumnHidden(6)
    setting.panel.widget.onLesion(matched.number)
    assert "SUVmax: 8.0 → 4.1 g/ml" in setting.panel.ui.lesionLabel.text
    assert "50%" in table.item(rows_of_list(setting).index(matched.number), 6).toolTip()
    assert "Lesions: baseline drawn in the scene (2)" in setting.panel.ui.notesLabel.text
    # What the user drew is as it was, and the result says that it was drawn by hand.
    after = setting.snapshot()
    assert all(after[node.GetID()] == before[node.GetID()] for node in drawn)
    segment = run.nodes.visits[0].lesions.GetSegmentation().GetNthSegment(0)
    import vtk

    tag = vtk.reference("")
    segment.GetTag("DICOM.SegmentAlgorithmType", tag)
    assert str(tag) == "MANUAL"


def test_lesions_of_a_visit_may_be_points_and_of_another_none(setting: PanelSetting) -> None:
    points = _point(setting, "Met", *place_mm(*A))
    setting.panel.choose("lesionsComboBox", GIVEN)
    assert not setting.panel.ui.applyButton.enabled and "none seen" in setting.panel.ui.applyButton.toolTip
    _check(setting, 1, points)
    setting.panel.choose("visitSource2", "none seen")
    assert _hidden(setting, "visitLesions2")
    setting.run()
    (lesion,) = setting.panel.widget._result.lesions
    assert lesion.words["status"] == "resolved"
    assert "given without an outline" in setting.panel.ui.notesLabel.text
    # Nothing to plot and nothing with an uptake: the column goes.
    assert setting.panel.ui.lesionTable.isColumnHidden(6)


def test_choice_goes_with_its_volume_and_is_kept_with_the_scene_but_no_path_is(setting: PanelSetting) -> None:
    drawn = _drawn(setting)
    setting.panel.choose("lesionsComboBox", GIVEN)
    setting.panel.choose("visitSource2", "DICOM report:")
    setting.panel.choose("visitReport2", "/somebody/sr.dcm")
    assert not _hidden(setting, "visitReport2") and _hidden(setting, "visitLesions2")
    setting.panel.click("visitUp2")
    assert setting.panel.find("visitReport1").currentPath == "/somebody/sr.dcm"
    assert list(setting.panel.find("visitLesions2").checkedNodes()) == [drawn[0]]
    setting.panel.exit()
    setting.panel.enter()
    assert setting.panel.find("visitSource1").currentText == "DICOM report:"
    assert setting.panel.find("visitReport1").currentPath == "/somebody/sr.dcm"
    assert list(setting.panel.find("visitLesions2").checkedNodes()) == [drawn[0]]
    nodes = setting.scene.GetNodesByClass("vtkMRMLScriptedModuleNode")
    for index in range(nodes.GetNumberOfItems()):
        node = nodes.GetItemAsObject(index)
        assert not any("somebody" in node.GetParameter(name) for name in node.GetParameterNames())


def test_deleted_segmentation_is_asked_for_again(setting: PanelSetting) -> None:
    drawn = _drawn(setting)
    setting.panel.choose("lesionsComboBox", GIVEN)
    assert setting.panel.ui.applyButton.enabled
    setting.scene.RemoveNode(drawn[1])
    setting.host.process_events()
    assert not setting.panel.ui.applyButton.enabled


def test_report_that_is_none_is_told_and_nothing_is_added(setting: PanelSetting, tmp_path: Path) -> None:
    _drawn(setting)
    (tmp_path / "no.dcm").write_bytes(b"no DICOM")
    setting.panel.choose("lesionsComboBox", GIVEN)
    setting.panel.choose("visitSource1", "DICOM report:")
    setting.panel.choose("visitReport1", str(tmp_path / "no.dcm"))
    before = setting.snapshot()
    setting.finish(setting.start())
    assert "cannot be read as DICOM" in setting.status and setting.snapshot() == before


def test_lung_nodules_on_pet_are_refused_with_what_to_do(setting: PanelSetting) -> None:
    _drawn(setting)
    setting.panel.choose("lesionsComboBox", GIVEN)
    setting.panel.choose("nodulesCheckBox", True)
    setting.finish(setting.start())
    assert "other lesions" in setting.status


def test_files_of_given_lesions_are_written(setting: PanelSetting, tmp_path: Path) -> None:
    _drawn(setting)
    setting.panel.choose("lesionsComboBox", GIVEN)
    (tmp_path / "out").mkdir()
    setting.panel.choose("outputFolderPathLineEdit", str(tmp_path / "out"))
    setting.run()
    (folder,) = (tmp_path / "out").iterdir()
    assert {"changes.csv", "report.html", "result.json"} <= {path.name for path in folder.iterdir()}


def test_corrected_uptake_follows_the_lesions(setting: PanelSetting) -> None:
    _drawn(setting)
    setting.panel.choose("lesionsComboBox", GIVEN)
    setting.run()
    number = next(one.number for one in setting.panel.widget._result.lesions if one.words["status"] == "matched")
    table = setting.panel.ui.lesionTable
    table.setCurrentCell(rows_of_list(setting).index(number), 0)
    setting.panel.click("markResolvedButton")
    assert setting.errors == [] and len(rows_of_list(setting)) == 4
    cells = [table.item(row, 6).text() for row in range(4)]
    assert "8.0 → –" in cells and "– → 4.1" in cells
    setting.panel.click("undoButton")
    assert table.item(rows_of_list(setting).index(number), 6).text() == "8.0 → 4.1"
