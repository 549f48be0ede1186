"""Where memory is short a detection network spares first what changes no box, and then its window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.inference import memory_budget
from AIImagingLogic.inference.arrangement import Arrangement
from AIImagingLogic.inference.detection import run as detection_run
from AIImagingLogic.inference.detection.recipe import AnchorShapes, DetectionRecipe
from AIImagingLogic.inference.detection.run import DetectionOutput, run_detection
from AIImagingLogic.inference.network import EngineSettings, Network
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.models.retinanet.architecture import RetinaNetArchitecture
from AIImagingLogic.models.retinanet.network import build_retinanet
from AIImagingLogic.records.errors import OutOfMemory
from AIImagingLogic.records.progress import Progress

torch = pytest.importorskip("torch")

ON_TORCH = EngineSettings("torch", "cpu", 2)
SIZE, WINDOW = (96, 64, 32), (64, 64, 32)
NETWORK = RetinaNetArchitecture("basic", (1, 1, 1, 1), 1, 1, 2, (1,), (3, 3, 3), (2, 2, 1), pyramid_channels=16)
RECIPE = DetectionRecipe(
    NetworkRecipe(1, 1, (1,), axes="", window=WINDOW, overlap=0.25),
    AnchorShapes(((8.0, 8.0, 6.0), (12.0, 10.0, 8.0)), (1.0, 2.0), NETWORK.steps),
    ("spot",),
    (8, 8, 4),
    0.4,
    200,
    0.2,
    30,
)
UNSPARING = Arrangement("cpu", sums_on_disk=True, volume_on_disk=True)

ShortOfMemory = Callable[[Callable[[Arrangement], bool]], list[Arrangement]]


@pytest.fixture
def short_of_memory(monkeypatch: pytest.MonkeyPatch) -> ShortOfMemory:
    """A function that lets every arrangement run out of memory until one is accepted."""

    original = detection_run._Run.boxes

    def install(accepted: Callable[[Arrangement], bool]) -> list[Arrangement]:
        tried: list[Arrangement] = []

        def boxes(run: Any, volume: Any) -> Any:
            tried.append(run._arrangement)
            if not accepted(run._arrangement):
                raise MemoryError
            return original(run, volume)

        monkeypatch.setattr(detection_run._Run, "boxes", boxes)
        return tried

    return install


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(11)
    module = build_retinanet(NETWORK)
    with torch.no_grad():
        for name, values in module.state_dict().items():
            if "head" in name and values.dim() == 5:
                values.copy_(0.1 * torch.randn(values.shape))
    return Network(module)


def run(network: Network) -> DetectionOutput:
    image = sitk.GetImageFromArray(np.random.default_rng(5).uniform(0, 1, SIZE[::-1]).astype(np.float32))
    return run_detection([image], network, RECIPE, ON_TORCH, Progress())


def assert_same_boxes(output: DetectionOutput, other: DetectionOutput) -> None:
    assert len(output.boxes) == len(other.boxes) > 5
    for item, same in zip(output.boxes, other.boxes, strict=True):
        # Single precision, summed in another order.
        assert item.score == pytest.approx(same.score, abs=1e-5)
        np.testing.assert_allclose(item.box.center_mm, same.box.center_mm, atol=1e-3)
        np.testing.assert_allclose(item.box.size_mm, same.box.size_mm, atol=1e-3)


@pytest.mark.parametrize("on_disk", [False, True], ids=["frugal", "on disk"])
def test_before_the_window_shrinks_the_network_runs_call_by_call_and_gives_the_same_boxes(
    network: Network, short_of_memory: ShortOfMemory, on_disk: bool
) -> None:
    plain = run(network)
    tried = short_of_memory(lambda arrangement: arrangement.frugal and arrangement.values_on_disk == on_disk)
    output = run(network)
    assert [each.window for each in tried] == [None] * (4 if on_disk else 3)
    assert tried[0] == UNSPARING and tried[1].in_parts and not tried[1].frugal
    assert_same_boxes(output, plain)
    assert output.windows == plain.windows > 1
    assert len(output.notes) == 1 and "a few slices at a time" in output.notes[0]


def test_each_rung_is_forecast_to_need_less_and_a_budget_chooses_the_first_that_fits(
    network: Network, short_of_memory: ShortOfMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = short_of_memory(lambda arrangement: arrangement.window is not None and max(arrangement.window) <= 48)
    run(network)
    needed = [
        detection_run._forecast(network, RECIPE, ON_TORCH, SIZE, arrangement).after_a_look for arrangement in tried
    ]
    # The network is so small that what PyTorch keeps for itself while it computes a few slices is no less.
    windows = [each for arrangement, each in zip(tried, needed) if arrangement.window is not None]
    assert needed[0] > needed[1] and windows == sorted(windows, reverse=True)
    tried = short_of_memory(lambda arrangement: True)
    monkeypatch.setattr(memory_budget, "_free_bytes", lambda settings: needed[1] + 1)
    output = run(network)
    assert [each.in_parts for each in tried] == [True] and "in parts" in output.notes[-1]


def test_a_run_that_cannot_fit_is_refused_before_it_begins(
    network: Network, short_of_memory: ShortOfMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = short_of_memory(lambda arrangement: True)
    monkeypatch.setattr(memory_budget, "_free_bytes", lambda settings: 1000)
    with pytest.raises(OutOfMemory, match=r"needs about .* GB are free"):
        run(network)
    assert tried == []
