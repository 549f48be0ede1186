"""Results of jobs as nodes: on the voxels they were made of, whatever the grid and the transform above it."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from scene_snapshot import scene_snapshot
from visit_on_grid import FLIPPED, LESION_SIZE, LESIONS, OBLIQUE, SIZE, center_of_lesion, image_on_grid, visit_on_grid

from AIImagingLogic.images.segment_tags import PROVENANCE
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.scene.coordinates import array_of_vtk_matrix, lps_from_ras, ras_matrix_from_lps, vtk_matrix
from AIImagingLogic.tasks import segment as segment_task
from AIImagingLogic.tasks.measure import measure

slicer = pytest.importorskip("slicer")
vtk = pytest.importorskip("vtk")

from AIImagingLogic.scene.detection_results import add_detection_results  # noqa: E402
from AIImagingLogic.scene.empty_scene import make_scene  # noqa: E402
from AIImagingLogic.scene.recovered_results import add_recovered  # noqa: E402
from AIImagingLogic.scene.segment_memory import release_results  # noqa: E402
from AIImagingLogic.scene.segmentation_results import add_segmentation_result  # noqa: E402
from AIImagingLogic.scene.volumes import volume_node_from_image  # noqa: E402

GRIDS = pytest.mark.parametrize("direction", [np.eye(3), FLIPPED, OBLIQUE], ids=["straight", "flipped", "oblique"])


def _turned_scene(direction: np.ndarray) -> tuple[Any, Any, sitk.Image, np.ndarray]:
    """Return scene, volume under a turned and shifted transform, its image, and that transform (LPS to LPS)."""
    image = image_on_grid(direction)
    scene = make_scene()
    volume = volume_node_from_image(image, scene, "CT")
    matrix = np.eye(4)
    matrix[:3, :3] = OBLIQUE.T
    matrix[:3, 3] = (11.0, -7.0, 3.0)
    turn = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Turn")
    turn.SetMatrixTransformToParent(vtk_matrix(ras_matrix_from_lps(matrix)))
    volume.SetAndObserveTransformNodeID(turn.GetID())
    return scene, volume, image, matrix


def _voxels(node: Any, segment_id: str) -> list[tuple[int, ...]]:
    """Return the voxel indices (i, j, k) of a segment, on the grid of the shared labelmap."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    labels = node.GetSegmentation().GetSegment(segment_id).GetRepresentation("Binary labelmap")
    values = vtk_to_numpy(labels.GetPointData().GetScalars()).reshape(labels.GetDimensions()[::-1])
    return [
        tuple(index[::-1])
        for index in np.argwhere(values == node.GetSegmentation().GetSegment(segment_id).GetLabelValue()).tolist()
    ]  # noqa: E501


def _labels_to_world(node: Any, segment_id: str) -> np.ndarray:
    """Return the matrix from the indices of a segment's labelmap to RAS mm of its node."""
    matrix = vtk.vtkMatrix4x4()
    node.GetSegmentation().GetSegment(segment_id).GetRepresentation("Binary labelmap").GetImageToWorldMatrix(matrix)
    return array_of_vtk_matrix(matrix)


def _voxels_to_world(volume: Any) -> np.ndarray:
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return array_of_vtk_matrix(matrix)


@GRIDS
def test_lesions_points_and_box_lie_on_the_lesions_voxels_under_the_volumes_transform(direction: np.ndarray) -> None:
    scene, volume, image, matrix = _turned_scene(direction)
    visit = visit_on_grid(image)
    nodes = add_detection_results(visit, volume, scene)
    for number, first in enumerate(LESIONS, start=1):
        expected = {tuple(int(start + step) for start, step in zip(first, steps)) for steps in np.ndindex(*LESION_SIZE)}
        assert set(_voxels(nodes.lesions, f"Segment_{number}")) == expected
        point = np.zeros(3)
        nodes.points.GetNthControlPointPositionWorld(number - 1, point)
        center = matrix @ np.append(center_of_lesion(image, first), 1)
        assert np.allclose(lps_from_ras(point), center[:3], rtol=0, atol=1e-6)
    assert np.allclose(_labels_to_world(nodes.lesions, "Segment_2"), _voxels_to_world(volume), rtol=0, atol=1e-12)
    for node in nodes.all[:4]:
        assert node.GetTransformNodeID() == volume.GetTransformNodeID()


@GRIDS
def test_segmentation_holds_every_label_where_the_volume_holds_its_voxel(direction: np.ndarray) -> None:
    scene, volume, image, _ = _turned_scene(direction)
    labels = sitk.GetImageFromArray((np.arange(np.prod(SIZE)) % 3).astype(np.uint8).reshape(SIZE[::-1]))
    labels.CopyInformation(image)
    organs = visit_on_grid(image).organs
    assert organs is not None
    node = add_segmentation_result(Segmentation(labels, organs.segments, organs.provenance), volume, scene).segmentation
    assert np.allclose(_labels_to_world(node, "Segment_1"), _voxels_to_world(volume), rtol=0, atol=1e-12)
    found = {tuple(index) for index in _voxels(node, "Segment_1")}
    assert found == {tuple(index[::-1]) for index in np.argwhere(sitk.GetArrayViewFromImage(labels) == 1).tolist()}


def test_shared_memory_of_a_result_outlives_the_result_and_goes_with_the_node() -> None:
    image = image_on_grid(np.eye(3))
    scene = make_scene()
    organs = visit_on_grid(image).organs
    assert organs is not None
    node = add_segmentation_result(organs, None, scene).segmentation
    del organs
    gc.collect()
    waste = [np.full(SIZE[::-1], 77, np.uint8) for _ in range(200)]
    assert _voxels(node, "Segment_1") == [(1, 1, 1)] and len(waste) == 200


def test_lesion_n_has_the_colour_of_lesion_n_in_segments_and_boxes() -> None:
    scene = make_scene()
    image = image_on_grid(np.eye(3))
    nodes = add_detection_results(visit_on_grid(image), volume_node_from_image(image, scene, "CT"), scene)
    colours = load_resource("rules/lesion_colours.json")["colours"]
    for number in (1, 2, 3):
        colour = np.array(nodes.lesions.GetSegmentation().GetSegment(f"Segment_{number}").GetColor()) * 255
        assert np.allclose(colour, colours[number - 1], atol=0.5)
        assert nodes.points.GetNthControlPointLabel(number - 1) == f"Lesion {number}"


def test_results_sit_under_the_study_of_their_volume_and_the_user_s_nodes_stay_as_they_were() -> None:
    scene, volume, image, _ = _turned_scene(OBLIQUE)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.CreateItem(study, volume)
    before = scene_snapshot(scene)
    nodes = add_detection_results(visit_on_grid(image), volume, scene)
    after = scene_snapshot(scene)
    del before[hierarchy.GetID()]
    assert {key: after[key] for key in before} == before
    for node in nodes.all:
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
        assert node.GetName().startswith("CT ")
    assert nodes.table.GetAttribute(PROVENANCE) == nodes.points.GetAttribute(PROVENANCE)


def test_measurements_of_a_segmentation_become_a_table_with_types_and_units() -> None:
    image = image_on_grid(OBLIQUE)
    scene = make_scene()
    volume = volume_node_from_image(image, scene, "CT")
    result = _segmented_and_measured(image, visit_on_grid(image).info)
    nodes = add_segmentation_result(result, volume, scene)
    assert nodes.table.GetName() == "CT segmentation measurements"  # type: ignore[union-attr]
    table = nodes.table.GetTable()  # type: ignore[union-attr]
    assert table.GetColumnByName("Segment").GetValue(0) == "Left lung"
    # One voxel, of the value that its index has.
    assert table.GetColumnByName("Volume").GetValue(0) == pytest.approx(0.7 * 1.3 * 2.5 / 1000)
    assert table.GetColumnByName("Mean density").GetValue(0) == 1 + 14 + 14 * 12
    units = [nodes.table.GetColumnUnitLabel(name) for name in ("Volume", "Mean density")]  # type: ignore[union-attr]
    assert units == ["mL", "[hnsf'U]"]
    titles = [nodes.table.GetColumnTitle(name) for name in ("Segment", "Volume", "Mean density")]  # type: ignore[union-attr]
    assert titles == ["Segment", "Volume (ml)", "Mean density (HU)"]


def _segmented_and_measured(image: sitk.Image, info: ImageInfo) -> Any:
    from AIImagingLogic.records.segmented_and_measured import SegmentedAndMeasured

    organs = visit_on_grid(image).organs
    assert organs is not None
    return SegmentedAndMeasured(organs, measure(image, info, organs))


def test_segment_and_measure_measures_what_it_segmented(monkeypatch: pytest.MonkeyPatch) -> None:
    image = image_on_grid(np.eye(3))
    visit = visit_on_grid(image)
    monkeypatch.setattr(segment_task, "segment", lambda *_: visit.organs)
    told: list[float] = []
    progress = Progress(lambda fraction, message: told.append(fraction))
    result = segment_task.segment_and_measure(image, visit.info, "ct-lungs", progress)
    assert result.segmentation is visit.organs
    assert [row.segment for row in result.measured.rows] == list(result.segmentation.segments)
    assert told == sorted(told) and told[-1] == 1.0
    again = type(result).from_json(result.to_json(lambda value, name: name), lambda name: result.segmentation.image)
    assert again == result


def test_closing_scene_lets_go_of_results_label_images_but_not_of_the_user_s() -> None:
    image = image_on_grid(np.eye(3))
    scene = make_scene()
    organs = visit_on_grid(image).organs
    assert organs is not None
    ours = add_segmentation_result(organs, None, scene).segmentation
    theirs = add_segmentation_result(visit_on_grid(image).organs, None, scene).segmentation  # type: ignore[arg-type]
    theirs.RemoveAttribute("AIImaging.Kind")
    release_results(scene)
    held = [
        node.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap") is not None
        for node in (ours, theirs)
    ]
    assert held == [False, True]


def test_kept_result_comes_back_beside_the_volume_with_its_content() -> None:
    scene, volume, image, _ = _turned_scene(OBLIQUE)
    volume_node_from_image(image_on_grid(FLIPPED), scene, "Another")
    found = add_recovered(visit_on_grid(image), scene)
    assert found.notes == ()
    assert found.nodes.lesions.GetTransformNodeID() == volume.GetTransformNodeID()
    assert found.nodes.points.GetNodeReferenceID("AIImaging.Volume") == volume.GetID()


def test_kept_result_whose_volume_is_not_loaded_stands_alone_and_says_so() -> None:
    scene, _, _, _ = _turned_scene(FLIPPED)
    image = image_on_grid(OBLIQUE)
    found = add_recovered(_segmented_and_measured(image, visit_on_grid(image).info), scene)
    assert "not loaded" in found.notes[0]
    assert found.nodes.segmentation.GetAttribute("AIImaging.Note") == found.notes[0]
    assert found.nodes.segmentation.GetTransformNodeID() is None
    assert _voxels(found.nodes.segmentation, "Segment_1") == [(1, 1, 1)]


def test_result_without_a_form_in_a_scene_is_refused_and_adds_nothing() -> None:
    scene, _, image, _ = _turned_scene(OBLIQUE)
    before = scene_snapshot(scene)
    with pytest.raises(SceneError, match="ImageInfo has no form"):
        add_recovered(visit_on_grid(image).info, scene)
    assert scene_snapshot(scene) == before
