"""A run is laid out for the memory that there is, and says what it spared."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

torch = pytest.importorskip("torch")

from AIImagingLogic.inference import engine, memory_budget  # noqa: E402
from AIImagingLogic.inference.activation_memory import activation_memory  # noqa: E402
from AIImagingLogic.inference.arrangement import Arrangement  # noqa: E402
from AIImagingLogic.inference.engine import run_network  # noqa: E402
from AIImagingLogic.inference.frugal.frugal_check import can_be_frugal  # noqa: E402
from AIImagingLogic.inference.frugal.slab_convolution import ConvolutionRows  # noqa: E402
from AIImagingLogic.inference.ladder import is_shortage, next_rung, spared_notes  # noqa: E402
from AIImagingLogic.inference.network import EngineSettings, Network  # noqa: E402
from AIImagingLogic.inference.predictor import chosen_backend  # noqa: E402
from AIImagingLogic.inference.recipe import NetworkRecipe  # noqa: E402
from AIImagingLogic.inference.scratch import Scratch  # noqa: E402
from AIImagingLogic.records.errors import OutOfMemory  # noqa: E402
from AIImagingLogic.records.progress import Progress  # noqa: E402

RECIPE = NetworkRecipe(1, 3, (0, 1, 2), window=(48, 48, 48), overlap=0.5)
PLAIN = Arrangement("cpu")
STREAMED = Arrangement("cpu", sums_on_disk=True, volume_on_disk=True)


def network():
    torch.manual_seed(3)
    return Network(torch.nn.Sequential(torch.nn.Conv3d(1, 4, 3, padding=1), torch.nn.Conv3d(4, 3, 1)).eval())


def image():
    noise = sitk.GetImageFromArray(np.random.default_rng(4).normal(size=(60, 66, 54)).astype(np.float32))
    return sitk.SmoothingRecursiveGaussian(noise, 2.0) * 10


def run(settings=None):
    settings = settings or EngineSettings(backend="torch", device="cpu")
    return run_network([image()], [network()], RECIPE, settings, Progress())


def labels(output):
    return sitk.GetArrayFromImage(output.labels)


@pytest.fixture
def short_of_memory(monkeypatch):
    """Return a function that lets every arrangement run out of memory until one is accepted."""
    tried = []

    def install(accepted):
        original = engine._Task.attempt

        def attempt(task, arrangement, progress):
            tried.append(arrangement)
            if not accepted(arrangement):
                raise MemoryError
            return original(task, arrangement, progress)

        monkeypatch.setattr(engine._Task, "attempt", attempt)
        return tried

    return install


def test_rungs_that_only_stream_change_no_label(short_of_memory):
    plain = labels(run())
    tried = short_of_memory(lambda arrangement: arrangement == STREAMED)
    streamed = run()
    assert tried == [PLAIN, Arrangement("cpu", sums_on_disk=True), STREAMED]
    assert np.array_equal(labels(streamed), plain)
    assert len(streamed.notes) == 2 and all("Results are the same" in note for note in streamed.notes)


def test_then_the_window_becomes_smaller_and_the_result_says_so(short_of_memory):
    short_of_memory(lambda arrangement: arrangement.window == (32, 32, 32))
    output = run()
    assert "32x32x32 voxels instead of 48x48x48" in output.notes[-1] and len(output.notes) == 4
    assert "with its values on disk" in output.notes[-2]
    assert np.mean(labels(output) != labels(run())) < 0.02


def test_when_nothing_is_left_to_spare_the_error_says_what_to_do(short_of_memory):
    short_of_memory(lambda arrangement: False)
    with pytest.raises(OutOfMemory, match="memory did not suffice.*Close other programs"):
        run()


def test_a_budget_is_kept_by_the_forecast_before_anything_runs(short_of_memory, monkeypatch):
    tried = short_of_memory(lambda arrangement: True)
    monkeypatch.setattr(memory_budget, "_free_bytes", lambda settings: forecast_of(STREAMED).after_a_look + 1)
    output = run()
    assert tried == [STREAMED]
    assert len(output.notes) == 2
    monkeypatch.setattr(memory_budget, "_free_bytes", lambda settings: 1000)
    with pytest.raises(OutOfMemory, match="needs about"):
        run()


@pytest.mark.parametrize("on_disk", [False, True], ids=["frugal", "on disk"])
def test_before_the_window_shrinks_the_network_is_run_call_by_call_and_gives_the_same_labels(short_of_memory, on_disk):
    plain = labels(run())
    tried = short_of_memory(lambda arrangement: arrangement.frugal and arrangement.values_on_disk == on_disk)
    output = run()
    assert np.array_equal(labels(output), plain)
    assert [each.window for each in tried] == [None] * (6 if on_disk else 5)
    assert "a few slices at a time" in output.notes[-1] and "same but for rounding" in output.notes[-1]
    assert len(output.notes) == 3


def test_a_network_whose_calls_cannot_be_had_goes_down_the_ladder_as_before(short_of_memory):
    class ByValue(torch.nn.Module):
        def forward(self, given):
            return torch.cat([given, -given, given], 1) if given.sum() > 1e9 else given.repeat(1, 3, 1, 1, 1)

    tried = short_of_memory(lambda arrangement: arrangement.window == (32, 48, 48))
    settings = EngineSettings(backend="torch", device="cpu")
    output = run_network([image()], [Network(ByValue().eval())], RECIPE, settings, Progress())
    assert not any(each.frugal for each in tried) and len(tried) == 5
    assert "in parts" in output.notes[-2]


def test_a_network_that_is_misread_is_not_run_call_by_call(monkeypatch):
    window = (1, 1, 48, 48, 48)
    assert can_be_frugal(network().module, window, None)
    monkeypatch.setattr(ConvolutionRows, "compute", lambda self, read, start, stop: torch.zeros(()))
    assert not can_be_frugal(network().module, window, None)


def forecast_of(arrangement):
    grid = engine.plan_grid(image(), RECIPE)
    settings = EngineSettings(backend="torch", device="cpu")
    return engine._Task([image()], [network()], RECIPE, settings, grid).forecast(arrangement)


def test_each_rung_is_forecast_to_need_less():
    needed, arrangement = [], PLAIN
    while True:
        needed.append(forecast_of(arrangement).total)
        following = next_rung(arrangement, RECIPE, "torch", lambda: True)
        if following is None:
            break
        arrangement = following
    assert needed == sorted(needed, reverse=True) and len(needed) == 9


def test_pytorch_takes_the_place_of_openvino_before_the_window_becomes_smaller():
    following = next_rung(STREAMED, RECIPE, "openvino")
    assert following == Arrangement("cpu", sums_on_disk=True, volume_on_disk=True, plain=True)
    assert chosen_backend(EngineSettings(backend="openvino", device="cpu"), following) == "torch"
    in_parts = next_rung(following, RECIPE, "torch")
    assert in_parts.in_parts
    notes = spared_notes(STREAMED, in_parts, RECIPE)
    assert ["PyTorch" in notes[0], "in parts" in notes[1]] == [True, True] and len(notes) == 2
    assert next_rung(in_parts, RECIPE, "torch").window == (32, 48, 48)
    frugal = next_rung(in_parts, RECIPE, "torch", lambda: True)
    on_disk = next_rung(frugal, RECIPE, "torch", lambda: True)
    assert (frugal.frugal, frugal.values_on_disk, on_disk.values_on_disk) == (True, False, True)
    assert next_rung(on_disk, RECIPE, "torch", lambda: True).window == (32, 48, 48)


def test_a_gpu_is_left_for_the_cpu_last():
    arrangement, seen = Arrangement("cuda"), []
    while (following := next_rung(arrangement, RECIPE, "torch")) is not None and len(seen) < 20:
        arrangement = following
        seen.append(arrangement)
    assert seen[2].half_precision and seen[2].device == "cuda"
    assert [each.device for each in seen].index("cpu") > 3
    assert seen[-1].device == "cpu" and not any(each.half_precision for each in seen if each.device == "cpu")


def test_activations_are_counted_at_their_peak():
    class Three(torch.nn.Module):
        def forward(self, window):
            first = window * 2
            second = torch.cat([first, first], 1)
            del first
            return second + 1

    counted = activation_memory(Three(), (1, 1, 128, 64, 64))
    # The peak is the last operation: two channels in, two channels out; the window itself is the caller's.
    assert counted.activations == 4 * 128 * 64 * 64 * 4
    assert counted.weights == 0


def test_scratch_in_a_file_keeps_its_values_when_memory_is_released(tmp_path):
    scratch = Scratch(tmp_path)
    values = scratch.zeros((7, 300, 40), on_disk=True)
    values += torch.arange(40)
    scratch.release()
    assert torch.equal(values[3, 100], torch.arange(40, dtype=torch.float32))
    assert values.sum() == 7 * 300 * 780


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_shortage_is_told_from_other_errors(error):
    assert is_shortage(error)
    assert not is_shortage(RuntimeError("shapes do not match"))
