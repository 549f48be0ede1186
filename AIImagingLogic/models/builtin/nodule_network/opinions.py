"""What network and learning-free score say of one scan, and the marks of each alone and of both joined."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.special import expit, logit

from AIImagingLogic.models.builtin.candidate_score import score_weights
from AIImagingLogic.models.builtin.candidate_search import LungCandidates
from AIImagingLogic.models.builtin.ct_lung_nodules import one_mark_a_lesion
from AIImagingLogic.models.builtin.nodule_network.lung_grid import lungs_on_grid
from AIImagingLogic.models.builtin.nodule_network.marks import Array, find_peaks, heat_at
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segmentation

_LEAST_PEAK = 0.01
_LARGEST_LOGIT = 8.0
_HEAT_WITHIN = 0.6
"""Share of a candidate's radius within which the network's best answer counts as said of it."""


class Runner(Protocol):
    """Says what the network says of each cell of a volume; see `runner`."""

    def outputs(self, hu: NDArray[np.float32], progress: Progress) -> NDArray[np.float32]:
        """Return (5, k / 4, j / 4, i / 4) of (k, j, i) HU."""
        ...


@dataclass(frozen=True)
class Fusion:
    """How two logits become one.

    Attributes
    ----------
    bias, learning_free, network : of a logistic function of both
    alone : the learning-free score of a network's mark that no candidate is near
    """

    bias: float
    learning_free: float
    network: float
    alone: float

    def scores(self, learning_free: Array, by_network: Array) -> Array:
        """Return the joint score (N,), 0..1, of learning-free scores (N,), 0..1, and logits of the network (N,)."""
        free = np.clip(logit(np.clip(learning_free, 1e-9, 1 - 1e-9)), -_LARGEST_LOGIT, _LARGEST_LOGIT)
        net = np.clip(by_network, -_LARGEST_LOGIT, _LARGEST_LOGIT)
        return np.asarray(expit(self.bias + self.learning_free * free + self.network * net), np.float64)


@dataclass(frozen=True)
class Opinions:
    """Places of one scan, N of them: first the learning-free candidates, then the network's own marks.

    Attributes
    ----------
    positions_mm : (N, 3) LPS
    radii_mm : (N,)
    learning_free : (N,) score 0..1; of a network's mark the best of the candidates on it, or not a number
    by_network : (N,) logit
    own : (N,) True for a mark of the network
    """

    positions_mm: Array
    radii_mm: Array
    learning_free: Array
    by_network: Array
    own: NDArray[np.bool_]

    def by_learning_free(self, least_score: float) -> tuple[Candidate, ...]:
        """Return the learning-free detector's marks."""
        return self._marks(~self.own, self.learning_free, least_score)

    def by_network_alone(self, least_score: float) -> tuple[Candidate, ...]:
        """Return the network's marks."""
        return self._marks(self.own, np.asarray(expit(self.by_network), np.float64), least_score)

    def joined(self, fusion: Fusion, least_score: float) -> tuple[Candidate, ...]:
        """Return the marks by both."""
        free = np.where(np.isnan(self.learning_free), fusion.alone, self.learning_free)
        return self._marks(np.ones(len(free), bool), fusion.scores(free, self.by_network), least_score)

    def with_learning_free(self, scores: Array) -> Opinions:
        """Return the same with other scores of the learning-free candidates, in their order."""
        own = self.own
        beside = _best_beside(self.positions_mm[own], self.radii_mm[own], self.positions_mm[~own], scores)
        return replace(self, learning_free=np.concatenate([scores, beside]))

    def _marks(self, kept: NDArray[np.bool_], scores: Array, least_score: float) -> tuple[Candidate, ...]:
        kept = kept & (scores >= least_score)
        return one_mark_a_lesion(self.positions_mm[kept], self.radii_mm[kept], scores[kept])


def opinions(
    image: sitk.Image,
    organs: Segmentation,
    runner: Runner,
    candidates: LungCandidates,
    progress: Progress,
) -> Opinions:
    """Ask both of one scan.

    Parameters
    ----------
    image : chest CT in HU, any orientation
    organs : lungs on the same grid
    runner : of the network
    candidates : as `candidates_of_lungs` gives them; none of them: the network alone is asked
    progress : told of each step
    """
    grid = lungs_on_grid(image, organs)
    if grid is None:
        return Opinions(np.empty((0, 3)), np.empty(0), np.empty(0), np.empty(0), np.empty(0, bool))
    outputs = runner.outputs(grid.hu, progress)
    peaks = find_peaks(outputs, grid.inside, _LEAST_PEAK)
    marked_mm = grid.positions_mm(peaks.indices)
    place_mm, radius_mm = candidates.positions_mm, candidates.radii_mm
    score = score_weights().scores(candidates.figures)
    return Opinions(
        np.concatenate([place_mm, marked_mm]),
        np.concatenate([radius_mm, peaks.radii_mm]),
        np.concatenate([score, _best_beside(marked_mm, peaks.radii_mm, place_mm, score)]),
        np.concatenate([heat_at(outputs, grid.indices(place_mm), _HEAT_WITHIN * radius_mm), logit(peaks.scores)]),
        np.concatenate([np.zeros(len(score), bool), np.ones(len(marked_mm), bool)]),
    )


def _best_beside(marked_mm: Array, radii_mm: Array, places_mm: Array, scores: Array) -> Array:
    """Return the best score (N,) of the candidates within a radius of each mark, not a number where there is none."""
    result = np.full(len(marked_mm), np.nan)
    for number, (position, radius) in enumerate(zip(marked_mm, radii_mm)):
        near = np.linalg.norm(places_mm - position, axis=1) <= radius
        if near.any():
            result[number] = scores[near].max()
    return result
