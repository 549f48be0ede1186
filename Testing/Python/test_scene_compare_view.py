"""Two visits side by side: views of their own, and both at the same lesion, each in its own coordinates."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest
from synthetic_timeline import two_visits

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.scene.coordinates import lps_from_ras, ras_matrix_from_lps, vtk_matrix

slicer = pytest.importorskip("slicer")

from AIImagingLogic.scene.compare_layout import layout_rows, layout_xml  # noqa: E402
from AIImagingLogic.scene.compare_view import ComparedVisit, CompareView  # noqa: E402
from AIImagingLogic.scene.empty_scene import make_scene  # noqa: E402
from AIImagingLogic.scene.follow_up_results import FollowUpNodes, add_follow_up_results  # noqa: E402
from AIImagingLogic.scene.slice_views import slice_view_nodes  # noqa: E402
from AIImagingLogic.scene.volumes import volume_node_from_image  # noqa: E402

SHIFT = np.array((100.0, -50.0, 25.0))
"""Of the later volume, by its parent transform, LPS mm."""


@pytest.fixture
def compared() -> tuple[CompareView, Any, Timeline, FollowUpNodes, list[Any]]:
    timeline, images = two_visits((4.0, 4.0, 5.0))
    scene = make_scene()
    slice_view_nodes(scene, "Red", "Axial")
    volumes = [volume_node_from_image(image, scene, name) for image, name in zip(images, ("First", "Second"))]
    shift = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Shift")
    matrix = np.eye(4)
    matrix[:3, 3] = SHIFT
    shift.SetMatrixTransformToParent(vtk_matrix(ras_matrix_from_lps(matrix)))
    volumes[1].SetAndObserveTransformNodeID(shift.GetID())
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    for volume in volumes:
        item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), volume)
        hierarchy.SetItemAttribute(item, "DICOM.Modality", "CT")
    nodes = add_follow_up_results(timeline, volumes, scene)
    visits = [
        ComparedVisit(volume, visit.points, visit.all) for volume, visit in zip(volumes, nodes.visits, strict=True)
    ]
    return CompareView(scene, visits), scene, timeline, nodes, volumes


def _centers(scene: Any, row: int) -> list[np.ndarray]:
    views = [scene.GetNodeByID(f"vtkMRMLSliceNode{view['tag']}") for view in layout_rows()[row]["views"]]
    return [lps_from_ras(view.GetSliceToRAS().MultiplyPoint((0, 0, 0, 1))[:3]) for view in views]


def test_layout_has_a_row_a_visit_with_three_planes_each_in_a_group_of_its_own() -> None:
    rows = ElementTree.fromstring(layout_xml()).findall("item/layout")
    planes = [[view.findtext("property[@name='orientation']") for view in row.iter("view")] for row in rows]
    assert planes == [["Axial", "Coronal", "Sagittal"]] * 2
    groups = [{view.findtext("property[@name='viewgroup']") for view in row.iter("view")} for row in rows]
    assert all(len(group) == 1 for group in groups) and groups[0] != groups[1] and {"0"} not in groups
    assert len({view.get("singletontag") for row in rows for view in row.iter("view")}) == 6


def test_each_visit_is_shown_in_its_own_linked_views_and_its_results_nowhere_else(
    compared: tuple[CompareView, Any, Timeline, FollowUpNodes, list[Any]],
) -> None:
    view, scene, _, nodes, volumes = compared
    view.show()
    layout = scene.GetNodeByID("vtkMRMLLayoutNodevtkMRMLLayoutNode")
    assert layout.GetViewArrangement() > 100 and layout.GetCurrentLayoutDescription() == layout_xml()
    for row, visit, volume in zip(layout_rows(), nodes.visits, volumes, strict=True):
        identifiers = {f"vtkMRMLSliceNode{entry['tag']}" for entry in row["views"]}
        for entry in row["views"]:
            composite = scene.GetNodeByID(f"vtkMRMLSliceCompositeNode{entry['tag']}")
            assert composite.GetBackgroundVolumeID() == volume.GetID() and composite.GetLinkedControl()
            own = scene.GetNodeByID(f"vtkMRMLSliceNode{entry['tag']}")
            assert (own.GetOrientation(), own.GetViewGroup()) == (entry["plane"], row["view_group"])
        for node in (visit.organs, visit.lesions, visit.points, visit.box):
            assert set(node.GetDisplayNode().GetViewNodeIDs()) == identifiers
    assert scene.GetNodeByID("vtkMRMLSliceNodeRed").GetViewGroup() == 0


def test_closing_brings_back_the_layout_and_shows_results_everywhere(
    compared: tuple[CompareView, Any, Timeline, FollowUpNodes, list[Any]],
) -> None:
    view, scene, _, nodes, _ = compared
    view.show()
    view.show()
    view.close()
    layout = scene.GetNodeByID("vtkMRMLLayoutNodevtkMRMLLayoutNode")
    assert layout.GetViewArrangement() < 100
    assert all(node.GetDisplayNode().GetNumberOfViewNodeIDs() == 0 for visit in nodes.visits for node in visit.all[:4])


def test_both_visits_jump_to_a_lesion_each_in_its_own_coordinates(
    compared: tuple[CompareView, Any, Timeline, FollowUpNodes, list[Any]],
) -> None:
    view, scene, timeline, nodes, _ = compared
    view.show()
    red = _red(scene)
    assert view.jump_to_lesion(timeline, 1) == (True, True)
    for row, visit in enumerate(timeline.visits):
        finding = visit.finding(timeline.lesions[0].observations[row])
        assert finding is not None
        expected = np.array(finding.box.center_mm) + row * SHIFT
        for center in _centers(scene, row):
            assert np.allclose(center, expected, rtol=0, atol=1e-6)
        assert nodes.visits[row].box.GetDisplayNode().GetVisibility()
    assert np.array_equal(_red(scene), red)


def _red(scene: Any) -> np.ndarray:
    return np.array(scene.GetNodeByID("vtkMRMLSliceNodeRed").GetSliceToRAS().MultiplyPoint((0, 0, 0, 1)))


def test_visit_where_the_lesion_was_not_seen_goes_where_it_is_expected_without_a_box(
    compared: tuple[CompareView, Any, Timeline, FollowUpNodes, list[Any]],
) -> None:
    view, scene, timeline, nodes, _ = compared
    view.show()
    view.jump_to_lesion(timeline, 1)
    gone = next(lesion for lesion in timeline.lesions if lesion.observations[1] is None)
    view.jump_to_lesion(timeline, gone.number)
    assert gone.expected_mm[1] is not None
    assert np.allclose(_centers(scene, 1)[0], np.array(gone.expected_mm[1]) + SHIFT, rtol=0, atol=1e-6)
    assert not nodes.visits[1].box.GetDisplayNode().GetVisibility()


def test_lesion_that_is_neither_seen_nor_expected_leaves_the_views_where_they_are(
    compared: tuple[CompareView, Any, Timeline, FollowUpNodes, list[Any]],
) -> None:
    view, scene, timeline, _, _ = compared
    view.show()
    new = next(lesion for lesion in timeline.lesions if lesion.observations[0] is None)
    nowhere = dataclasses.replace(new, expected_mm=(None, None))
    before = _centers(scene, 0)
    assert view.jump_to_lesion(dataclasses.replace(timeline, lesions=(nowhere,)), new.number) == (False, True)
    assert np.array_equal(_centers(scene, 0), before)
    with pytest.raises(SceneError, match="no lesion 99"):
        view.jump_to_lesion(timeline, 99)


def test_window_of_the_modality_is_set_unless_somebody_chose_one(
    compared: tuple[CompareView, Any, Timeline, FollowUpNodes, list[Any]],
) -> None:
    view, _, _, _, volumes = compared
    volumes[0].GetDisplayNode().AutoWindowLevelOn()
    volumes[1].GetDisplayNode().AutoWindowLevelOff()
    volumes[1].GetDisplayNode().SetWindowLevelMinMax(0, 77)
    view.show()
    levels = [volume.GetDisplayNode().GetWindowLevelMax() for volume in volumes]
    assert levels == [150, 77]
