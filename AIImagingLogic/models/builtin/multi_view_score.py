"""A second opinion on a detector's candidates: what nine views of each show, joined with the detector's own score."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.multi_view_network import SIDE, SPACINGS_MM, MultiViewNetwork, read_network
from AIImagingLogic.models.builtin.multi_view_patches import sample_views
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.resources import load_resource, resource_path

WEIGHTS = "models/scores/lung-nodule-views.safetensors"
FUSIONS = "models/scores/lung-nodule-views.json"
ANY_DETECTOR = "any other"
_LARGEST_LOGIT = 30.0
_AT_A_TIME = 48

Array = NDArray[np.float64]


class MultiViewScore:
    """Scores the candidates of any lung nodule detector anew. All stay; their order and scores change.

    Parameters
    ----------
    card : the model's card
    network, fusions : others than those that travel with the program; for training and tests. A fusion is the weight
        of 1, of the detector's log odds and of the views' log odds, by the detector's id
    """

    def __init__(
        self,
        card: ModelCard,
        network: MultiViewNetwork | None = None,
        fusions: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        self.card = card
        self._network = network or _network()
        self._fusions = fusions or load_resource(FUSIONS)["fusions"]

    def is_fitted_to(self, detector: str) -> bool:
        """Whether the weights of the two opinions were fitted to the scores of this detector."""
        return detector in self._fusions

    def rescored(
        self, image: sitk.Image, candidates: Sequence[Candidate], detector: str, progress: Progress
    ) -> tuple[Candidate, ...]:
        """Return the candidates with their new scores, best first.

        Parameters
        ----------
        image : CT in HU, any orientation
        candidates : positions in LPS mm; their diameters are not used
        detector : id of the model that found them
        progress : told of every few dozen
        """
        scores = self.scores(image, candidates, detector, progress)
        anew = [dataclasses.replace(one, score=float(score)) for one, score in zip(candidates, scores, strict=True)]
        return tuple(sorted(anew, key=lambda candidate: -candidate.score))

    def scores(self, image: sitk.Image, candidates: Sequence[Candidate], detector: str, progress: Progress) -> Array:
        """Return the new scores (N,), 0..1, in the order of `candidates`; the parameters are those of `rescored`.

        With d the log odds of the detector's score and v those of the views, the score is
        1 / (1 + exp(-(w0 + w1 d + w2 v))). To a detector that the weights were not fitted to, both count the same.
        """
        evidence = [np.empty(0)]
        for first in range(0, len(candidates), _AT_A_TIME):
            progress.report(first / len(candidates), f"Views of candidate {first + 1} of {len(candidates)}")
            some = candidates[first : first + _AT_A_TIME]
            evidence.append(self._network.evidence(views_of(image, np.array([one.position_mm for one in some]))))
        own = log_odds(np.array([candidate.score for candidate in candidates], float))
        return fused(own, np.concatenate(evidence), self._fusions.get(detector) or self._fusions[ANY_DETECTOR])


def views_of(image: sitk.Image, positions_mm: Array, axes: Array | None = None) -> NDArray[np.float32]:
    """Return what the network sees of points (N, 3) LPS mm: (N, V, C, SIDE, SIDE) HU. See `sample_views`."""
    return np.stack([sample_views(image, positions_mm, spacing, SIDE, axes) for spacing in SPACINGS_MM], axis=2)


def fused(detector: Array, views: Array, weights: Sequence[float]) -> Array:
    """Return the score of two opinions given as log odds (N,)."""
    logit = weights[0] + weights[1] * detector + weights[2] * views
    result: Array = 1.0 / (1.0 + np.exp(-np.clip(logit, -_LARGEST_LOGIT, _LARGEST_LOGIT)))
    return result


def log_odds(scores: Array) -> Array:
    """Return the log odds of scores 0..1, at most 30 either way."""
    with np.errstate(divide="ignore"):
        odds = np.log(scores) - np.log1p(-scores)
    result: Array = np.clip(odds, -_LARGEST_LOGIT, _LARGEST_LOGIT)
    return result


@cache
def _network() -> MultiViewNetwork:
    return read_network(resource_path(WEIGHTS))
