"""Going through findings: slices and box on the finding, reviews in the nodes, all of it back from a saved scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from visit_on_grid import FLIPPED, LESION_SIZE, LESIONS, OBLIQUE, center_of_lesion, image_on_grid, visit_on_grid

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.finding import ReviewStatus
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.scene.coordinates import array_of_vtk_matrix, lps_from_ras, ras_matrix_from_lps, vtk_matrix

slicer = pytest.importorskip("slicer")
vtk = pytest.importorskip("vtk")

from AIImagingLogic.scene.detection_results import DetectionNodes, add_detection_results  # noqa: E402
from AIImagingLogic.scene.empty_scene import make_scene  # noqa: E402
from AIImagingLogic.scene.finding_view import FindingView  # noqa: E402
from AIImagingLogic.scene.save import load_scene, save_scene  # noqa: E402
from AIImagingLogic.scene.slice_views import slice_view_nodes  # noqa: E402
from AIImagingLogic.scene.volumes import volume_node_from_image  # noqa: E402

MATRIX = np.eye(4)
MATRIX[:3, :3] = OBLIQUE.T
MATRIX[:3, 3] = (11.0, -7.0, 3.0)
"""The volume's parent transform, LPS to LPS."""


def _reviewed_scene(direction: np.ndarray) -> tuple[Any, sitk.Image, DetectionNodes]:
    scene = make_scene()
    image = image_on_grid(direction)
    volume = volume_node_from_image(image, scene, "CT")
    turn = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Turn")
    turn.SetMatrixTransformToParent(vtk_matrix(ras_matrix_from_lps(MATRIX)))
    volume.SetAndObserveTransformNodeID(turn.GetID())
    for name, plane in (("Red", "Axial"), ("Green", "Coronal")):
        slice_view_nodes(scene, name, plane)
    return scene, image, add_detection_results(visit_on_grid(image), volume, scene)


def _slice_centers(scene: Any) -> list[np.ndarray]:
    return [
        lps_from_ras(scene.GetNodeByID(f"vtkMRMLSliceNode{name}").GetSliceToRAS().MultiplyPoint((0, 0, 0, 1))[:3])
        for name in ("Red", "Green")
    ]


def _box_corners(box: Any) -> np.ndarray:
    """Return the corners of the box node, (8, 3) mm, LPS, in the world."""
    half = np.array(box.GetSize()) / 2
    to_world = array_of_vtk_matrix(box.GetObjectToWorldMatrix())
    corners = [to_world @ np.append(half * (2 * np.array(signs) - 1), 1) for signs in np.ndindex(2, 2, 2)]
    return lps_from_ras(np.array(corners)[:, :3])


def _lesion_corners(image: sitk.Image, first: tuple[int, int, int], margin_mm: float) -> np.ndarray:
    """Return the corners of a lesion's voxels and a margin around them, (8, 3) mm, LPS, in the world."""
    margin = margin_mm / np.array(image.GetSpacing())
    low = np.array(first) - 0.5 - margin
    high = np.array(first) + np.array(LESION_SIZE) - 0.5 + margin
    corners = [np.where(signs, high, low).tolist() for signs in np.ndindex(2, 2, 2)]
    own = np.array([image.TransformContinuousIndexToPhysicalPoint(corner) for corner in corners])
    return own @ MATRIX[:3, :3].T + MATRIX[:3, 3]


def _same_points(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether two sets of points are the same, in any order, to a thousandth of a millimetre."""
    apart = np.linalg.norm(left[:, None] - right[None], axis=2)
    return bool((apart.min(axis=0) < 1e-3).all() and (apart.min(axis=1) < 1e-3).all())


@pytest.mark.parametrize("direction", [np.eye(3), FLIPPED, OBLIQUE], ids=["straight", "flipped", "oblique"])
def test_selected_finding_is_in_the_middle_of_every_slice_and_inside_the_box(direction: np.ndarray) -> None:
    scene, image, nodes = _reviewed_scene(direction)
    view = FindingView.from_nodes(nodes.points)
    assert view.current is None and not nodes.box.GetDisplayNode().GetVisibility()
    for number, first in enumerate(LESIONS):
        view.select(view.uids[number])
        expected = (MATRIX @ np.append(center_of_lesion(image, first), 1))[:3]
        for center in _slice_centers(scene):
            assert np.allclose(center, expected, rtol=0, atol=1e-6)
        assert _same_points(_box_corners(nodes.box), _lesion_corners(image, first, 3.0))
        axes = array_of_vtk_matrix(nodes.box.GetObjectToWorldMatrix())[:3, :3]
        assert np.linalg.det(axes) == pytest.approx(1.0)
        colour = load_resource("rules/lesion_colours.json")["colours"][number]
        assert np.allclose(np.array(nodes.box.GetDisplayNode().GetSelectedColor()) * 255, colour, atol=0.5)
        assert nodes.box.GetDisplayNode().GetVisibility()


def test_next_and_previous_go_round() -> None:
    scene, _, nodes = _reviewed_scene(OBLIQUE)
    view = FindingView.from_nodes(nodes.points)
    assert [view.next() for _ in range(4)] == ["2.25.1", "2.25.2", "2.25.3", "2.25.1"]
    assert [view.previous() for _ in range(2)] == ["2.25.3", "2.25.2"]
    assert view.current == "2.25.2" and scene.IsNodePresent(nodes.box)


def test_selecting_makes_no_nodes_and_touches_neither_points_table_nor_segments() -> None:
    scene, _, nodes = _reviewed_scene(OBLIQUE)
    view = FindingView.from_nodes(nodes.points)

    def times() -> list[int]:
        contents = [nodes.points, nodes.table.GetTable(), nodes.lesions.GetSegmentation()]
        return [scene.GetNumberOfNodes(), *(content.GetMTime() for content in contents)]

    before = times()
    view.next()
    assert times() == before


def test_rejected_finding_is_grey_and_hidden_but_kept_and_can_be_accepted_again() -> None:
    scene, _, nodes = _reviewed_scene(OBLIQUE)
    view = FindingView.from_nodes(nodes.points)
    proposal = nodes.lesions.GetSegmentation().GetMTime()
    place = np.zeros(3)
    nodes.points.GetNthControlPointPosition(1, place)

    def seen() -> tuple[bool, bool, str]:
        display = nodes.lesions.GetDisplayNode()
        review = nodes.table.GetTable().GetColumnByName("Review").GetValue(1)
        return nodes.points.GetNthControlPointSelected(1), display.GetSegmentVisibility("Segment_2"), review

    assert seen() == (True, True, "unreviewed")
    view.set_review("2.25.2", ReviewStatus.REJECTED)
    assert seen() == (False, False, "rejected") and view.review("2.25.2") == "rejected"
    assert np.allclose(nodes.points.GetDisplayNode().GetColor(), 128 / 255)
    assert nodes.points.GetNthControlPointSelected(0) and view.review("2.25.1") == "unreviewed"
    view.set_review("2.25.2", "accepted")
    assert seen() == (True, True, "accepted")
    assert nodes.lesions.GetSegmentation().GetMTime() == proposal
    after = np.zeros(3)
    nodes.points.GetNthControlPointPosition(1, after)
    assert np.array_equal(after, place) and scene.IsNodePresent(nodes.lesions)


def test_every_status_of_the_records_can_be_shown_and_no_other() -> None:
    assert set(load_resource("display/review.json")["states"]) == {status.value for status in ReviewStatus}
    scene, _, nodes = _reviewed_scene(OBLIQUE)
    view = FindingView.from_nodes(nodes.points)
    with pytest.raises(ValueError, match="'maybe' is no review status"):
        view.set_review("2.25.1", "maybe")
    assert view.review("2.25.1") == "unreviewed" and scene.IsNodePresent(nodes.table)


def test_review_goes_on_in_a_saved_scene(tmp_path: Path) -> None:
    scene, image, nodes = _reviewed_scene(OBLIQUE)
    view = FindingView.from_nodes(nodes.points)
    view.set_review("2.25.3", ReviewStatus.REJECTED)
    view.select("2.25.2")
    save_scene(scene, tmp_path / "scene.mrb")
    loaded = load_scene(tmp_path / "scene.mrb")

    again = FindingView.from_nodes(loaded.GetFirstNodeByName("CT findings"))
    assert again.uids == view.uids and again.current == "2.25.2" and again.review("2.25.3") == "rejected"
    again.select("2.25.1")
    expected = (MATRIX @ np.append(center_of_lesion(image, LESIONS[0]), 1))[:3]
    assert np.allclose(_slice_centers(loaded)[0], expected, rtol=0, atol=1e-5)
    assert _same_points(_box_corners(again.box), _lesion_corners(image, LESIONS[0], 3.0))
    again.set_review("2.25.3", ReviewStatus.ACCEPTED)
    assert again.lesions.GetDisplayNode().GetSegmentVisibility("Segment_3")
    assert again.review("2.25.3") == "accepted"


def test_review_finds_its_row_when_somebody_removed_another() -> None:
    scene, _, nodes = _reviewed_scene(OBLIQUE)
    view = FindingView.from_nodes(nodes.points)
    nodes.table.RemoveRow(0)
    view.set_review("2.25.3", "accepted")
    reviews = nodes.table.GetTable().GetColumnByName("Review")
    assert [reviews.GetValue(row) for row in range(2)] == ["unreviewed", "accepted"]
    with pytest.raises(SceneError, match="row of '2.25.1'"):
        view.set_review("2.25.1", "accepted")
    assert scene.IsNodePresent(nodes.table)


def test_what_was_removed_is_said() -> None:
    scene, _, nodes = _reviewed_scene(OBLIQUE)
    view = FindingView.from_nodes(nodes.points)
    with pytest.raises(SceneError, match="'2.25.9' is no longer"):
        view.select("2.25.9")
    scene.RemoveNode(nodes.table)
    with pytest.raises(SceneError, match="row of '2.25.1'"):
        view.set_review("2.25.1", "accepted")
    scene.RemoveNode(nodes.box)
    with pytest.raises(SceneError, match="no list of findings with a box"):
        FindingView.from_nodes(nodes.points)
