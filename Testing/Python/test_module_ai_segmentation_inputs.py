"""AI Segmentation with a model of two input images: a selector for the second, what it gives, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_store_cards import fetched_card
from panel_faults import FAULTS
from panel_setting import PanelModule, PanelSetting, panel_setting
from two_input_packages import expected_labels, two_images, write_two_input_package

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.records.errors import AIImagingError, ModelError
from AIImagingLogic.records.progress import Progress
from Testing.Host import reason_missing

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))

SECOND = "furtherInput1Selector"


def _two_volumes(scene: Any, name: str) -> list[Any]:
    from AIImagingLogic.scene.volumes import volume_node_from_image

    first, second = two_images()
    return [
        volume_node_from_image(first, scene, name),
        volume_node_from_image(second, scene, f"{name} after contrast"),
    ]


MODULE = PanelModule(
    "AISegmentation",
    ("inputSelector", SECOND),
    _two_volumes,
    lambda logic, volumes, wait: logic.process(volumes[0], "two-inputs", wait=wait, furtherVolumes=volumes[1:]),
    lambda panel: panel.choose("modelComboBox", "Two inputs (installed)"),
)


def _install(folder: Path, model_id: str, name: str, inputs: list[str]) -> None:
    data = fetched_card(model_id=model_id, name=name, modality="", inputs=inputs).to_json()
    card = ModelCard.from_json({**data, "source": "torchscript", "runs": "package"})
    ModelStore().import_path(write_two_input_package(folder / model_id), card, Progress())


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "models"))
    _install(tmp_path, "two-inputs", "Two inputs", ["T1", "T1 after contrast"])
    _install(tmp_path, "two-others", "Two others", ["T1", "FLAIR"])
    with panel_setting(MODULE, tmp_path, monkeypatch) as made:
        yield made


def _shown(setting: PanelSetting) -> bool:
    return bool(setting.panel.find(SECOND).isVisibleTo(setting.panel.parent))


def _assert_refused(setting: PanelSetting, *says: str) -> None:
    before = setting.snapshot()
    setting.panel.click("applyButton")
    assert all(each in setting.status for each in says), setting.status
    assert setting.errors[-1] == setting.status
    assert setting.snapshot() == before and setting.service.handles == ()


def test_result_is_of_both_volumes_in_the_order_of_the_card(setting: PanelSetting) -> None:
    from slicer.util import arrayFromSegmentInternalBinaryLabelmap

    nodes = setting.run().nodes
    segments = nodes.segmentation.GetSegmentation()
    assert nodes.segmentation.GetName() == "CT segmentation"
    found = arrayFromSegmentInternalBinaryLabelmap(nodes.segmentation, segments.GetNthSegmentID(0))
    np.testing.assert_array_equal(found, expected_labels())


def test_a_selector_with_the_card_s_name_is_there_for_each_further_input_and_only_then(setting: PanelSetting) -> None:
    def label(text: str) -> bool:
        names = [item.text for item in setting.panel.find("inputsCollapsibleButton").findChildren("QLabel")]
        return text in names

    assert _shown(setting) and setting.panel.ui.inputSelectorLabel.text == "T1:" and label("T1 after contrast:")
    setting.panel.choose("modelComboBox", "Body (CT)")
    assert not _shown(setting) and setting.panel.ui.inputSelectorLabel.text == "Volume:"
    assert setting.panel.ui.applyButton.enabled
    # What was chosen as something else is not chosen for another model, and is still there for the first.
    setting.panel.choose("modelComboBox", "Two others (installed)")
    assert _shown(setting) and label("FLAIR:") and setting.panel.find(SECOND).currentNode() is None
    assert setting.panel.ui.applyButton.toolTip == "Choose a volume for 'FLAIR'"
    setting.panel.choose("modelComboBox", "Two inputs (installed)")
    assert setting.panel.find(SECOND).currentNode() is setting.inputs[1]


def test_choice_is_kept_by_the_scene_and_a_removed_volume_is_chosen_no_more(setting: PanelSetting) -> None:
    setting.panel.exit()
    setting.panel.find(SECOND).setCurrentNode(None)
    setting.panel.enter()
    assert setting.panel.find(SECOND).currentNode() is setting.inputs[1]
    assert list(setting.panel.logic.getParameterNode().furtherVolumes.values()) == [setting.inputs[1]]
    setting.scene.RemoveNode(setting.inputs[1])
    assert setting.panel.find(SECOND).currentNode() is None
    assert setting.panel.ui.applyButton.toolTip == "Choose a volume for 'T1 after contrast'"
    assert not setting.panel.ui.applyButton.enabled
    setting.host.close_scene()
    assert setting.panel.find(SECOND).currentNode() is None and not setting.panel.ui.applyButton.enabled


def test_same_volume_twice_is_refused_with_both_inputs(setting: PanelSetting) -> None:
    setting.panel.choose(SECOND, setting.inputs[0])
    _assert_refused(setting, "'CT' is chosen for both 'T1' and 'T1 after contrast'")


def test_a_further_volume_that_cannot_be_used_is_refused_by_name(setting: PanelSetting) -> None:
    empty = setting.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    setting.panel.choose(SECOND, empty)
    _assert_refused(setting, "volume for 'T1 after contrast' 'Empty' is empty")
    labels = setting.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
    labels.SetAndObserveImageData(setting.inputs[0].GetImageData())
    with pytest.raises(AIImagingError, match="volume for 'T1 after contrast' 'Labels' is a labelmap"):
        setting.process([setting.inputs[0], labels])
    with pytest.raises(AIImagingError, match="No volume for 'T1 after contrast' is chosen"):
        setting.process([setting.inputs[0], None])


def test_another_number_of_volumes_is_refused_with_the_inputs_in_order(setting: PanelSetting) -> None:
    for volumes in (setting.inputs[:1], [*setting.inputs, *setting.add_inputs("More")]):
        with pytest.raises(ModelError, match=r"needs 2 volumes.*In this order: T1, T1 after contrast\."):
            setting.process(volumes)
    with pytest.raises(ModelError, match=r"needs 1 volume, and 2 were given"):
        setting.panel.logic.process(setting.inputs[0], "ct-body", furtherVolumes=setting.inputs[1:])
    assert setting.service.handles == ()


def test_volumes_under_one_transform_give_a_result_under_it_and_under_two_are_refused(setting: PanelSetting) -> None:
    parents = [setting.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name) for name in ("Bed", "Other")]
    setting.inputs[0].SetAndObserveTransformNodeID(parents[0].GetID())
    for parent in (None, parents[1]):
        setting.inputs[1].SetAndObserveTransformNodeID(parent.GetID() if parent else None)
        _assert_refused(
            setting, "'CT after contrast' (T1 after contrast) stands under another transform than 'CT' (T1)"
        )
    setting.inputs[1].SetAndObserveTransformNodeID(parents[0].GetID())
    assert setting.run().nodes.segmentation.GetParentTransformNode() is parents[0]


def test_a_further_volume_edited_during_the_run_is_noted(setting: PanelSetting) -> None:
    run = setting.start_and_hold()
    setting.inputs[1].GetImageData().GetPointData().GetScalars().Modified()
    setting.inputs[1].GetImageData().Modified()
    setting.finish(run)
    assert any("'CT after contrast' was changed" in note for note in run.notes)


@pytest.mark.parametrize(
    "fault",
    [
        "scene_closed_during_a_run",
        "input_deleted_during_a_run",
        "two_runs_side_by_side",
        "nothing_chosen",
        "labelmap",
        "vector_volume",
        "empty_volume",
        "non_linear_parent",
        "oblique_volume",
    ],
)
def test_fault(setting: PanelSetting, fault: str) -> None:
    FAULTS[fault](setting)
