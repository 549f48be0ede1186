"""AI Segmentation with a model package of the store: what is offered, a run from end to end, and faults around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from layers_packages import conv, write_package
from model_store_cards import fetched_card
from panel_faults import FAULTS
from panel_setting import PanelModule, PanelSetting, panel_setting

from AIImagingLogic.models import store_work
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import card_summaries
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.records.progress import Progress
from Testing.Host import reason_missing

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))

BRIGHT = (slice(6, 16), slice(18, 26), slice(8, 22))
NAME = "Bright block"
OFFERED = f"{NAME} (installed)"


def _bright_block(scene: Any, name: str) -> list[Any]:
    from AIImagingLogic.scene.volumes import volume_node_from_image

    voxels = np.zeros((42, 36, 30), np.int16)
    voxels[BRIGHT] = 255
    image = sitk.GetImageFromArray(voxels)
    image.SetOrigin((-20.0, 35.0, -90.0))
    image.SetDirection((0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    return [volume_node_from_image(image, scene, name)]


MODULE = PanelModule(
    "AISegmentation",
    ("inputSelector",),
    _bright_block,
    lambda logic, volumes, wait: logic.process(*volumes, "bright-block", wait=wait),
    lambda panel: panel.choose("modelComboBox", OFFERED),
)


def _card(**fields: Any) -> ModelCard:
    data = fetched_card(model_id="bright-block", name=NAME, modality="", inputs=["Any volume"]).to_json()
    return ModelCard.from_json({**data, "source": "tfjs-layers", "runs": "package", **fields})


def _install(folder: Path, card: ModelCard) -> None:
    """Put a network into the store that labels what is bright."""
    kernel = np.zeros((3, 3, 3, 1, 2), np.float32)
    kernel[1, 1, 1, 0, 1] = 10
    weights = {"out/kernel": kernel, "out/bias": np.array([0, -5], np.float32)}
    package = write_package(folder / card.id, [conv("out", 2)], weights, labels=["background", "Brain"])
    ModelStore().import_path(package, card, Progress())


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "models"))
    _install(tmp_path, _card())
    with panel_setting(MODULE, tmp_path, monkeypatch) as made:
        yield made


def _offered(setting: PanelSetting) -> list[str]:
    box = setting.panel.ui.modelComboBox
    return [box.itemText(index) for index in range(box.count) if box.itemText(index)]


def test_segmentation_by_a_package_is_the_bright_block_exactly(setting: PanelSetting) -> None:
    from slicer.util import arrayFromSegmentInternalBinaryLabelmap

    nodes = setting.run().nodes
    segments = nodes.segmentation.GetSegmentation()
    assert segments.GetNumberOfSegments() == 1 and segments.GetNthSegment(0).GetName() == "Brain"
    truth = np.zeros((42, 36, 30), bool)
    truth[BRIGHT] = True
    labels = arrayFromSegmentInternalBinaryLabelmap(nodes.segmentation, segments.GetNthSegmentID(0))
    np.testing.assert_array_equal(labels > 0, truth)
    assert f"{NAME} of 'CT'" in setting.status


def test_only_models_that_are_here_and_segment_are_offered(setting: PanelSetting, tmp_path: Path) -> None:
    built_in = [card.name for card in card_summaries("segment") if card.runs == "built-in"]
    assert "Body (CT)" in built_in and _offered(setting) == [*built_in, OFFERED]
    _install(tmp_path, _card(id="two", name="Two inputs", inputs=["T1", "T2"]))
    _install(tmp_path, _card(id="classes", name="Classes", task="classify"))
    _install(tmp_path, _card(id="kept", name="Kept", runs="not yet"))
    setting.panel.exit()
    setting.panel.enter()
    assert _offered(setting) == [*built_in, OFFERED, "Two inputs (installed)"]
    assert setting.panel.ui.modelComboBox.currentText == OFFERED


def test_model_that_was_removed_is_named_and_cannot_be_applied(setting: PanelSetting) -> None:
    setting.panel.exit()
    ModelStore().remove("bright-block", Progress())
    setting.panel.enter()
    assert "'bright-block' is not on this computer" in setting.panel.ui.modelCardLabel.text
    assert not setting.panel.ui.applyButton.enabled
    setting.panel.choose("modelComboBox", "Body (CT)")
    assert setting.panel.ui.applyButton.enabled


def test_without_pytorch_one_line_says_so_and_nothing_starts(
    setting: PanelSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    from AIImagingLib import model_picker

    monkeypatch.setattr(model_picker, "find_spec", lambda name: None)
    setting.panel.exit()
    setting.panel.enter()
    assert (
        "needs PyTorch" in setting.panel.ui.modelCardLabel.text
        and "Environment" in setting.panel.ui.applyButton.toolTip
    )
    assert not setting.panel.ui.applyButton.enabled
    setting.panel.choose("modelComboBox", "Body (CT)")
    assert setting.panel.ui.applyButton.enabled


def test_verification_opens_a_package_and_says_why_it_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "models"))
    _install(tmp_path, _card())
    good = store_work.verify("bright-block", Progress())
    assert good == {"problems": [], "refusal": "", "untrusted": None}
    broken = write_package(tmp_path / "broken", [conv("out", 2)], {"out/kernel": np.zeros((3, 3, 3, 1, 2), np.float32)})
    ModelStore().import_path(broken, _card(id="broken"), Progress())
    bad = store_work.verify("broken", Progress())
    assert bad["problems"] == [] and bad["untrusted"] is None and "bias" in bad["refusal"]


@pytest.mark.parametrize(
    "fault", ["scene_closed_during_a_run", "input_edited_during_a_run", "worker_killed", "shared_memory_and_disk_full"]
)
def test_fault(setting: PanelSetting, fault: str) -> None:
    FAULTS[fault](setting)
