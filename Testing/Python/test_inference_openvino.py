"""OpenVINO runs a network as PyTorch does, or is given up with a note; nothing is told to its maker."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

torch = pytest.importorskip("torch")
pytest.importorskip("openvino")

from AIImagingLogic.inference import engine, openvino_predictor  # noqa: E402
from AIImagingLogic.inference.engine import run_network  # noqa: E402
from AIImagingLogic.inference.network import EngineSettings, Network  # noqa: E402
from AIImagingLogic.inference.openvino_predictor import open_openvino  # noqa: E402
from AIImagingLogic.inference.openvino_refusals import forget_refusals  # noqa: E402
from AIImagingLogic.inference.recipe import NetworkRecipe  # noqa: E402
from AIImagingLogic.records.errors import ModelError  # noqa: E402
from AIImagingLogic.records.progress import Progress  # noqa: E402

RECIPE = NetworkRecipe(1, 3, (0, 1, 2), window=(16, 12, 8), overlap=0.5, spacing_mm=(1.0, 1.2, 1.5))


@pytest.fixture(autouse=True)
def nothing_compiled():
    openvino_predictor._compiled.clear()
    forget_refusals()
    yield
    openvino_predictor._compiled.clear()
    forget_refusals()


def network():
    torch.manual_seed(3)
    layers = [torch.nn.Conv3d(1, 8, 3, padding=1), torch.nn.InstanceNorm3d(8), torch.nn.PReLU()]
    return torch.nn.Sequential(*layers, torch.nn.Conv3d(8, 3, 3, padding=1)).eval()


def image():
    noise = sitk.GetImageFromArray(np.random.default_rng(4).normal(size=(20, 26, 24)).astype(np.float32))
    return sitk.SmoothingRecursiveGaussian(noise, 1.5) * 10


def run(module, content_hash="", **settings):
    chosen = EngineSettings(device="cpu", **settings)
    return run_network([image()], [Network(module, content_hash)], RECIPE, chosen, Progress())


def labels(output):
    return sitk.GetArrayFromImage(output.labels)


def test_labels_are_those_of_pytorch():
    module = network()
    fast, plain = run(module), run(module, backend="torch")
    assert (fast.backend, plain.backend, fast.notes) == ("openvino", "torch", ())
    # Single precision sums in another order: a voxel where two classes are equally likely may fall either way.
    assert np.mean(labels(fast) != labels(plain)) < 1e-4


@pytest.mark.parametrize("mirrored", [(), (0, 2)])
def test_windows_side_by_side_give_what_each_gives_alone(monkeypatch, mirrored):
    recipe = replace(RECIPE, mirrored_axes=mirrored)
    settings = EngineSettings(device="cpu", backend="openvino", threads=3)
    networks = [Network(network()), Network(torch.nn.Conv3d(1, 3, 5, padding=2).eval())]
    found = {}
    for count in (1, 2, 3):
        monkeypatch.setattr(engine, "AT_ONCE", count)
        for several in (networks[:1], networks):
            output = run_network([image()], several, recipe, settings, Progress())
            found.setdefault(len(several), []).append(labels(output))
    for alone, *others in found.values():
        assert len(np.unique(alone)) == 3
        for other in others:
            assert np.mean(other != alone) < 1e-4


def test_repeated_runs_are_bit_identical():
    module = network()
    assert np.array_equal(labels(run(module)), labels(run(module)))


class Moody(torch.nn.Module):
    """Compiled, it gives something else: tracing fixes the branch that a window of zeros takes."""

    def __init__(self):
        super().__init__()
        self.inner = network()
        self.seen = []

    def forward(self, window):
        nothing = bool(window.abs().sum() == 0)
        if not nothing:
            self.seen.append(window.clone())
        return self.inner(window) if nothing else -self.inner(window)


@pytest.fixture
def conversions(monkeypatch):
    made, original = [], openvino_predictor._compile
    monkeypatch.setattr(openvino_predictor, "_compile", lambda *given: made.append(1) or original(*given))
    return made


@pytest.mark.parametrize("mirrored", [(), (0, 2)])
def test_a_network_that_gives_something_else_when_compiled_is_run_by_pytorch_with_a_note(mirrored):
    module, plain = Moody().eval(), Moody().eval()
    recipe = replace(RECIPE, mirrored_axes=mirrored)
    settings = EngineSettings(device="cpu")
    output = run_network([image()], [Network(module)], recipe, settings, Progress())
    wanted = run_network([image()], [Network(plain)], recipe, replace(settings, backend="torch"), Progress())
    assert output.backend == "torch"
    assert "differs by up to" in output.notes[0]
    assert np.array_equal(labels(output), labels(wanted))
    # PyTorch saw each window once: what it gave for the check was used.
    assert len(module.seen) == len(plain.seen)
    assert all(torch.equal(window, other) for window, other in zip(module.seen, plain.seen, strict=True))


def test_the_next_image_does_not_try_again_a_network_that_gave_something_else(conversions):
    module = Moody().eval()
    first = run(module, "c0ffee")
    tried = len(conversions)
    again = run(module, "c0ffee")
    assert tried and len(conversions) == tried
    assert again.backend == "torch" and np.array_equal(labels(again), labels(first))
    assert "differs by up to" in again.notes[0] and "an earlier run" in again.notes[0]


def test_other_weights_other_windows_and_networks_without_a_hash_are_tried_by_themselves(conversions):
    run(Moody().eval(), "c0ffee")
    smaller = replace(RECIPE, window=(8, 12, 8))
    for content_hash, recipe in (("decaf", RECIPE), ("c0ffee", smaller), ("", RECIPE), ("", RECIPE)):
        before = len(conversions)
        run_network([image()], [Network(network(), content_hash)], recipe, EngineSettings(device="cpu"), Progress())
        assert len(conversions) > before


def test_a_conversion_that_lacked_memory_is_tried_again(monkeypatch):
    def short(*given, **more):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    module = network()
    with monkeypatch.context() as lacking:
        lacking.setattr("openvino.frontend.FrontEndManager", short)
        assert run(module, "c0ffee").backend == "torch"
    assert run(module, "c0ffee").backend == "openvino"


def test_a_network_that_cannot_be_converted_is_run_by_pytorch_with_a_note():
    class Unknown(torch.nn.Module):
        def forward(self, window):
            return torch.linalg.svdvals(window).sum() * 0 + torch.cat([window, -window, window * 0], 1)

    output = run(Unknown().eval())
    assert output.backend == "torch"
    assert "cannot convert" in output.notes[0]


def test_a_compiled_network_is_taken_from_the_cache_unless_it_is_damaged(tmp_path, conversions):
    module = network()
    first = run(module, "c0ffee", cache_folder=tmp_path)
    (blob,) = tmp_path.iterdir()
    conversions.clear()
    openvino_predictor._compiled.clear()
    again = run(module, "c0ffee", cache_folder=tmp_path)
    assert not conversions and np.array_equal(labels(first), labels(again))
    blob.write_bytes(b"damaged")
    openvino_predictor._compiled.clear()
    assert np.array_equal(labels(run(module, "c0ffee", cache_folder=tmp_path)), labels(first))
    assert conversions


def test_nothing_is_told_to_anyone(monkeypatch):
    telemetry = pytest.importorskip("openvino_telemetry")

    def told(*given, **more):
        raise AssertionError("OpenVINO's telemetry was used.")

    monkeypatch.setattr(telemetry.Telemetry, "__init__", told)
    monkeypatch.setattr(telemetry.Telemetry, "send_event", told)
    assert run(network()).backend == "openvino"


def test_openvino_by_name_on_a_gpu_is_refused():
    with pytest.raises(ModelError, match="was asked for and cannot be used|does not run"):
        chosen = EngineSettings(backend="openvino", device="cuda")
        run_network([image()], [Network(network())], RECIPE, chosen, Progress())


def test_normalisation_of_a_window_of_air_is_as_exact_as_pytorchs():
    torch.manual_seed(4)
    module = torch.nn.InstanceNorm3d(8, affine=True).eval()
    window = -1.93 + 0.0024 * torch.randn(1, 8, 48, 64, 80)
    with torch.no_grad():
        truth = copy.deepcopy(module).double()(window.double()).numpy()
        pytorch = np.abs(module(window).numpy() - truth).max()
    settings = EngineSettings(device="cpu", backend="openvino", threads=1)
    ours = np.abs(open_openvino(Network(module), window, settings)(window).numpy() - truth).max()
    assert ours < 3 * pytorch
