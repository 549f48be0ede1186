"""Inputs of a panel that are refused in plain words, and inputs that are normal though they look unusual."""

from __future__ import annotations

from typing import Any

import pytest
from panel_setting import PanelSetting


def nothing_chosen(setting: PanelSetting) -> None:
    setting.choose([None] * len(setting.module.selectors))
    assert not setting.panel.ui.applyButton.enabled and "Choose" in setting.panel.ui.applyButton.toolTip
    _assert_refused(setting, [None] * len(setting.module.selectors), "chosen")


def labelmap(setting: PanelSetting) -> None:
    node = setting.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
    node.SetAndObserveImageData(setting.inputs[0].GetImageData())
    _assert_not_offered(setting, node)
    _assert_refused(setting, [node, *setting.inputs[1:]], "'Labels' is a labelmap")


def vector_volume(setting: PanelSetting) -> None:
    import vtk

    data = vtk.vtkImageData()
    data.SetDimensions(4, 5, 6)
    data.AllocateScalars(vtk.VTK_SHORT, 3)
    node = setting.scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Colours")
    node.SetAndObserveImageData(data)
    _assert_not_offered(setting, node)
    _assert_refused(setting, [node, *setting.inputs[1:]], "3 values a voxel")


def empty_volume(setting: PanelSetting) -> None:
    node = setting.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    setting.choose([node, *setting.inputs[1:]])
    before = setting.snapshot()
    setting.panel.click("applyButton")
    assert "'Empty' is empty" in setting.status and setting.errors == [setting.status]
    assert setting.snapshot() == before and setting.service.handles == ()


def non_linear_parent(setting: PanelSetting) -> None:
    parent = setting.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Bent")
    setting.inputs[0].SetAndObserveTransformNodeID(parent.GetID())
    before = setting.snapshot()
    setting.panel.click("applyButton")
    assert "non-linear transform 'Bent'" in setting.status and "Harden it first" in setting.status
    assert setting.errors == [setting.status] and setting.service.handles == ()
    assert setting.snapshot() == before


def linear_parent(setting: PanelSetting) -> None:
    import vtk

    parent = setting.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Turned")
    matrix = vtk.vtkMatrix4x4()
    turn = vtk.vtkTransform()
    turn.RotateZ(30)
    turn.Translate(10, 20, 30)
    turn.GetMatrix(matrix)
    parent.SetMatrixTransformToParent(matrix)
    setting.inputs[0].SetAndObserveTransformNodeID(parent.GetID())
    before = setting.snapshot()
    setting.run()
    segmentation = next(node for node in setting.new_nodes(before) if node.IsA("vtkMRMLSegmentationNode"))
    assert segmentation.GetTransformNodeID() == parent.GetID()
    assert _grid_of_labels(segmentation) == pytest.approx(_grid_of_volume(setting.inputs[0]), abs=1e-6)


def oblique_volume(setting: PanelSetting) -> None:
    import vtk

    for node in setting.inputs:
        turn = vtk.vtkTransform()
        turn.RotateX(20)
        turn.RotateZ(15)
        turned = vtk.vtkMatrix4x4()
        node.GetIJKToRASDirectionMatrix(turned)
        vtk.vtkMatrix4x4.Multiply4x4(turn.GetMatrix(), turned, turned)
        node.SetIJKToRASDirectionMatrix(turned)
    before = setting.snapshot()
    setting.run()
    segmentations = [node for node in setting.new_nodes(before) if node.IsA("vtkMRMLSegmentationNode")]
    # The first of them is of the first input.
    assert _grid_of_labels(segmentations[0]) == pytest.approx(_grid_of_volume(setting.inputs[0]), abs=1e-6)


def _assert_refused(setting: PanelSetting, inputs: list[Any], says: str) -> None:
    from AIImagingLogic.records.errors import SceneError

    before = setting.snapshot()
    with pytest.raises(SceneError, match=says) as caught:
        setting.process(inputs)
    assert "\n" not in str(caught.value)
    assert setting.snapshot() == before and setting.service.handles == ()


def _assert_not_offered(setting: PanelSetting, node: Any) -> None:
    for name in setting.module.selectors:
        with pytest.raises(AssertionError, match="does not offer"):
            setting.panel.choose(name, node)
    setting.choose(setting.inputs)


def _grid_of_volume(volume: Any) -> list[float]:
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return _grid(matrix, volume.GetImageData().GetDimensions())


def _grid_of_labels(segmentation: Any) -> list[float]:
    import vtk

    labels = segmentation.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap")
    matrix = vtk.vtkMatrix4x4()
    labels.GetImageToWorldMatrix(matrix)
    return _grid(matrix, labels.GetDimensions())


def _grid(matrix: Any, size: tuple[int, int, int]) -> list[float]:
    return [matrix.GetElement(row, column) for row in range(3) for column in range(4)] + list(size)
