"""Volume nodes as inputs of jobs: exactly where and what they are, refused in one line when they cannot be read."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.coordinates import ras_matrix_from_lps, vtk_matrix

slicer = pytest.importorskip("slicer")
vtk = pytest.importorskip("vtk")

from AIImagingLogic.scene.empty_scene import make_scene  # noqa: E402
from AIImagingLogic.scene.job_inputs import image_input, require_volume  # noqa: E402
from AIImagingLogic.scene.volume_info import info_of_volume_node  # noqa: E402
from AIImagingLogic.scene.volumes import image_from_volume_node, volume_node_from_image  # noqa: E402

TURN = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
FLIPPED = np.diag([-1.0, 1.0, -1.0])[:, [2, 0, 1]]


def _image(direction: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6))
    image.SetDirection(direction.ravel().tolist())
    image.SetSpacing((0.7, 1.3, 2.5))
    image.SetOrigin((-101.25, 33.1, -702.5))
    return image


@pytest.mark.parametrize("direction", [np.eye(3), FLIPPED, TURN], ids=["straight", "flipped", "oblique"])
def test_job_is_given_the_voxels_geometry_and_facts_that_the_scene_holds(direction: np.ndarray) -> None:
    scene = make_scene()
    node = volume_node_from_image(_image(direction), scene, "CT")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.SetItemAttribute(study, "DICOM.StudyDate", "20240229")
    hierarchy.SetItemUID(study, "DICOM", "2.25.1")
    item = hierarchy.CreateItem(study, node)
    hierarchy.SetItemAttribute(item, "DICOM.Modality", "CT")

    given = image_input(node)

    rebuilt = sitk.GetImageFromArray(given.array())
    rebuilt.SetSpacing(given.spacing)
    rebuilt.SetOrigin(given.origin)
    rebuilt.SetDirection(given.direction)
    image = image_from_volume_node(node)
    assert describe(rebuilt, **given.facts) == info_of_volume_node(node, image)
    assert given.facts["acquired"].year == 2024 and given.facts["intensity_unit"] == "HU"


def test_voxels_are_lent_not_copied_and_tell_when_they_change() -> None:
    scene = make_scene()
    node = volume_node_from_image(_image(np.eye(3)), scene, "CT")
    given = image_input(node)
    before = given.changed()
    from vtkmodules.util.numpy_support import vtk_to_numpy

    scalars = node.GetImageData().GetPointData().GetScalars()
    vtk_to_numpy(scalars)[7] = -999
    scalars.Modified()
    assert given.array()[0, 1, 1] == -999
    assert given.changed() != before


def test_voxels_of_a_removed_node_can_still_be_copied_until_they_are_given_back() -> None:
    scene = make_scene()
    node = volume_node_from_image(_image(np.eye(3)), scene, "CT")
    given = image_input(node)
    scene.RemoveNode(node)
    del node
    assert given.array().sum() == np.arange(120).sum()
    given.voxels.release()  # type: ignore[union-attr]
    with pytest.raises(SceneError):
        given.array()


def _labelmap(scene: Any) -> Any:
    return volume_node_from_image(_image(np.eye(3)), scene, "Labels", labels=True)


def _vector(scene: Any) -> Any:
    image = sitk.Compose(*[_image(np.eye(3))] * 3)
    return volume_node_from_image(image, scene, "Colours")


def _colour(scene: Any) -> Any:
    image = sitk.Compose(*[sitk.Cast(_image(np.eye(3)), sitk.sitkUInt8)] * 3)
    return volume_node_from_image(image, scene, "Photo")


def _empty(scene: Any) -> Any:
    return scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Nothing")


def _table(scene: Any) -> Any:
    return scene.AddNewNodeByClass("vtkMRMLTableNode", "Numbers")


def _warped(scene: Any) -> Any:
    node = volume_node_from_image(_image(np.eye(3)), scene, "Warped")
    bend = scene.AddNewNodeByClass("vtkMRMLTransformNode", "Bend")
    spline = vtk.vtkThinPlateSplineTransform()
    source, target = vtk.vtkPoints(), vtk.vtkPoints()
    for index in range(4):
        source.InsertNextPoint(*(10.0 * np.eye(4)[index, :3]))
        target.InsertNextPoint(*(12.0 * np.eye(4)[index, :3]))
    spline.SetSourceLandmarks(source)
    spline.SetTargetLandmarks(target)
    spline.SetBasisToR()
    bend.SetAndObserveTransformToParent(spline)
    node.SetAndObserveTransformNodeID(bend.GetID())
    return node


def _removed(scene: Any) -> Any:
    node = volume_node_from_image(_image(np.eye(3)), scene, "Gone")
    scene.RemoveNode(node)
    return node


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda scene: None, "No baseline volume is chosen"),
        (_labelmap, "'Labels' is a labelmap"),
        (_vector, "'Colours' has 3 values a voxel"),
        (_colour, "'Photo' has 3 values a voxel"),
        (_empty, "'Nothing' is empty"),
        (_table, "'Numbers' is not a volume"),
        (_warped, "'Warped' stands under the non-linear transform 'Bend'. Harden it first"),
        (_removed, "'Gone' is no longer in the scene"),
    ],
)
def test_what_no_task_can_read_is_refused_in_one_line(make: Any, says: str) -> None:
    scene = make_scene()
    node = make(scene)
    with pytest.raises(SceneError, match=says) as error:
        require_volume(node, "baseline volume")
    assert "\n" not in str(error.value) and error.value.advice


def test_volume_under_a_linear_transform_is_given_on_its_own_grid() -> None:
    scene = make_scene()
    node = volume_node_from_image(_image(TURN), scene, "CT")
    turn = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Turned")
    matrix = np.eye(4)
    matrix[:3, :3] = FLIPPED
    turn.SetMatrixTransformToParent(vtk_matrix(ras_matrix_from_lps(matrix)))
    node.SetAndObserveTransformNodeID(turn.GetID())
    given = image_input(node)
    assert np.allclose(given.direction, TURN.ravel(), atol=1e-12)
    assert given.origin == pytest.approx((-101.25, 33.1, -702.5))


def test_giving_a_volume_to_a_job_imports_no_image_library() -> None:
    code = (
        "import sys, slicer, vtk\n"
        "from AIImagingLogic.scene.job_inputs import image_input\n"
        "from AIImagingLogic.scene.scene_run import SceneRun\n"
        "from AIImagingLogic.scene.finding_view import FindingView\n"
        "from AIImagingLogic.scene.compare_view import CompareView\n"
        "scene = slicer.vtkMRMLScene()\n"
        "node = scene.AddNewNodeByClass('vtkMRMLScalarVolumeNode', 'CT')\n"
        "data = vtk.vtkImageData(); data.SetDimensions(3, 4, 5); data.AllocateScalars(vtk.VTK_SHORT, 1)\n"
        "node.SetAndObserveImageData(data)\n"
        "assert image_input(node).array().shape == (5, 4, 3)\n"
        "print([name for name in ('SimpleITK', 'scipy', 'torch', 'pydicom', 'highdicom') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "[]", run.stderr
