"""A classification in a scene: table, chart and heat map beside the volume, and views that come back as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

slicer = pytest.importorskip("slicer")
from scene_snapshot import scene_snapshot  # noqa: E402

from AIImagingLogic.images.geometry import same_grid  # noqa: E402
from AIImagingLogic.images.info import describe  # noqa: E402
from AIImagingLogic.records.classification import Classification  # noqa: E402
from AIImagingLogic.records.coding import Code, CodedConcept  # noqa: E402
from AIImagingLogic.records.provenance import make_provenance  # noqa: E402
from AIImagingLogic.scene.classification_results import add_classification_result  # noqa: E402
from AIImagingLogic.scene.empty_scene import make_scene  # noqa: E402
from AIImagingLogic.scene.heat_map_display import hide_heat_map, is_shown, show_heat_map  # noqa: E402
from AIImagingLogic.scene.recovered_results import add_recovered  # noqa: E402
from AIImagingLogic.scene.slice_views import slice_view_nodes  # noqa: E402
from AIImagingLogic.scene.volumes import image_from_volume_node, volume_node_from_image  # noqa: E402

CODE = Code("404684003", "SCT", "Clinical finding")


def _image() -> sitk.Image:
    image = sitk.GetImageFromArray(np.random.default_rng(1).random((4, 7, 9)).astype(np.float32))
    image.SetSpacing((0.7, 1.1, 3.0))
    image.SetOrigin((-30, 12, 80))
    image.SetDirection(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.3, 0.5).GetMatrix())
    return image


def _result(image: sitk.Image) -> Classification:
    classes = tuple(CodedConcept(name.lower(), name, CODE, CODE, None, (200, 80, 40)) for name in ("Clear", "Blob"))
    provenance = make_provenance("classify", [], [describe(image)])
    return Classification(classes, (0.125, 0.875), 0.5, "not calibrated", image, provenance, "blob")


@pytest.fixture
def scene() -> Any:
    return make_scene()


def _volume(scene: Any) -> Any:
    return volume_node_from_image(_image(), scene, "X-ray")


def test_result_lies_beside_its_volume_on_its_grid_and_under_its_transform(scene: Any) -> None:
    volume = _volume(scene)
    turned = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Turned")
    volume.SetAndObserveTransformNodeID(turned.GetID())
    before = scene_snapshot(scene)
    nodes = add_classification_result(_result(_image()), volume, scene)
    assert same_grid(image_from_volume_node(nodes.heat_map), _image())
    assert nodes.heat_map.GetTransformNodeID() == turned.GetID()
    assert "AIImaging.Provenance" in nodes.heat_map.GetAttributeNames()
    display = nodes.heat_map.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0.0, 1.0)
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(display)
    assert legend.GetTitleText() == "Heat map: Blob"
    hot, cold = [0.0] * 4, [0.0] * 4
    display.GetColorNode().GetColor(255, hot)
    display.GetColorNode().GetColor(0, cold)
    assert sum(hot[:3]) > 2 and sum(cold[:3]) < 1
    table = nodes.table.GetTable()
    rows = [[table.GetValue(row, column).ToString() for column in range(3)] for row in range(2)]
    assert rows == [["Clear", "12.5", "no"], ["Blob", "87.5", "yes"]]
    assert nodes.table.GetColumnUnitLabel("Probability") == "%"
    series = [nodes.chart.GetNthPlotSeriesNode(number) for number in range(nodes.chart.GetNumberOfPlotSeriesNodes())]
    assert [one.GetYColumnName() for one in series] == ["Clear", "Blob"]
    assert {one.GetPlotType() for one in series} == {series[0].PlotTypeBar}
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    own = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(volume)) or hierarchy.GetSceneItemID()
    assert {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in nodes.all} == {own}
    after = scene_snapshot(scene)
    assert {key: after[key] for key in before if before[key][0] != "hierarchy"} == {
        key: value for key, value in before.items() if value[0] != "hierarchy"
    }


def test_second_result_has_names_of_its_own_and_shares_the_colours(scene: Any) -> None:
    volume = _volume(scene)
    first = add_classification_result(_result(_image()), volume, scene)
    second = add_classification_result(_result(_image()), volume, scene)
    assert first.heat_map.GetDisplayNode().GetColorNode() is second.heat_map.GetDisplayNode().GetColorNode()
    assert len({node.GetName() for node in (first.heat_map, second.heat_map, first.table, second.table)}) == 4


def test_views_show_the_heat_map_over_its_image_and_come_back_as_they_were(scene: Any) -> None:
    volume, other = _volume(scene), volume_node_from_image(_image(), scene, "Other")
    views = [slice_view_nodes(scene, name, plane)[1] for name, plane in (("Red", "Axial"), ("Green", "Coronal"))]
    views[0].SetBackgroundVolumeID(other.GetID())
    views[0].SetForegroundVolumeID(volume.GetID())
    views[0].SetForegroundOpacity(0.7)
    nodes = add_classification_result(_result(_image()), volume, scene)
    assert not is_shown(nodes.heat_map)
    for _ in range(2):
        show_heat_map(nodes.heat_map, volume)
    assert is_shown(nodes.heat_map)
    for view in views:
        assert view.GetBackgroundVolumeID() == volume.GetID() and view.GetForegroundVolumeID() == nodes.heat_map.GetID()
        assert view.GetForegroundOpacity() == pytest.approx(0.4)
    hide_heat_map(nodes.heat_map)
    assert views[0].GetBackgroundVolumeID() == other.GetID() and views[0].GetForegroundVolumeID() == volume.GetID()
    assert views[0].GetForegroundOpacity() == pytest.approx(0.7)
    assert views[1].GetForegroundVolumeID() is None and not is_shown(nodes.heat_map)


def test_view_that_the_user_gave_something_else_keeps_it(scene: Any) -> None:
    volume = _volume(scene)
    view = slice_view_nodes(scene, "Red", "Axial")[1]
    nodes = add_classification_result(_result(_image()), volume, scene)
    show_heat_map(nodes.heat_map, volume)
    other = volume_node_from_image(_image(), scene, "Other")
    view.SetForegroundVolumeID(other.GetID())
    hide_heat_map(nodes.heat_map)
    assert view.GetForegroundVolumeID() == other.GetID() and view.GetBackgroundVolumeID() == volume.GetID()


def test_result_without_heat_map_or_volume_has_table_and_chart(scene: Any) -> None:
    import dataclasses

    result = dataclasses.replace(_result(_image()), heat_map=None, explained="")
    nodes = add_classification_result(result, None, scene)
    assert nodes.heat_map is None and nodes.table.GetName() == "Image probabilities"


def test_kept_result_comes_back_beside_its_volume(scene: Any) -> None:
    volume = _volume(scene)
    recovered = add_recovered(_result(image_from_volume_node(volume)), scene)
    assert recovered.notes == () and recovered.nodes.heat_map.GetName() == "X-ray heat map, Blob"
