"""How the scores of detector and views are joined: logistic, fitted to scans that neither of the two was fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.evaluation.detection import Mark, ScanMatch, Target, match_marks
from AIImagingLogic.models.builtin.multi_view_network import MultiViewNetwork
from AIImagingLogic.models.builtin.multi_view_score import fused, log_odds, views_of
from AIImagingLogic.models.protocols import Candidate

Array = NDArray[np.float64]
_CHUNK = 48
_PENALTY = 0.5
_STEPS = 50
_SAME, _ROUNDING = 1e-9, 1e-6


@dataclass(frozen=True)
class TwoOpinions:
    """The candidates of a scan as the detector and the views see them.

    Attributes
    ----------
    group, real : of the scan
    targets : its lesions
    candidates : N, of the detector
    detector, views : (N,) log odds
    """

    group: str
    real: bool
    targets: tuple[Target, ...]
    candidates: tuple[Candidate, ...]
    detector: Array
    views: Array

    def match(self, scores: Array) -> ScanMatch:
        """Return how the candidates match the lesions with these scores (N,)."""
        return match_of(self.candidates, scores, self.targets)

    def alone(self) -> ScanMatch:
        """Return the match by the detector's scores."""
        return self.match(fused(self.detector, self.views, (0.0, 1.0, 0.0)))

    def joined(self, weights: Sequence[float]) -> ScanMatch:
        """Return the match by both opinions."""
        return self.match(fused(self.detector, self.views, weights))


def match_of(candidates: Sequence[Candidate], scores: Sequence[float] | Array, targets: Sequence[Target]) -> ScanMatch:
    """Return how candidates with these scores match the lesions."""
    marks = [Mark(candidate.position_mm, float(score)) for candidate, score in zip(candidates, scores, strict=True)]
    return match_marks(marks, targets)


def two_opinions(
    image: sitk.Image,
    candidates: Sequence[Candidate],
    targets: Sequence[Target],
    network: MultiViewNetwork,
    group: str,
    real: bool,
) -> TwoOpinions:
    """Return what the network says of a scan's candidates beside what their detector said."""
    positions = np.array([candidate.position_mm for candidate in candidates]).reshape(-1, 3)
    views = [np.empty(0)]
    for first in range(0, len(positions), _CHUNK):
        views.append(network.evidence(views_of(image, positions[first : first + _CHUNK])))
    own = log_odds(np.array([candidate.score for candidate in candidates], float))
    return TwoOpinions(group, real, tuple(targets), tuple(candidates), own, np.concatenate(views))


def fit_fusion(scans: Sequence[TwoOpinions], operating_score: float) -> tuple[float, float, float]:
    """Return the weights of 1, of the detector's and of the views' log odds.

    The best candidate of each lesion and every false one counts once, people and phantoms for as much in all. The
    first weight is then set such that the new scores reach at `operating_score` the sensitivity that the detector's
    own reach there.
    """
    rows, lesion, weight = [], [], []
    for person in (True, False):
        own_rows, own_lesion = [], []
        for scan in (scan for scan in scans if scan.real == person):
            match = scan.alone()
            hits = [best for best in match.best_marks if best is not None]
            chosen = [*hits, *match.false_positives]
            own_rows.append(np.column_stack([np.ones(len(chosen)), scan.detector[chosen], scan.views[chosen]]))
            own_lesion.append(np.arange(len(chosen)) < len(hits))
        if own_rows:
            found = np.concatenate(own_lesion)
            rows.append(np.concatenate(own_rows))
            lesion.append(found)
            weight.append(np.full(len(found), 1000.0 / max(len(found), 1)))
    fitted = _logistic(np.concatenate(rows), np.concatenate(lesion), np.concatenate(weight))
    return _at_same_sensitivity(scans, fitted, operating_score)


def _logistic(rows: Array, lesion: NDArray[np.bool_], weight: Array) -> Array:
    answer = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(rows @ answer, -30.0, 30.0)))
        gradient = rows.T @ (weight * (chance - lesion)) + _PENALTY * answer
        curvature = (rows * (weight * chance * (1 - chance))[:, None]).T @ rows + _PENALTY * np.eye(len(answer))
        step = np.linalg.solve(curvature, gradient)
        answer -= step
        if np.abs(step).max() < _SAME:
            break
    return answer


def _at_same_sensitivity(
    scans: Sequence[TwoOpinions], fitted: Array, operating_score: float
) -> tuple[float, float, float]:
    limit = float(log_odds(np.array([operating_score]))[0])
    _, detector, views = (float(value) for value in fitted)
    before = [score for scan in scans for score in scan.alone().hit_scores]
    found = sum(score is not None and score >= operating_score for score in before)
    # Without the constant: the new log odds of the lesions, the likeliest first.
    after = [score for scan in scans for score in scan.joined((0.0, detector, views)).hit_scores if score is not None]
    odds = np.sort(log_odds(np.array(after)))[::-1]
    least = float(odds[found - 1]) if found else limit
    return limit - least + _ROUNDING, detector, views
