"""Lesions of a visit from the nodes of a scene: where they lie, what is left out, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.geometry import index_to_world, same_grid
from AIImagingLogic.jobs.job import ImageInput
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.given_lesions import GivenLesions
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.scene.coordinates import ras_matrix_from_lps, vtk_matrix

slicer = pytest.importorskip("slicer")

from AIImagingLogic.scene.empty_scene import make_scene  # noqa: E402
from AIImagingLogic.scene.follow_up_sources import (  # noqa: E402
    algorithm_type,
    dicom_files,
    drawn_lesions,
    proposed_sources,
    tell_who_drew,
    visit_input,
)
from AIImagingLogic.scene.segmentations import segmentation_node_from_segmentation  # noqa: E402
from AIImagingLogic.scene.volumes import volume_node_from_image  # noqa: E402

TURN = np.linalg.qr(np.random.default_rng(11).normal(size=(3, 3)))[0]
# Points of LPS moved and turned: what a linear transform does to a node.
MOVED = np.eye(4)
MOVED[:3, :3] = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
MOVED[:3, :3] *= np.sign(np.linalg.det(MOVED[:3, :3]))
MOVED[:3, 3] = (40.0, -30.0, 12.0)


def _image() -> sitk.Image:
    image = sitk.Image([20, 24, 16], sitk.sitkInt16)
    image.SetSpacing((0.9, 1.2, 2.5))
    image.SetOrigin((-33.0, 21.0, -410.0))
    image.SetDirection(TURN.ravel().tolist())
    return image


def _labels(image: sitk.Image) -> Segmentation:
    values = np.zeros(image.GetSize()[::-1], np.uint8)
    values[3:6, 4:9, 5:8] = 1
    values[9:12, 4:9, 5:8] = 2
    labels = sitk.GetImageFromArray(values)
    labels.CopyInformation(image)
    segments = (
        Segment(1, "Metastasis", concept("lung-nodule"), (9, 8, 7)),
        Segment(2, "Liver", concept("body"), (5, 5, 5)),
    )
    return Segmentation(labels, segments)


@pytest.fixture
def scene() -> Any:
    return make_scene()


@pytest.fixture
def volume(scene: Any) -> Any:
    return volume_node_from_image(_image(), scene, "PET")


def _under(scene: Any, *nodes: Any) -> Any:
    parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    parent.SetMatrixTransformToParent(vtk_matrix(ras_matrix_from_lps(MOVED)))
    for node in nodes:
        node.SetAndObserveTransformNodeID(parent.GetID())
    return parent


def _as_the_worker_gets_it(form: dict[str, Any]) -> GivenLesions:
    def fetch(given: Any) -> sitk.Image:
        assert isinstance(given, ImageInput)
        image = sitk.GetImageFromArray(given.array())
        image.SetSpacing(given.spacing)
        image.SetOrigin(given.origin)
        image.SetDirection(given.direction)
        return image

    return GivenLesions.from_json(form, fetch)


def test_outlines_come_with_their_place_name_and_type_and_hidden_segments_are_left_out(scene: Any, volume: Any) -> None:
    node = segmentation_node_from_segmentation(_labels(_image()), scene, "Drawn", volume)
    node.GetDisplayNode().SetSegmentVisibility(node.GetSegmentation().GetNthSegmentID(1), False)
    (given,) = _as_the_worker_gets_it(drawn_lesions([node], volume)).segmentations
    assert same_grid(given.image, _image())
    assert np.array_equal(sitk.GetArrayFromImage(given.image), sitk.GetArrayFromImage(_labels(_image()).image))
    assert [(entry.value, entry.name, entry.concept.key) for entry in given.segments] == [
        (1, "Metastasis", "lung-nodule")
    ]
    assert _as_the_worker_gets_it(drawn_lesions([node], volume)).notes == ("Hidden segments were left out: Liver.",)


@pytest.mark.parametrize("moved", ["volume", "lesions", "both"])
def test_everything_is_given_in_the_coordinates_of_the_volume_whatever_transforms_they_are_under(
    scene: Any, volume: Any, moved: str
) -> None:
    node = segmentation_node_from_segmentation(_labels(_image()), scene, "Drawn")
    box = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Box")
    box.SetSize(10.0, 20.0, 30.0)
    box.SetCenter(-7.0, -8.0, 9.0)
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Points")
    points.AddControlPoint(-1.0, -2.0, 3.0, "Met A")
    line = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Long axis")
    line.AddControlPoint(0.0, 0.0, 0.0)
    line.AddControlPoint(-3.0, -4.0, 0.0)
    nodes = [node, box, points, line]
    _under(scene, *(() if moved == "volume" else nodes), *(() if moved == "lesions" else (volume,)))
    to_volume = {"volume": np.linalg.inv(MOVED), "lesions": MOVED, "both": np.eye(4)}[moved]
    given = _as_the_worker_gets_it(drawn_lesions(nodes, volume))

    def expected(*point: float) -> Any:
        return pytest.approx((to_volume @ (*point, 1.0))[:3], abs=1e-6)

    for index in ((0, 0, 0), (19, 2, 7)):
        place = index_to_world(given.segmentations[0].image, index)
        assert place == expected(*index_to_world(_image(), index))
    assert given.names == ("Box", "Met A", "Long axis")
    assert given.long_axes_mm[:2] == (None, None) and given.long_axes_mm[2] == pytest.approx(5.0)
    assert [entry.center_mm for entry in given.boxes] == [
        expected(7.0, 8.0, 9.0),
        expected(1.0, 2.0, 3.0),
        expected(1.5, 2.0, 0.0),
    ]
    assert given.boxes[0].size_mm == pytest.approx((10.0, 20.0, 30.0))
    axes = np.array(given.boxes[0].axes)
    assert np.linalg.det(axes) == pytest.approx(1.0)
    # Each axis of the box turns with it; its sign is free.
    assert np.abs(axes @ to_volume[:3, :3]) == pytest.approx(np.eye(3), abs=1e-6)


def test_what_cannot_be_lesions_is_refused_in_one_line(scene: Any, volume: Any) -> None:
    with pytest.raises(SceneError, match="No lesions are chosen for 'PET'"):
        drawn_lesions([], volume)
    with pytest.raises(SceneError, match="holds no lesion"):
        drawn_lesions([scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Empty")], volume)
    node = segmentation_node_from_segmentation(_labels(_image()), scene, "Drawn", volume)
    bent = scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Bent")
    grid = slicer.vtkMRMLGridTransformNode()
    assert not grid.IsLinear()
    bent.SetAndObserveTransformToParent(slicer.vtkOrientedBSplineTransform())
    node.SetAndObserveTransformNodeID(bent.GetID())
    with pytest.raises(SceneError, match="not linear"):
        drawn_lesions([node], volume)
    scene.RemoveNode(node)
    with pytest.raises(SceneError, match="removed from the scene"):
        drawn_lesions([node], volume)


def test_points_that_are_not_selected_are_left_out(scene: Any, volume: Any) -> None:
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Points")
    for name in ("Kept", "Rejected"):
        points.AddControlPoint(0.0, 0.0, 0.0, name)
    points.SetNthControlPointSelected(1, False)
    given = _as_the_worker_gets_it(drawn_lesions([points], volume))
    assert given.names == ("Kept",) and given.notes == ("1 points that are not selected were left out.",)


def test_nodes_drawn_on_a_volume_are_proposed_but_not_the_results_of_the_program(scene: Any, volume: Any) -> None:
    other = volume_node_from_image(_image(), scene, "Other")
    drawn = [
        segmentation_node_from_segmentation(_labels(_image()), scene, name, reference)
        for name, reference in (("Mine", volume), ("Result", volume), ("Of another", other))
    ]
    drawn[0].RemoveAttribute("AIImaging.Kind")
    drawn[2].RemoveAttribute("AIImaging.Kind")
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Points")
    points.AddControlPoint(0.0, 0.0, 0.0)
    assert proposed_sources(volume) == [drawn[0]]
    points.SetNthControlPointAssociatedNodeID(0, volume.GetID())
    assert proposed_sources(volume) == [drawn[0], points]


def test_unit_that_the_scene_states_goes_with_the_volume(volume: Any) -> None:
    assert visit_input(volume).facts["intensity_unit"] == ""
    units = slicer.vtkCodedEntry()
    units.SetValueSchemeMeaning("{SUVbw}g/ml", "UCUM", "Standardized Uptake Value body weight")
    volume.SetVoxelValueUnits(units)
    assert visit_input(volume).facts["intensity_unit"] == "{SUVbw}g/ml"


def test_files_of_a_volume_are_those_of_the_database_or_none(volume: Any) -> None:
    class Database:
        def fileForInstance(self, uid: str) -> str:  # noqa: N802 - as Slicer names it
            return "" if uid == "1.3" else f"/data/{uid}.dcm"

    assert dicom_files(volume, Database()) == []
    volume.SetAttribute("DICOM.instanceUIDs", "1.1 1.2")
    assert dicom_files(volume, Database()) == ["/data/1.1.dcm", "/data/1.2.dcm"]
    assert dicom_files(volume, None) == []
    volume.SetAttribute("DICOM.instanceUIDs", "1.1 1.3")
    assert dicom_files(volume, Database()) == []


def test_result_says_by_hand_unless_a_program_made_a_segment(scene: Any, volume: Any) -> None:
    made = segmentation_node_from_segmentation(_labels(_image()), scene, "Made", volume)
    drawn = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "By hand")
    drawn.GetSegmentation().AddEmptySegment("A", "A")
    assert algorithm_type([drawn]) == "MANUAL" and algorithm_type([drawn, made]) == "SEMIAUTOMATIC"
    tell_who_drew(made, "MANUAL")
    segment = made.GetSegmentation().GetNthSegment(0)
    assert segment.HasTag("DICOM.SegmentAlgorithmType") and not segment.HasTag("DICOM.SegmentAlgorithmName")
    assert algorithm_type([made]) == "MANUAL"
