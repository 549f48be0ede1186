"""The fit of the nodule score: logistic regression with a penalty, on cases that weigh by what they stand for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from AIImagingLogic.models.builtin.candidate_score import ScoreWeights, products, standardised
from Testing.Training.nodule_score_cases import NOT_JUDGED, Case

Array = NDArray[np.float64]

LESION_WEIGHT = 8.0
REAL_BACKGROUND_WEIGHT = 2.0
"""Phantoms are many and simple: without more weight the few real lungs would not be heard."""
LARGE_RADIUS_MM = 3.0
"""From here on a background candidate weighs by its area: a large false mark raises a patient's category, and there are
few of them to learn from."""
PENALTY = 1e-4
_PENALTY_OF_FIRST_ORDER = 0.3
_EASY_SHARE = 0.75
_EASY_STEP = 12
_RIDGE = 0.05
_LEAST_DEVIATION = 1e-3
_CHUNK = 20000
_MOST_STEPS = 60
_GRADIENT_SHARE = 1e-11


def fit_score(cases: Sequence[Case], operating_score: float) -> ScoreWeights:
    """Return the weights fitted to `cases`; the same cases give the same weights.

    Each lesion weighs `LESION_WEIGHT`, however many candidates lie on it; each background candidate 1, on a real CT
    `REAL_BACKGROUND_WEIGHT`, and more from `LARGE_RADIUS_MM` on. Of the background that a linear discriminant tells
    already, every twelfth stands for all.
    """
    figures = np.concatenate([case.candidates.figures for case in cases])
    lesion = np.concatenate([case.lesions for case in cases])
    weight = np.concatenate([_weights_of(case) for case in cases])
    judged = lesion != NOT_JUDGED
    figures, target, weight = figures[judged], (lesion[judged] >= 0).astype(float), weight[judged]
    mean, deviation = figures.mean(axis=0), figures.std(axis=0) + _LEAST_DEVIATION
    standard = standardised(figures, mean, deviation)
    kept, weight = _thinned(standard, target, weight)
    standard, target = standard[kept], target[kept]
    penalty = np.full(products(standard[:1]).shape[1], PENALTY * weight.sum())
    penalty[1 : 1 + standard.shape[1]] *= _PENALTY_OF_FIRST_ORDER
    penalty[0] = 0.0
    return ScoreWeights(mean, deviation, fit_logistic(standard, target, weight, penalty), operating_score)


def fit_logistic(standard: Array, target: Array, weight: Array, penalty: Array) -> Array:
    """Return the weights (P,) of the products (N, P) of `standard` (N, F) that are likeliest under a Gaussian prior.

    Newton's method; the loss is convex, so there is one answer whatever the machine.

    Parameters
    ----------
    target : (N,) 0 or 1
    weight : (N,) how often each row counts
    penalty : (P,) of each squared weight, halved
    """
    answer = np.zeros(len(penalty))
    loss = _loss(answer, standard, target, weight, penalty)
    for _ in range(_MOST_STEPS):
        gradient, curvature = _derivatives(answer, standard, target, weight)
        gradient += penalty * answer
        if np.abs(gradient).max() <= _GRADIENT_SHARE * weight.sum():
            break
        step = np.linalg.solve(curvature + np.diag(penalty), gradient)
        share = 1.0
        while (new_loss := _loss(answer - share * step, standard, target, weight, penalty)) > loss and share > 1e-6:
            share /= 2.0
        answer, loss = answer - share * step, new_loss
    return answer


def _weights_of(case: Case) -> Array:
    weight = np.maximum(case.candidates.radii_mm / LARGE_RADIUS_MM, 1.0) ** 2
    weight *= REAL_BACKGROUND_WEIGHT if case.real else 1.0
    for number in range(len(case.targets)):
        on_it = case.lesions == number
        weight[on_it] = LESION_WEIGHT / max(int(on_it.sum()), 1)
    return weight


def _thinned(standard: Array, target: Array, weight: Array) -> tuple[NDArray[np.intp], Array]:
    """Return the rows to fit, and their weights with those of the rows that they stand for."""
    covariance = np.cov(standard.T) + _RIDGE * np.eye(standard.shape[1])
    lesion = target > 0
    discriminant = standard @ np.linalg.solve(covariance, np.average(standard[lesion], axis=0, weights=weight[lesion]))
    easy = ~lesion & (discriminant < np.quantile(discriminant[~lesion], _EASY_SHARE))
    representative = np.flatnonzero(easy)[::_EASY_STEP]
    scaled = weight.copy()
    scaled[representative] *= weight[easy].sum() / weight[representative].sum()
    kept = np.sort(np.concatenate([np.flatnonzero(~easy), representative]))
    return kept, scaled[kept]


def _loss(answer: Array, standard: Array, target: Array, weight: Array, penalty: Array) -> float:
    total = 0.5 * float((penalty * answer**2).sum())
    for part in _chunks(len(target)):
        logit = products(standard[part]) @ answer
        total += float((weight[part] * (np.logaddexp(0.0, logit) - target[part] * logit)).sum())
    return total


def _derivatives(answer: Array, standard: Array, target: Array, weight: Array) -> tuple[Array, Array]:
    gradient, curvature = np.zeros(len(answer)), np.zeros((len(answer), len(answer)))
    for part in _chunks(len(target)):
        columns = products(standard[part])
        chance = expit(columns @ answer)
        gradient += columns.T @ (weight[part] * (chance - target[part]))
        columns *= np.sqrt(weight[part] * chance * (1.0 - chance))[:, None]
        curvature += columns.T @ columns
    return gradient, curvature


def _chunks(count: int) -> list[slice]:
    return [slice(first, first + _CHUNK) for first in range(0, count, _CHUNK)]
