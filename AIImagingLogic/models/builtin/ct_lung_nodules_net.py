"""Lung nodules of a CT: marks of a small 3D network, and the learning-free candidates with both opinions joined."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Protocol

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.special import expit, logit

from AIImagingLogic.models.builtin.candidate_score import score_weights
from AIImagingLogic.models.builtin.candidate_search import lung_candidates
from AIImagingLogic.models.builtin.ct_lung_nodules import one_mark_a_lesion
from AIImagingLogic.models.builtin.nodule_network.lung_grid import LUNGS, lungs_on_grid
from AIImagingLogic.models.builtin.nodule_network.marks import Array, find_peaks, heat_at
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.resources import load_resource, resource_path
from AIImagingLogic.records.segmentation import Segmentation

WEIGHTS = "models/weights/ct-lung-nodules-net.safetensors"
FUSION = "models/scores/ct-lung-nodules-net.json"
_LEAST_PEAK = 0.01
_LARGEST_LOGIT = 8.0
_NETWORK_SHARE = 0.6


class Runner(Protocol):
    """Says what the network says of each cell of a volume; see `nodule_network.runner`."""

    def outputs(self, hu: NDArray[np.float32], progress: Progress) -> NDArray[np.float32]:
        """Return (5, k / 4, j / 4, i / 4) of (k, j, i) HU."""
        ...


class CTLungNodulesNet:
    """Finds solid, part-solid and ground-glass nodules of 4 to 30 mm; needs PyTorch.

    Parameters
    ----------
    card : the model's card
    least_score : candidates below it are not returned; None for the operating point of the card's figures
    joined : with the learning-free candidates and their score; False for the network alone
    runner : what runs the network; None: PyTorch, with the weights that travel with the program

    Raises
    ------
    ModelError
        PyTorch is missing, or the weights are damaged.
    """

    def __init__(
        self, card: ModelCard, least_score: float | None = None, joined: bool = True, runner: Runner | None = None
    ) -> None:
        self.card = card
        self._fusion = load_resource(FUSION)
        self.least_score = float(self._fusion["operating_score"]) if least_score is None else least_score
        self._joined = joined
        self._runner = runner or _shipped_runner()

    def detect(
        self, image: sitk.Image, info: ImageInfo, organs: Segmentation, progress: Progress
    ) -> tuple[Candidate, ...]:
        """Return the nodule candidates of `image`, best first.

        Parameters
        ----------
        image : chest CT in HU, any orientation
        info : what is known of it
        organs : lungs on the grid of `image`, juxtapleural nodules inside
        progress : told of each step
        """
        grid = lungs_on_grid(image, organs)
        if grid is None:
            return ()
        outputs = self._runner.outputs(grid.hu, progress)
        peaks = find_peaks(outputs, grid.inside, _LEAST_PEAK)
        positions_mm = grid.positions_mm(peaks.indices)
        if not self._joined:
            return self._shown(positions_mm, peaks.radii_mm, peaks.scores)
        places, radii_mm, scores = _learning_free(image, organs, progress)
        by_network = heat_at(outputs, grid.indices(places), _NETWORK_SHARE * radii_mm)
        beside = _best_beside(positions_mm, peaks.radii_mm, places, scores, float(self._fusion["alone"]))
        return self._shown(
            np.concatenate([places, positions_mm]),
            np.concatenate([radii_mm, peaks.radii_mm]),
            np.concatenate([self._both(scores, by_network), self._both(beside, logit(peaks.scores))]),
        )

    def _shown(self, positions_mm: Array, radii_mm: Array, scores: Array) -> tuple[Candidate, ...]:
        likely = scores >= self.least_score
        return one_mark_a_lesion(positions_mm[likely], radii_mm[likely], scores[likely])

    def _both(self, scores: Array, by_network: Array) -> Array:
        """Return the joint score: a logistic function of both opinions."""
        weights = self._fusion
        free = np.clip(logit(np.clip(scores, 1e-9, 1 - 1e-9)), -_LARGEST_LOGIT, _LARGEST_LOGIT)
        net = np.clip(by_network, -_LARGEST_LOGIT, _LARGEST_LOGIT)
        result: Array = expit(weights["bias"] + weights["learning_free"] * free + weights["network"] * net)
        return result


def _shipped_runner() -> Runner:
    from AIImagingLogic.models.builtin.nodule_network.runner import NoduleRunner

    if find_spec("torch") is None:
        raise ModelError(
            "This detector needs PyTorch, which is not installed.",
            "Install the package 'torch', or choose the model ct-lung-nodules, which needs nothing more.",
        )
    return NoduleRunner(resource_path(WEIGHTS))


def _learning_free(image: sitk.Image, organs: Segmentation, progress: Progress) -> tuple[Array, Array, Array]:
    """Return positions (N, 3; LPS mm), radii (N,; mm) and scores (N,) of the learning-free candidates."""
    positions, radii, scores = [np.empty((0, 3))], [np.empty(0)], [np.empty(0)]
    for segment in organs.segments:
        if segment.concept.key in LUNGS:
            found = lung_candidates(image, organs.image, segment.value, progress)
            positions.append(found.positions_mm)
            radii.append(found.radii_mm)
            scores.append(score_weights().scores(found.figures))
    return np.concatenate(positions), np.concatenate(radii), np.concatenate(scores)


def _best_beside(positions_mm: Array, radii_mm: Array, places: Array, scores: Array, alone: float) -> Array:
    """Return the best score (N,) of the `places` within a radius of each position, `alone` where there is none."""
    result = np.full(len(positions_mm), alone)
    for number, (position, radius) in enumerate(zip(positions_mm, radii_mm)):
        near = np.linalg.norm(places - position, axis=1) <= radius
        if near.any():
            result[number] = scores[near].max()
    return result
