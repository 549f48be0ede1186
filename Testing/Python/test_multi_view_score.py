"""The multi-view stage: NumPy and PyTorch agree, scores join as written, candidates stay, weights are checked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.models.builtin.multi_view_network import (
    CONVOLUTIONS,
    DENSE,
    SIDE,
    MultiViewNetwork,
    network_values,
    read_network,
)
from AIImagingLogic.models.builtin.multi_view_score import ANY_DETECTOR, MultiViewScore, fused, log_odds, views_of
from AIImagingLogic.models.catalogue import load_model, model_card
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.errors import Cancelled, ModelError
from AIImagingLogic.records.progress import Progress

BALL_MM, TUBE_MM = (12.0, -8.0, 30.0), (-12.0, 8.0, 30.0)
SHAPES = {
    "first": (4, 2, 3, 3),
    "second": (6, 4, 3, 3),
    "third": (5, 6, 3, 3),
    "view": (7, 5 * (SIDE // 8) ** 2),
    "joint": (3, 14),
    "answer": (1, 3),
}


def random_network(seed: int = 3) -> MultiViewNetwork:
    random = np.random.default_rng(seed)
    weights = {}
    for name in (*CONVOLUTIONS, *DENSE):
        weights[f"{name}.weight"] = random.normal(0.0, 0.3, SHAPES[name]).astype(np.float32)
        weights[f"{name}.bias"] = random.normal(0.0, 0.1, SHAPES[name][0]).astype(np.float32)
    return MultiViewNetwork(weights)


def lung_with_ball_and_tube(direction: np.ndarray) -> sitk.Image:
    """Return 90 mm of lung around the two, int16 HU, on 0.8 x 0.9 x 1.25 mm along `direction`."""
    spacing, size = np.array((0.8, 0.9, 1.25)), np.array((112, 100, 72))
    origin = np.array((0.0, 0.0, 30.0)) - direction @ ((size - 1) / 2 * spacing)
    indices = np.moveaxis(np.indices(size[::-1]), 0, -1)[..., ::-1]
    points = origin + (indices * spacing) @ direction.T
    hu = np.random.default_rng(8).normal(-860.0, 20.0, size[::-1])
    ball = np.linalg.norm(points - BALL_MM, axis=-1) - 4.0
    along = np.array((0.6, 0.0, 0.8))
    off = points - TUBE_MM
    tube = np.linalg.norm(off - (off @ along)[..., None] * along, axis=-1) - 2.0
    for apart in (ball, tube):
        hu += 880.0 / (1.0 + np.exp(apart / 0.4))
    image = sitk.GetImageFromArray(hu.astype(np.int16))
    image.SetSpacing(spacing.tolist())
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin(origin.tolist())
    return image


def test_numpy_gives_what_pytorch_gives() -> None:
    torch = pytest.importorskip("torch")
    from Testing.Training.multi_view_module import build_module

    torch.manual_seed(5)
    module = build_module().eval()
    network = MultiViewNetwork({name: value.numpy() for name, value in module.state_dict().items()})
    patches = np.random.default_rng(1).uniform(-1400.0, 500.0, (14, 9, 2, SIDE, SIDE)).astype(np.float32)
    with torch.no_grad():
        wanted = module(torch.from_numpy(network_values(patches))).numpy()
    np.testing.assert_allclose(network.evidence(patches), wanted, atol=1e-5)
    assert np.ptp(wanted) > 1e-4


def test_order_of_the_views_does_not_matter_and_what_they_show_does() -> None:
    network = random_network()
    patches = np.random.default_rng(2).uniform(-1000.0, 200.0, (3, 9, 2, SIDE, SIDE)).astype(np.float32)
    np.testing.assert_allclose(network.evidence(patches[:, ::-1]), network.evidence(patches), rtol=1e-4)
    assert not np.allclose(network.evidence(patches[:, :, ::-1]), network.evidence(patches), rtol=1e-2)


def test_no_candidates_have_no_evidence() -> None:
    assert random_network().evidence(np.empty((0, 9, 2, SIDE, SIDE), np.float32)).shape == (0,)
    stage = MultiViewScore(model_card("lung-nodule-views"), random_network(), {ANY_DETECTOR: [0.0, 0.5, 0.5]})
    assert stage.rescored(lung_with_ball_and_tube(np.eye(3)), [], "a detector", Progress()) == ()


def test_scores_join_as_written_and_every_candidate_stays() -> None:
    image = lung_with_ball_and_tube(np.eye(3))
    candidates = [Candidate(BALL_MM, 8.0, 0.3), Candidate(TUBE_MM, 4.0, 0.9), Candidate((0.0, 0.0, 500.0), 5.0, 1.0)]
    network = random_network()
    fusions = {"fitted": (0.4, 0.7, 1.5), ANY_DETECTOR: (0.0, 0.5, 0.5)}
    stage = MultiViewScore(model_card("lung-nodule-views"), network, fusions)
    views = network.evidence(views_of(image, np.array([one.position_mm for one in candidates])))
    own = np.array([np.log(0.3 / 0.7), np.log(0.9 / 0.1), 30.0])
    for detector, (constant, first, second) in (("fitted", (0.4, 0.7, 1.5)), ("unheard of", (0.0, 0.5, 0.5))):
        wanted = 1.0 / (1.0 + np.exp(-(constant + first * own + second * views)))
        np.testing.assert_allclose(stage.scores(image, candidates, detector, Progress()), wanted, rtol=1e-6)
        anew = stage.rescored(image, candidates, detector, Progress())
        assert [one.score for one in anew] == sorted((float(score) for score in wanted), reverse=True)
        assert {(one.position_mm, one.diameter_mm) for one in anew} == {
            (one.position_mm, one.diameter_mm) for one in candidates
        }
    assert stage.is_fitted_to("fitted")
    assert not stage.is_fitted_to("unheard of")


def test_scores_of_nought_and_one_have_finite_odds() -> None:
    odds = log_odds(np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(odds, (-30.0, 0.0, 30.0), atol=1e-9)
    assert np.all(np.isfinite(fused(odds, np.array([-1e4, 0.0, 1e4]), (0.0, 1.0, 1.0))))


def test_stage_can_be_cancelled() -> None:
    stage = MultiViewScore(model_card("lung-nodule-views"), random_network(), {ANY_DETECTOR: [0.0, 0.5, 0.5]})
    with pytest.raises(Cancelled):
        stage.scores(
            lung_with_ball_and_tube(np.eye(3)), [Candidate(BALL_MM, 8.0, 0.5)], "any", Progress(None, lambda: True)
        )


@pytest.mark.parametrize(
    "direction",
    [
        np.eye(3),
        np.diag((-1.0, 1.0, -1.0)),
        np.array(sitk.VersorTransform((0.4, -0.7, 0.5), 0.83).GetMatrix()).reshape(3, 3),
    ],
    ids=["along the patient", "flipped", "oblique"],
)
def test_a_ball_is_preferred_to_a_vessel_on_any_grid(direction: np.ndarray) -> None:
    image = lung_with_ball_and_tube(direction)
    ball, tube = Candidate(BALL_MM, 8.0, 0.5), Candidate(TUBE_MM, 4.0, 0.5)
    first, second = load_model("lung-nodule-views").rescored(image, (tube, ball), "ct-lung-nodules", Progress())
    assert first.position_mm == BALL_MM
    assert log_odds(np.array([first.score]))[0] - log_odds(np.array([second.score]))[0] > 1.0


@pytest.mark.parametrize("damage", ["cut", "another header", "another name", "a huge header"])
def test_damaged_weights_are_an_error_that_names_them(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "net.safetensors"
    parts, header, place = [], {}, 0
    for name, value in random_network().weights.items():
        data = value.astype(np.float16).tobytes()
        header[name] = {"dtype": "F16", "shape": value.shape, "data_offsets": [place, place + len(data)]}
        parts.append(data)
        place += len(data)
    if damage == "another name":
        header["fourth.weight"] = header.pop("third.weight")
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))
    if damage != "another name":
        np.testing.assert_allclose(
            read_network(path).weights["joint.weight"], random_network().weights["joint.weight"], atol=1e-3
        )
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[:-40])
    elif damage == "another header":
        path.write_bytes(content[:8] + b"[" + content[9:])
    elif damage == "a huge header":
        path.write_bytes((2**40).to_bytes(8, "little") + content[8:])
    with pytest.raises(ModelError, match="net.safetensors"):
        read_network(path)
