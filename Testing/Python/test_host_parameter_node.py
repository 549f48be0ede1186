"""The test host's parameter nodes: typed, in the scene, shown in widgets, as Slicer's are."""

from __future__ import annotations

import enum
import pathlib
from typing import Annotated, Any

import numpy as np
import pytest

from Testing import Host as test_host

pytestmark = pytest.mark.skipif(test_host.reason_missing() is not None, reason=str(test_host.reason_missing()))

EXAMPLE = pathlib.Path(test_host.__file__).parent / "ExampleModule"


@pytest.fixture
def host():
    with test_host.running() as host:
        yield host


@pytest.fixture
def panel(host):
    return host.open_module(EXAMPLE)


def test_values_survive_saving_and_loading_the_scene(host, panel, tmp_path):
    import slicer

    parameters = panel.logic.getParameterNode()
    volume = slicer.util.addVolumeFromArray(np.zeros((2, 2, 2), np.int16), name="CT")
    parameters.volume, parameters.remark, parameters.threshold = volume, "a; b", 7.25
    parameters.names = ["left", "right"]
    parameters.names.append("both")
    parameters.order = type(parameters.order).BY_NAME
    parameters.table = None
    path = str(tmp_path / "scene.mrb")
    assert host.scene.WriteToMRB(path)
    host.close_scene()
    assert panel.logic.getParameterNode().remark == "none"
    host.scene.ReadFromMRB(path, True)
    again = panel.logic.getParameterNode()
    assert (again.remark, again.threshold, again.quick, again.count) == ("a; b", 7.25, True, 3)
    assert again.volume.GetName() == "CT" and list(again.names) == ["left", "right", "both"]
    assert again.order.name == "BY_NAME" and again.table is None


def test_widgets_and_parameters_follow_each_other(panel):
    parameters, ui = panel.widget._parameterNode, panel.ui
    assert (ui.thresholdSlider.value, ui.countSpinBox.value, ui.quickCheckBox.checked) == (2.5, 3, True)
    panel.choose("thresholdSlider", 4.0)
    panel.choose("countSpinBox", 5)
    panel.choose("quickCheckBox", False)
    panel.choose("orderComboBox", "BY_NAME")
    assert (parameters.threshold, parameters.count, parameters.quick) == (4.0, 5, False)
    assert parameters.order.name == "BY_NAME"
    parameters.remark = "typed elsewhere"
    assert ui.remarkLineEdit.text == "typed elsewhere" and ui.thresholdSlider.maximum == 10


def test_a_disconnected_panel_changes_nothing(panel):
    parameters = panel.widget._parameterNode
    panel.exit()
    panel.choose("remarkLineEdit", "unheard")
    assert parameters.remark == "none"


def test_values_that_do_not_fit_are_refused(panel):
    parameters = panel.widget._parameterNode
    for name, value in (("threshold", 11), ("count", 2.5), ("remark", None), ("volume", parameters.parameterNode)):
        with pytest.raises((TypeError, ValueError)):
            setattr(parameters, name, value)
    assert parameters.threshold == 2.5 and parameters.remark == "none"


def test_types_that_slicer_knows_are_kept_and_others_refused(host):
    import slicer
    from slicer.parameterNodeWrapper import Choice, Default, parameterNodeWrapper

    class Side(enum.Enum):
        LEFT = 1
        RIGHT = 2

    def declared(**kinds: Any) -> Any:
        return parameterNodeWrapper(type("Declared", (), {"__annotations__": kinds}))

    node = host.scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    kept = declared(
        path=pathlib.Path,
        pair=tuple[int, str],
        maybe=float | None,
        sides=dict[str, Side],
        model=Annotated[str, Choice(["a", "b"]), Default("b")],
        either=slicer.vtkMRMLScalarVolumeNode | slicer.vtkMRMLSegmentationNode | None,
    )(node)
    assert kept.model == "b" and kept.maybe is None and kept.pair == (0, "")
    kept.path, kept.pair, kept.maybe = pathlib.Path("/data/x"), (3, "c"), 1.5
    kept.sides["lung"] = Side.RIGHT
    kept.either = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    assert (kept.path, kept.pair, kept.maybe) == (pathlib.Path("/data/x"), (3, "c"), 1.5)
    assert dict(kept.sides) == {"lung": Side.RIGHT} and kept.either.IsA("vtkMRMLSegmentationNode")
    for kind in (bytes, set[str], object, list, complex):
        with pytest.raises(Exception, match="Unable to create serializer"):
            declared(wrong=kind)
    with pytest.raises(ValueError, match="reserved name"):
        parameterNodeWrapper(type("Declared", (), {"__annotations__": {"setValue": str}}))


def test_a_widget_that_slicer_would_not_connect_is_refused(panel):
    import qt

    parameters = panel.widget._parameterNode
    with pytest.raises(RuntimeError, match="Unable to create GUI connector"):
        parameters.connectParametersToGui({"remark": qt.QSpinBox()})
    with pytest.raises(ValueError, match="Cannot find a param"):
        parameters.connectParametersToGui({"remarks": qt.QLineEdit()})
