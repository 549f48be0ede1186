"""The shipped nodule network: it marks nodules of known place, the same every time, and damage is told plainly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from AIImagingLogic.models.builtin import ct_lung_nodules_net
from AIImagingLogic.models.builtin.ct_lung_nodules_net import WEIGHTS, CTLungNodulesNet
from AIImagingLogic.models.builtin.nodule_network.runner import NoduleRunner
from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.resources import resource_path
from Testing.Python.test_nodule_network_geometry import GRIDS, INFO, NODULES, scanned


def test_weights_are_small_enough_to_travel_with_the_program() -> None:
    assert resource_path(WEIGHTS).stat().st_size < 5_000_000


@pytest.mark.parametrize("name", GRIDS)
def test_network_alone_marks_the_nodules_whatever_the_grid(name: str) -> None:
    pytest.importorskip("torch")
    image, organs = scanned(*GRIDS[name])
    marks = CTLungNodulesNet(model_card("ct-lung-nodules-net"), 0.1, joined=False).detect(
        image, INFO, organs, Progress()
    )
    for center, diameter in NODULES:
        apart = [float(np.linalg.norm(np.subtract(mark.position_mm, center))) for mark in marks]
        # A hit is nearer than half the diameter; a mirrored mark would lie 15 mm away.
        assert min(apart) < diameter / 2
    assert len(marks) <= len(NODULES) + 2


def test_same_image_gives_the_same_marks() -> None:
    pytest.importorskip("torch")
    image, organs = scanned(*GRIDS["oblique"])
    first, second = (
        CTLungNodulesNet(model_card("ct-lung-nodules-net"), 0.1).detect(image, INFO, organs, Progress())
        for _ in range(2)
    )
    assert first
    assert first == second


@pytest.mark.parametrize("damage", ["cut", "empty", "of another network"])
def test_damaged_weights_are_a_clear_error(tmp_path: Path, damage: str) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    broken = tmp_path / "weights.safetensors"
    whole = resource_path(WEIGHTS).read_bytes()
    broken.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"")
    if damage == "of another network":
        save_file({"weight": torch.zeros(3)}, str(broken))
    with pytest.raises(ModelError, match=r"weights\.safetensors"):
        NoduleRunner(broken)


def test_without_torch_the_error_names_the_detector_that_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ct_lung_nodules_net, "find_spec", lambda name: None)
    with pytest.raises(ModelError) as caught:
        CTLungNodulesNet(model_card("ct-lung-nodules-net"))
    assert "ct-lung-nodules" in str(caught.value.advice)
