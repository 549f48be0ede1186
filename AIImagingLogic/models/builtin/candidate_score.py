"""The score of a candidate: a logistic function of its features and their products."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.candidate_features import FEATURES
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

Array = NDArray[np.float64]
RESOURCE = "models/scores/ct-lung-nodules.json"


def score_candidates(figures: Array) -> Array:
    """Return the score (N,), 0..1, of features (N, len(`FEATURES`)).

    With z the features less their means over their deviations, clipped to +-4, the score is
    1 / (1 + exp(-(w0 + sum_i w_i z_i + sum_{i<=j} w_ij z_i z_j))); means, deviations and weights are in `RESOURCE`.

    Raises
    ------
    ModelError
        The weights were made for other features.
    """
    mean, deviation, weights = _weights()
    logit = products(np.clip((figures - mean) / deviation, -4.0, 4.0)) @ weights
    result: Array = 1.0 / (1.0 + np.exp(-np.clip(logit, -30.0, 30.0)))
    return result


def operating_score() -> float:
    """Return the least score that is shown as a finding."""
    return float(load_resource(RESOURCE)["operating_score"])


def products(standard: Array) -> Array:
    """Return 1, each feature, and each product of two features, (N, 1 + F + F (F + 1) / 2)."""
    first, second = np.triu_indices(standard.shape[1])
    return np.concatenate([np.ones((len(standard), 1)), standard, standard[:, first] * standard[:, second]], axis=1)


@cache
def _weights() -> tuple[Array, Array, Array]:
    content = load_resource(RESOURCE)
    if tuple(content["features"]) != FEATURES:
        raise ModelError(f"Resources/{RESOURCE} was made for other features.", "Install AI Imaging again.")
    return np.array(content["mean"]), np.array(content["deviation"]), np.array(content["weights"])
