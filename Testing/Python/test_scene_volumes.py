"""Images in volume nodes: geometry kept to the bit, transforms above them honoured or refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import GeometryError, SceneError
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.scene.coordinates import ijk_to_ras, lps_from_ras, vtk_matrix

slicer = pytest.importorskip("slicer")
vtk = pytest.importorskip("vtk")

from AIImagingLogic.scene.empty_scene import make_scene  # noqa: E402
from AIImagingLogic.scene.parent_transforms import input_image, place_with  # noqa: E402
from AIImagingLogic.scene.segmentations import segmentation_node_from_segmentation  # noqa: E402
from AIImagingLogic.scene.volumes import image_from_volume_node, volume_node_from_image  # noqa: E402

ORIENTATIONS = [
    np.eye(3)[:, list(order)] * np.array(signs)
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
]
"""All 48 axis orders and flips, 24 of them left-handed."""


def _image(direction: np.ndarray, kind: type = np.int16) -> sitk.Image:
    image = sitk.GetImageFromArray(np.arange(4 * 5 * 6, dtype=kind).reshape(4, 5, 6))
    image.SetDirection(direction.ravel().tolist())
    image.SetSpacing((0.7, 1.3, 2.5))
    image.SetOrigin((-101.25, 33.1, -702.5))
    return image


def _identical(left: sitk.Image, right: sitk.Image) -> bool:
    same_geometry = all(
        getattr(left, name)() == getattr(right, name)()
        for name in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection", "GetPixelID")
    )
    return same_geometry and np.array_equal(sitk.GetArrayViewFromImage(left), sitk.GetArrayViewFromImage(right))


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(ORIENTATIONS), st.integers(0, 10_000))
def test_image_comes_back_identical_from_any_orientation(orientation: np.ndarray, seed: int) -> None:
    oblique = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0] @ orientation
    for direction in (orientation, oblique):
        image = _image(direction)
        node = volume_node_from_image(image, slicer.vtkMRMLScene(), "CT")
        assert _identical(image_from_volume_node(node), image)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_every_voxel_stands_in_the_scene_where_it_stands_in_the_patient(orientation: np.ndarray) -> None:
    image = _image(orientation)
    node = volume_node_from_image(image, slicer.vtkMRMLScene(), "CT")
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    for index in ((0, 0, 0), (5, 0, 0), (0, 4, 0), (5, 4, 3)):
        ras = matrix.MultiplyPoint((*map(float, index), 1.0))[:3]
        # Rounding of doubles at 700 mm.
        assert np.allclose(lps_from_ras(ras), image.TransformIndexToPhysicalPoint(index), rtol=0, atol=1e-9)
        assert np.allclose(ijk_to_ras(image) @ (*index, 1), (*ras, 1), rtol=0, atol=1e-9)
        value = node.GetImageData().GetScalarComponentAsDouble(*index, 0)
        assert value == image.GetPixel(index)


@pytest.mark.parametrize(
    "kind", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.int64, np.float32, np.float64]
)
def test_voxel_type_is_kept(kind: type) -> None:
    image = _image(np.eye(3), kind)
    assert _identical(image_from_volume_node(volume_node_from_image(image, slicer.vtkMRMLScene(), "image")), image)


def test_colour_image_becomes_a_vector_volume_and_labels_a_labelmap() -> None:
    colour = sitk.Compose([_image(np.eye(3), np.uint8)] * 3)
    scene = make_scene()
    node = volume_node_from_image(colour, scene, "photo")
    assert node.IsA("vtkMRMLVectorVolumeNode")
    assert _identical(image_from_volume_node(node), colour)
    assert volume_node_from_image(_image(np.eye(3)), scene, "labels", labels=True).IsA("vtkMRMLLabelMapVolumeNode")


def test_node_does_not_share_voxels_with_the_image() -> None:
    image = _image(np.eye(3))
    node = volume_node_from_image(image, slicer.vtkMRMLScene(), "CT")
    image[0, 0, 0] = -7
    assert image_from_volume_node(node)[0, 0, 0] == 0


def test_flat_image_and_empty_node_are_refused() -> None:
    with pytest.raises(GeometryError, match="3D"):
        volume_node_from_image(sitk.Image(4, 4, sitk.sitkUInt8), slicer.vtkMRMLScene(), "flat")
    with pytest.raises(SceneError, match="'nothing' is empty"):
        image_from_volume_node(make_scene().AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing"))


@pytest.fixture
def oblique_volume() -> Iterator[Any]:
    direction = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    scene = make_scene()  # a node does not keep its scene alive
    yield volume_node_from_image(_image(direction), scene, "CT")


def test_result_of_a_volume_under_a_linear_transform_lands_on_it(oblique_volume: Any) -> None:
    scene = oblique_volume.GetScene()
    turn = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn * (1.0, 1.0, 1.2), (10.0, -20.0, 30.0)
    parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "shift")
    parent.SetMatrixTransformToParent(vtk_matrix(matrix))
    oblique_volume.SetAndObserveTransformNodeID(parent.GetID())
    image = input_image(oblique_volume)
    labels = sitk.Cast(image == image.GetPixel(3, 2, 1), sitk.sitkUInt8)
    nodule = Segment(1, "Nodule", concept("lung-nodule"), (255, 0, 0))
    result = segmentation_node_from_segmentation(Segmentation(labels, (nodule,)), scene, "result", oblique_volume)
    ijk = vtk.vtkMatrix4x4()
    oblique_volume.GetIJKToRASMatrix(ijk)
    shown = matrix @ ijk.MultiplyPoint((3.0, 2.0, 1.0, 1.0))
    assert np.allclose(_world_center(result), shown[:3], atol=1e-6)
    reference = slicer.vtkOrientedImageData()
    geometry = result.GetSegmentation().GetConversionParameter("Reference image geometry")
    assert slicer.vtkSegmentationConverter.DeserializeImageGeometry(geometry, reference, False)
    own = vtk.vtkMatrix4x4()
    reference.GetImageToWorldMatrix(own)
    assert np.allclose(_elements(own), _elements(ijk))
    assert reference.GetExtent() == (0, 5, 0, 4, 0, 3)


def _elements(matrix: Any) -> list[float]:
    return [matrix.GetElement(row, column) for row in range(4) for column in range(4)]


def _world_center(segmentation_node: Any) -> np.ndarray:
    """Centre of the one segment's voxels under all transforms, RAS mm."""
    labels = segmentation_node.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap")
    from vtkmodules.util.numpy_support import vtk_to_numpy

    voxels = vtk_to_numpy(labels.GetPointData().GetScalars()).reshape(tuple(reversed(labels.GetDimensions())))
    index = np.argwhere(voxels)[0][::-1]
    to_local, to_world = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    labels.GetImageToWorldMatrix(to_local)
    segmentation_node.GetParentTransformNode().GetMatrixTransformToWorld(to_world)
    return np.array(to_world.MultiplyPoint(to_local.MultiplyPoint((*map(float, index), 1.0)))[:3])


def test_volume_under_a_non_linear_transform_is_refused_even_from_above(oblique_volume: Any) -> None:
    scene = oblique_volume.GetScene()
    bent = scene.AddNewNodeByClass("vtkMRMLTransformNode", "breathing")
    thin_plate = vtk.vtkThinPlateSplineTransform()
    source, target = vtk.vtkPoints(), vtk.vtkPoints()
    for point in ((0, 0, 0), (100, 0, 0), (0, 100, 0), (0, 0, 100), (50, 50, 60)):
        source.InsertNextPoint(point)
        target.InsertNextPoint(np.array(point) * (1.0, 1.0, 1.1 if point[2] == 60 else 1.0))
    thin_plate.SetBasisToR()
    thin_plate.SetSourceLandmarks(source)
    thin_plate.SetTargetLandmarks(target)
    bent.SetAndObserveTransformToParent(thin_plate)
    straight = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "table")
    straight.SetAndObserveTransformNodeID(bent.GetID())
    for parent in (bent, straight):
        oblique_volume.SetAndObserveTransformNodeID(parent.GetID())
        with pytest.raises(SceneError, match="arden it first"):
            input_image(oblique_volume)
    oblique_volume.SetAndObserveTransformNodeID(None)
    assert input_image(oblique_volume).GetSize() == (6, 5, 4)


def test_result_of_an_untransformed_volume_has_no_parent(oblique_volume: Any) -> None:
    result = oblique_volume.GetScene().AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    place_with(result, oblique_volume)
    assert result.GetParentTransformNode() is None


def test_real_chest_ct_comes_back_identical(shared_data: Path) -> None:
    image = sitk.ReadImage(str(shared_data / "chest_ct" / "3DCT_lung_baseline_small.mha"))
    assert _identical(image_from_volume_node(volume_node_from_image(image, slicer.vtkMRMLScene(), "CT")), image)
