"""The score of a candidate: a logistic function of its features and their products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.candidate_features import FEATURES
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

Array = NDArray[np.float64]
RESOURCE = "models/scores/ct-lung-nodules.json"
_LARGEST_STANDARD = 4.0
_LARGEST_LOGIT = 30.0


@dataclass(frozen=True)
class ScoreWeights:
    """What was fitted.

    Attributes
    ----------
    mean, deviation : (F,) of each feature
    weights : (1 + F + F (F + 1) / 2,) of 1, each standardised feature, and each product of two
    operating_score : the least score that is shown as a finding
    """

    mean: Array
    deviation: Array
    weights: Array
    operating_score: float

    @staticmethod
    def from_content(content: Mapping[str, Any]) -> ScoreWeights:
        """Return the weights that a JSON file holds.

        Raises
        ------
        ModelError
            They were made for other features.
        """
        if tuple(content["features"]) != FEATURES:
            raise ModelError("The weights of the nodule score were made for other features.", "Install it again.")
        return ScoreWeights(
            np.array(content["mean"]),
            np.array(content["deviation"]),
            np.array(content["weights"]),
            float(content["operating_score"]),
        )

    def scores(self, figures: Array) -> Array:
        """Return the score (N,), 0..1, of features (N, F).

        With z the features less their means over their deviations, clipped to +-4, the score is
        1 / (1 + exp(-(w0 + sum_i w_i z_i + sum_{i<=j} w_ij z_i z_j))).
        """
        logit = products(standardised(figures, self.mean, self.deviation)) @ self.weights
        result: Array = 1.0 / (1.0 + np.exp(-np.clip(logit, -_LARGEST_LOGIT, _LARGEST_LOGIT)))
        return result


@cache
def score_weights() -> ScoreWeights:
    """Return the weights that travel with the program: `RESOURCE`."""
    return ScoreWeights.from_content(load_resource(RESOURCE))


def standardised(figures: Array, mean: Array, deviation: Array) -> Array:
    """Return features (N, F) in deviations from their means, clipped."""
    return np.clip((figures - mean) / deviation, -_LARGEST_STANDARD, _LARGEST_STANDARD)


def products(standard: Array) -> Array:
    """Return 1, each feature, and each product of two features, (N, 1 + F + F (F + 1) / 2)."""
    first, second = np.triu_indices(standard.shape[1])
    return np.concatenate([np.ones((len(standard), 1)), standard, standard[:, first] * standard[:, second]], axis=1)
