"""The prompted network: where it looks, what its outlines become on the image's grid, and how it is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.geometry import index_to_world, paste
from AIImagingLogic.models.prompted_network.architecture import CHANNELS, build_network
from AIImagingLogic.models.prompted_network.network_input import NEAR_VOXELS, network_input, normalised
from AIImagingLogic.models.prompted_network.outliner import Outliner
from AIImagingLogic.models.prompted_network.session import NetworkSession
from AIImagingLogic.models.prompted_network.window_grid import WindowGrid
from AIImagingLogic.models.safety.weights import load_state_dict
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts
from Testing.Training import prompted_network as training
from Testing.Training.prompted_clicks import Clicker, spoilt
from Testing.Training.prompted_shapes import make_sample

torch = pytest.importorskip("torch")

DIRECTIONS = {
    "flipped": np.diag([-1.0, 1.0, -1.0]),
    "swapped": np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]),
    "oblique": np.array(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.15, 0.25).GetMatrix()).reshape(3, 3),
}
MOST_WEIGHTS, MOST_BYTES = 1_200_000, 5_000_000


class ByBrightness:
    """Stands for the network: bright is object. Knows what it was asked."""

    def __init__(self) -> None:
        self.grids: list[WindowGrid] = []
        self.fed: list[tuple[Any, ...]] = []

    def probabilities(self, grid: WindowGrid, volume: Any, *fed: Any) -> np.ndarray:
        self.grids.append(grid)
        self.fed.append(tuple(np.array(item) for item in fed))
        return np.asarray(grid.taken(volume) / 100, np.float32)


def boxes(direction: np.ndarray, large: bool = False) -> tuple[sitk.Image, np.ndarray, np.ndarray]:
    """Return an image with two bright blocks, thick slices, and each block (k, j, i)."""
    first, second = np.zeros((24, 50, 60), bool), np.zeros((24, 50, 60), bool)
    first[(slice(2, 20), slice(4, 40), slice(5, 50)) if large else (slice(6, 12), slice(8, 22), slice(30, 46))] = True
    second[20:22, 44:48, 2:6] = True
    image = sitk.GetImageFromArray((100.0 * (first | second)).astype(np.float32))
    image.SetSpacing((0.8, 0.9, 2.5))
    image.SetOrigin((-20, 35, -90))
    image.SetDirection(direction.ravel())
    return image, first, second


def outlined(session: NetworkSession, image: sitk.Image, prompts: Prompts) -> np.ndarray:
    """Return the answer on the image's whole grid (k, j, i)."""
    onto = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    onto.CopyInformation(image)
    whole = paste(session.refine(prompts, Progress()), onto)
    return np.asarray(sitk.GetArrayFromImage(whole) > 0)


def point(image: sitk.Image, voxel: tuple[int, int, int]) -> tuple[float, float, float]:
    x, y, z = index_to_world(image, voxel[::-1])
    return float(x), float(y), float(z)


def test_a_cube_takes_a_linear_image_exactly_and_gives_it_back() -> None:
    k, j, i = np.indices((20, 30, 40)).astype(np.float32)
    volume = 3 * k - 2 * j + i
    grid = WindowGrid(np.array([9.5, 14.2, 21.7]), 0.7, 12, np.array([2.0, 0.9, 1.1]), volume.shape)
    n = np.indices((12,) * 3).reshape(3, -1).T
    places = grid.first + n * grid.step
    np.testing.assert_allclose(grid.taken(volume).reshape(-1), places @ [3, -2, 1], atol=2e-3)
    # Beyond the middle of its outermost voxels, by half a voxel of the image at most, a cube's border goes on.
    inner = (slice(1, -1),) * 3
    np.testing.assert_allclose(grid.back(grid.taken(volume))[inner], volume[grid.box][inner], atol=5e-3)
    np.testing.assert_allclose(grid.places(np.rint(places).astype(int)) * grid.step + grid.first, np.rint(places))


def test_coarse_voxels_are_means_and_the_border_goes_on() -> None:
    volume = np.zeros((30, 30, 30), np.float32)
    volume[::2] = 2.0
    grid = WindowGrid(np.full(3, 15.0), 6.0, 10, np.ones(3), volume.shape)
    taken = grid.taken(volume)
    assert grid.covers_image
    np.testing.assert_allclose(taken[3:-3], 1.0, atol=0.4)
    volume[...] = 7.0
    np.testing.assert_allclose(grid.taken(volume), 7.0, rtol=1e-5)


@pytest.mark.parametrize("name", DIRECTIONS)
def test_a_click_outlines_the_object_on_the_grid_of_the_image(name: str) -> None:
    image, first, _ = boxes(DIRECTIONS[name])
    session = NetworkSession(ByBrightness(), image, None)  # type: ignore[arg-type]
    found = outlined(session, image, Prompts(inside_mm=(point(image, (9, 15, 38)),)))
    assert np.count_nonzero(found ^ first) / np.count_nonzero(first) < 0.15
    centres = [index_to_world(image, np.argwhere(mask)[:, ::-1].mean(0)) for mask in (found, first)]
    np.testing.assert_allclose(*centres, atol=0.5)


def test_the_scale_grows_until_all_of_the_object_is_seen() -> None:
    image, first, _ = boxes(np.eye(3), large=True)
    network = ByBrightness()
    session = NetworkSession(network, image, None)  # type: ignore[arg-type]
    found = outlined(session, image, Prompts(inside_mm=(point(image, (10, 20, 25)),)))
    assert len(network.grids) > 2
    assert network.grids[0].voxel_mm < network.grids[1].voxel_mm
    assert np.count_nonzero(found & first) > 0.93 * np.count_nonzero(first)


def test_of_a_box_alone_the_network_is_shown_the_middle_which_need_not_be_in_the_object() -> None:
    image, first, _ = boxes(DIRECTIONS["oblique"])
    image = sitk.Cast(image, sitk.sitkFloat32)
    voxels = sitk.GetArrayFromImage(image)
    voxels[8:11, 12:19, 35:42] = 0
    holed = sitk.GetImageFromArray(voxels)
    holed.CopyInformation(image)
    network = ByBrightness()
    session = NetworkSession(network, holed, None)  # type: ignore[arg-type]
    rows = tuple(tuple(float(value) for value in row) for row in DIRECTIONS["oblique"].T)
    box = OrientedBox(point(image, (9, 15, 38)), (16 * 0.8, 16 * 0.9, 8 * 2.5), rows)  # type: ignore[arg-type]
    found = outlined(session, holed, Prompts(box=box))
    assert network.fed[0][0].tolist() == [[9, 15, 38]]
    assert len(network.grids) == 1
    assert not found[9, 15, 38]
    assert np.count_nonzero(found ^ (first & (voxels > 0))) < 0.3 * np.count_nonzero(first)


def test_what_was_shown_holds_and_a_prompt_taken_back_is_undone() -> None:
    image, first, _ = boxes(DIRECTIONS["oblique"])
    network = ByBrightness()
    session = NetworkSession(network, image, None)  # type: ignore[arg-type]
    one = Prompts(inside_mm=(point(image, (9, 15, 38)),))
    before = outlined(session, image, one)
    two = Prompts(inside_mm=one.inside_mm, outside_mm=(point(image, (8, 10, 33)),))
    after = outlined(session, image, two)
    assert before[8, 10, 33]
    assert not after[8, 10, 33]
    given = network.fed[-1]
    assert given[0].tolist() == [[9, 15, 38]]
    assert given[1].tolist() == [[8, 10, 33]]
    np.testing.assert_array_equal(given[3] | after, before)
    np.testing.assert_array_equal(outlined(session, image, one), before)
    assert first[8, 10, 33]


def test_a_proposal_is_what_was_before_and_nothing_shown_changes_nothing() -> None:
    image, first, second = boxes(np.eye(3))
    proposal = sitk.GetImageFromArray(first.astype(np.float32) * 0.9)
    proposal.CopyInformation(image)
    network = ByBrightness()
    session = NetworkSession(network, image, proposal)  # type: ignore[arg-type]
    found = outlined(session, image, Prompts(inside_mm=(point(image, (21, 46, 4)),)))
    assert np.count_nonzero(found & first) > 0.9 * np.count_nonzero(first)
    assert np.count_nonzero(found & second) > 0.7 * np.count_nonzero(second)
    np.testing.assert_array_equal(network.fed[0][3] & first, first)
    empty = NetworkSession(ByBrightness(), image, None)  # type: ignore[arg-type]
    assert not outlined(empty, image, Prompts(outside_mm=(point(image, (1, 1, 1)),))).any()


def test_the_network_is_small_and_its_file_is_read_as_data(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    network = build_network()
    assert sum(weight.numel() for weight in network.parameters()) <= MOST_WEIGHTS
    path = tmp_path / "weights.safetensors"
    save_file({name: value.half() for name, value in network.state_dict().items()}, str(path))
    assert path.stat().st_size <= MOST_BYTES
    volume = np.random.default_rng(0).normal(0, 1, (20, 20, 20)).astype(np.float32)
    grid = WindowGrid(np.full(3, 9.5), 1.0, 16, np.ones(3), volume.shape)
    nothing = np.zeros((0, 3), np.int64)
    given = Outliner(path).probabilities(grid, volume, np.array([[9, 9, 9]]), nothing, None, None)
    assert given.shape == (16, 16, 16)
    assert np.all((given >= 0) & (given <= 1))
    assert network(torch.zeros(2, CHANNELS, 16, 16, 16)).shape == (2, 1, 16, 16, 16)


def test_values_of_any_scale_become_alike_and_an_even_image_stays_even() -> None:
    values = np.random.default_rng(1).normal(0, 1, (9, 9, 9))
    np.testing.assert_allclose(normalised(values), normalised(values * 900 - 400), atol=1e-4)
    assert not normalised(np.full((5, 5, 5), 3.3)).any()


def test_prompts_are_near_where_they_are_and_what_is_like_them_is_said() -> None:
    image = np.zeros((10, 12, 14), np.float32)
    image[:, :, 7:] = 1.5
    around, before = np.zeros_like(image), np.full_like(image, 0.25)
    around[:, 0] = 1
    fed = network_input(image, [(5, 6, 2), (40, 0, 0)], [(0, 11, 13)], around, before)
    assert fed.shape == (CHANNELS, 10, 12, 14)
    np.testing.assert_array_equal(fed[0], image)
    assert np.unravel_index(fed[1].argmax(), image.shape) == (5, 6, 2)
    assert fed[1, 5, 6, 6] == pytest.approx(np.exp(-4 / NEAR_VOXELS))
    assert fed[2, 0, 11, 13] == 1
    assert np.all(fed[2, :, 0] == 1)
    np.testing.assert_array_equal(fed[3], before)
    np.testing.assert_allclose(fed[4], image, atol=1e-6)
    np.testing.assert_array_equal(network_input(image, [], [], around, before)[4], 0)


def test_the_same_seed_gives_the_same_sample_and_the_object_is_seen() -> None:
    kinds = set()
    for seed in range(16):
        one, two = (make_sample(np.random.default_rng((3, seed)), 24) for _ in range(2))
        np.testing.assert_array_equal(one.image, two.image)
        np.testing.assert_array_equal(one.truth, two.truth)
        assert one.image.std() == pytest.approx(1, abs=0.01)
        assert one.truth.any()
        kinds.add(one.kind)
    assert len(kinds) >= 4


def test_the_person_who_clicks_goes_for_the_largest_error() -> None:
    truth = np.zeros((30, 30, 30), bool)
    truth[5:20, 5:20, 5:20] = True
    clicker = Clicker(truth, np.random.default_rng(0))
    clicker.click(np.zeros_like(truth))
    assert truth[clicker.inside[0]]
    assert not clicker.outside
    outline = truth.copy()
    outline[20:28, 5:20, 5:20] = True
    outline[5, 5, 5] = False
    clicker.click(outline)
    assert (outline & ~truth)[clicker.outside[0]]
    boxed = Clicker(truth, np.random.default_rng(0))
    boxed.box()
    assert not boxed.around[truth].any()
    assert boxed.around[0, 0, 0] == 1
    assert np.count_nonzero((spoilt(truth, np.random.default_rng(2)) > 0) ^ truth) > 0


def test_a_training_that_was_broken_off_ends_as_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_KEPT_EVERY", 1)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole = training.train(tmp_path / "whole", 3, 5, 16)
        step, done = training._step, []

        def breaks_off(*arguments: Any) -> Any:
            if len(done) == 2:
                raise KeyboardInterrupt
            done.append(1)
            return step(*arguments)

        monkeypatch.setattr(training, "_step", breaks_off)
        with pytest.raises(KeyboardInterrupt):
            training.train(tmp_path / "broken", 3, 5, 16)
        monkeypatch.setattr(training, "_step", step)
        broken = training.train(tmp_path / "broken", 3, 5, 16)
    finally:
        torch.set_num_threads(before)
    first, second = load_state_dict(whole), load_state_dict(broken)
    assert all(torch.equal(first[name], second[name]) for name in first)
    start = torch.manual_seed(5) and build_network().state_dict()
    assert any(not torch.equal(first[name], start[name].half()) for name in first)
