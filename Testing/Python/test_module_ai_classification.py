"""The panel of AI Classification in the test host, over the real job service: what it does, and the fault list."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from panel_faults import FAULTS
from panel_setting import PanelModule, PanelSetting, panel_setting

from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))
pytest.importorskip("torch")
pytest.importorskip("safetensors")

from classification_packages import changed, colour_package, colours, grey_package, phantom  # noqa: E402

# Colour volumes are welcome here, and there is no segmentation to look at: these have tests of their own below.
OWN = {"vector_volume", "linear_parent", "oblique_volume"}
PLACE = (5, 14, 6)
MODEL = "Blob or not"


def _blob_in_noise(scene: Any, name: str) -> list[Any]:
    from AIImagingLogic.scene.volumes import volume_node_from_image

    image = sitk.GetImageFromArray(phantom((20, 20, 20), PLACE, np.random.default_rng(3)))
    image.SetSpacing((2.0, 1.5, 3.0))
    image.SetOrigin((-150.0, -120.0, 30.0))
    return [volume_node_from_image(image, scene, name)]


MODULE = PanelModule(
    "AIClassification",
    ("inputSelector",),
    _blob_in_noise,
    lambda logic, volumes, wait: logic.process(*volumes, "blob-or-not", wait=wait),
    lambda panel: panel.choose("modelComboBox", MODEL),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with a classifier of volumes and one of colour images."""
    from AIImagingLogic.models.classification_package import open_classification_package
    from AIImagingLogic.models.store.model_store import ModelStore
    from AIImagingLogic.records.progress import Progress

    folder = tmp_path_factory.mktemp("classifiers")
    plain = grey_package(folder / "plain", dimensions=3, size=20)
    packages = {
        "blob-or-not": changed(plain, folder / "volumes", recipe={"axes": "LPS"}),
        "colours": colour_package(folder / "colours"),
    }
    for model, package in packages.items():
        card = dataclasses.replace(open_classification_package(package).card, id=model)
        ModelStore(folder / "store").import_path(package, card, Progress())
    return folder / "store"


@pytest.fixture
def setting(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AIIMAGING_MODELS", str(store))
    with panel_setting(MODULE, tmp_path, monkeypatch) as made:
        yield made


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - OWN))
def test_fault(setting: PanelSetting, fault: str) -> None:
    FAULTS[fault](setting)


def test_probabilities_are_on_show_and_the_heat_map_lies_over_its_image(setting: PanelSetting) -> None:
    from AIImagingLogic.scene.slice_views import slice_view_nodes

    view = slice_view_nodes(setting.scene, "Red", "Axial")[1]
    view.SetBackgroundVolumeID(setting.inputs[0].GetID())
    nodes = setting.run().nodes
    ui = setting.panel.ui
    model = ui.probabilityTableView.model()
    rows = [[model.data(model.index(row, column)) for column in range(3)] for row in range(2)]
    assert [row[0] for row in rows] == ["Clear", "Blob"] and [row[2] for row in rows] == ["no", "yes"]
    assert float(rows[1][1]) > 90 and model.headerData(1, 1) == "Probability\n%"
    assert ui.resultLabel.text.startswith("Most probable: Blob, ") and "not calibrated" in ui.resultLabel.text
    assert view.GetForegroundVolumeID() is None and ui.heatMapButton.text == "Show heat map"
    setting.panel.click("heatMapButton")
    assert view.GetForegroundVolumeID() == nodes.heat_map.GetID() and ui.heatMapButton.text == "Hide heat map"
    setting.panel.click("heatMapButton")
    assert view.GetForegroundVolumeID() is None and ui.heatMapButton.text == "Show heat map"
    assert nodes.heat_map.GetName() == "CT heat map, Blob"
    assert f"{MODEL} on 'CT'" in setting.status


def test_heat_map_of_the_class_that_was_asked_for(setting: PanelSetting) -> None:
    setting.panel.choose("classComboBox", "Clear")
    nodes = setting.run().nodes
    assert nodes.heat_map.GetName() == "CT heat map, Clear"


@pytest.mark.parametrize("turned", [False, True])
def test_heat_map_is_hottest_at_the_blob_where_the_scene_has_it(setting: PanelSetting, turned: bool) -> None:
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    volume = setting.inputs[0]
    turn = vtk.vtkTransform()
    turn.RotateX(20)
    turn.RotateZ(15)
    directions = vtk.vtkMatrix4x4()
    volume.GetIJKToRASDirectionMatrix(directions)
    vtk.vtkMatrix4x4.Multiply4x4(turn.GetMatrix(), directions, directions)
    volume.SetIJKToRASDirectionMatrix(directions)
    if turned:
        parent = setting.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Turned")
        parent.SetMatrixTransformToParent(turn.GetMatrix())
        volume.SetAndObserveTransformNodeID(parent.GetID())
    heat_map = setting.run().nodes.heat_map
    assert heat_map.GetTransformNodeID() == volume.GetTransformNodeID()
    places = []
    for node, index in ((volume, PLACE[::-1]), (heat_map, None)):
        if index is None:
            values = vtk_to_numpy(node.GetImageData().GetPointData().GetScalars()).reshape(20, 20, 20)
            index = np.argwhere(values >= 0.9 * values.max()).mean(axis=0)[::-1]
        matrix = vtk.vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        places.append(matrix.MultiplyPoint((*index, 1.0))[:3])
    # Two feature cells of the network, in mm.
    assert np.linalg.norm(np.subtract(*places)) < 4 * 2.0


def test_colour_volume_is_offered_and_told_by_a_colour_model_and_refused_by_a_grey_one(setting: PanelSetting) -> None:
    from AIImagingLogic.scene.volumes import volume_node_from_image

    voxels = colours((32, 32), (24, 7), np.random.default_rng(6), True).astype(np.uint8).transpose(1, 2, 0)
    image = sitk.JoinSeries(sitk.GetImageFromArray(voxels, isVector=True))
    volume = volume_node_from_image(image, setting.scene, "Picture")
    setting.choose([volume])
    before = setting.snapshot()
    run = setting.finish(setting.start())
    assert "needs an image of grey values; this one has 3" in str(run.error) and setting.snapshot() == before
    setting.panel.choose("modelComboBox", "Red blob or not")
    nodes = setting.run().nodes
    assert nodes.heat_map.GetName() == "Picture heat map, Red blob"
    assert nodes.heat_map.GetImageData().GetNumberOfScalarComponents() == 1


def test_volume_of_two_values_a_voxel_is_refused(setting: PanelSetting) -> None:
    import vtk

    from AIImagingLogic.records.errors import SceneError

    data = vtk.vtkImageData()
    data.SetDimensions(4, 5, 6)
    data.AllocateScalars(vtk.VTK_SHORT, 2)
    node = setting.scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Pairs")
    node.SetAndObserveImageData(data)
    with pytest.raises(SceneError, match="'Pairs' has 2 values a voxel"):
        setting.process([node])


def test_panel_without_a_model_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from Testing.Host import running

    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "empty"))
    with running() as host:
        panel = host.open_module(Path(__file__).resolve().parents[2] / "AIImaging" / "AIClassification")
        panel.choose("inputSelector", _blob_in_noise(host.scene, "CT")[0])
        assert "aiimaging models import" in panel.ui.modelCardLabel.text
        assert not panel.ui.applyButton.enabled and "classification model first" in panel.ui.applyButton.toolTip
        assert not panel.ui.heatMapButton.enabled and not panel.ui.chartButton.enabled
