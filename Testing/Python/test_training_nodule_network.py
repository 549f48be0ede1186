"""Training of the nodule network: patches show what is asked of them, the loss is least at the truth, a step runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from AIImagingLogic.models.builtin.nodule_network.architecture import OUTPUTS, build_network
from AIImagingLogic.models.builtin.nodule_network.folding import folded
from AIImagingLogic.models.builtin.nodule_network.lung_grid import network_input
from AIImagingLogic.models.builtin.nodule_network.marks import find_peaks
from Testing.Training import nodule_patches
from Testing.Training.nodule_network import train
from Testing.Training.nodule_patches import HardPlace, Sample, draw_sample
from Testing.Training.nodule_targets import loss_of, targets_of
from Testing.Training.nodule_volumes import REAL_CTS, Volume, varied_recipe

NODULE = (30.0, 52.0, 41.0)


def lungs(real: bool = False) -> Volume:
    """Return a block of lung with one bright ball of 12 mm off its middle."""
    random = np.random.default_rng(3)
    hu = random.normal(-850.0, 15.0, (80, 96, 88))
    axes = np.meshgrid(*(np.arange(n) for n in hu.shape), indexing="ij")
    apart = np.sqrt(sum((axis - at) ** 2 for axis, at in zip(axes, NODULE)))
    hu += 900.0 / (1.0 + np.exp((apart - 6.0) / 0.5))
    depth = np.minimum.reduce([np.minimum(axis, n - 1 - axis) for axis, n in zip(axes, hu.shape)])
    return Volume(real, hu.astype(np.int16), depth.astype(np.int8), np.array([[*NODULE, 12.0, 0.0]]))


def test_nodule_lies_where_the_sample_says_however_it_was_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodule_patches, "_IMPLANTS_ODDS", (1.0,))
    monkeypatch.setattr(nodule_patches, "rescanned", lambda hu, random: hu)
    monkeypatch.setattr(nodule_patches, "paint_tube", lambda hu, random: None)
    monkeypatch.setattr(nodule_patches, "paint_scar", lambda hu, random: None)
    checked = 0
    for seed in range(12):
        sample = draw_sample([lungs()], [HardPlace(0, NODULE)], 48, np.random.default_rng(seed))
        for *center, diameter, _ in sample.nodules:
            if np.all(np.array(center) > 10) and np.all(np.array(center) < 37):
                bright = np.argwhere(sample.hu > -400)
                # The ball is sampled by whole voxels.
                np.testing.assert_allclose(bright.mean(0), center, atol=0.3)
                assert (6 * len(bright) / np.pi) ** (1 / 3) == pytest.approx(diameter, rel=0.06)
                np.testing.assert_allclose(sample.place(np.array(center)).place, NODULE, atol=1e-6)
                checked += 1
    assert checked >= 5


def test_same_seed_gives_the_same_patch() -> None:
    volumes = [lungs(), lungs(real=True)]
    one, other, another = (draw_sample(volumes, [], 48, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(one.hu, other.hu)
    assert np.array_equal(one.nodules, other.nodules)
    assert not np.array_equal(one.hu, another.hu)


def test_painted_nodules_are_where_the_patch_grew_brighter() -> None:
    from Testing.Training.nodule_paint import paint_nodule

    found = 0
    for seed in range(20):
        hu = np.full((48, 48, 48), -850.0, np.float32)
        painted = paint_nodule(
            hu, np.full(hu.shape, 30.0, np.float32), np.zeros((0, 4)), 12, np.random.default_rng(seed)
        )
        if painted is None:
            continue
        found += 1
        weights = np.clip(hu + 850.0, 0, None)
        place = [(weights * axis).sum() / weights.sum() for axis in np.meshgrid(*[np.arange(48)] * 3, indexing="ij")]
        # A solid core lies a little off the middle of the whole.
        np.testing.assert_allclose(place, painted.center, atol=0.12 * painted.diameter)
        assert np.all(painted.center >= 11)
    assert found >= 8


def test_targets_read_as_marks_give_the_nodules_back() -> None:
    nodules = np.array([[20.3, 31.0, 28.6, 9.0, 0.0], [41.0, 22.5, 37.2, 5.0, 0.0], [30.0, 45.0, 20.0, 3.0, 1.0]])
    sample = Sample(
        np.zeros((64, 64, 64), np.float32), np.ones((64, 64, 64), np.float32), nodules, 0, np.zeros(3), np.eye(3)
    )
    asked = targets_of(sample)
    outputs = np.concatenate([[np.where(asked.heat >= 1, 5.0, -5.0)], asked.offsets, [asked.radii]]).astype(np.float32)
    peaks = find_peaks(outputs, np.ones((64, 64, 64), bool), 0.5)
    assert len(peaks.scores) == 2
    for *center, diameter, _ in nodules[:2]:
        apart = np.linalg.norm(peaks.indices - np.array(center), axis=1)
        assert apart.min() < 1e-4
        assert 2 * peaks.radii_mm[int(apart.argmin())] == pytest.approx(diameter, rel=1e-5)
    # Nothing is asked at what counts neither way, nor at the patch's sides.
    assert asked.judged[7, 11, 5] == 0.0
    assert asked.judged[:2].max() == asked.judged[-2:].max() == 0.0


def test_loss_is_less_the_nearer_the_answer() -> None:
    torch = pytest.importorskip("torch")
    heat = torch.zeros(1, 4, 4, 4)
    heat[0, 1, 2, 3] = 1.0
    judged, offsets, radii = torch.ones(1, 4, 4, 4), torch.zeros(1, 3, 4, 4, 4), torch.zeros(1, 4, 4, 4)
    right = torch.zeros(1, OUTPUTS, 4, 4, 4)
    right[:, 0] = 12.0 * heat - 6.0
    wrong = right.clone()
    wrong[0, 0, 0, 0, 0] = 4.0
    astray = right.clone()
    astray[0, 1, 1, 2, 3] = 0.5
    best = float(loss_of(right, heat, judged, offsets, radii))
    assert best < 1e-3
    assert float(loss_of(wrong, heat, judged, offsets, radii)) > 1.0
    assert float(loss_of(astray, heat, judged, offsets, radii)) == pytest.approx(best + 0.5, abs=1e-4)
    judged[0, 0, 0, 0] = 0.0
    assert float(loss_of(wrong, heat, judged, offsets, radii)) == pytest.approx(best, abs=1e-4)


def test_folded_network_answers_as_the_normalised_one() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    module = build_network(normalised=True).train()
    volume = torch.randn(2, 1, 16, 16, 24)
    for _ in range(3):
        module(volume)
    module.eval()
    plain = build_network().eval()
    plain.load_state_dict(folded(module.state_dict()))
    with torch.inference_mode():
        torch.testing.assert_close(plain(volume), module(volume), rtol=1e-4, atol=1e-5)


def test_a_few_steps_run_and_give_the_same_weights_again(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from safetensors.numpy import load_file

    volumes = [lungs(), lungs(real=True)]
    whole = load_file(train(tmp_path / "a", volumes, 3, 7, side=32, samples=1))
    assert sum(value.nbytes for value in whole.values()) < 5_000_000
    train(tmp_path / "b", volumes, 3, 7, side=32, samples=1)
    again = load_file(tmp_path / "b" / "weights.safetensors")
    assert all(np.array_equal(whole[name], again[name]) for name in whole)


def test_test_patient_and_benchmark_seeds_are_kept_out() -> None:
    assert not any("lidc" in name.lower() for name in REAL_CTS)
    assert varied_recipe(3) == varied_recipe(3)
    assert varied_recipe(3) != replace(varied_recipe(4), seed=varied_recipe(3).seed)


def test_input_is_clipped_and_even() -> None:
    values = network_input(np.array([-3000.0, -1000.0, -600.0, 400.0, 3000.0], np.float32))
    assert values.tolist() == [-1.0, -1.0, 0.0, 2.5, 2.5]
