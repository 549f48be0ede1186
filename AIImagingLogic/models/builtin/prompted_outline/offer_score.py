"""How well an outline is expected to be the one that is meant: a small network on its features, fitted beforehand.

The fit is `python -m Testing.Training.outline_choice`; what it was made on is on the model's card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.prompted_outline.offer_features import FEATURES
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

Array = NDArray[np.float64]
RESOURCE = "models/scores/prompted-outline.json"
_FARTHEST = 20.0


@dataclass(frozen=True)
class OfferScore:
    """Layers of the network.

    Attributes
    ----------
    mean, deviation : (F,) of each feature
    layers : weights (in, out) and shifts (out,) of each; between two of them what is below zero becomes zero
    """

    mean: Array
    deviation: Array
    layers: tuple[tuple[Array, Array], ...]

    @staticmethod
    def from_content(content: Mapping[str, Any]) -> OfferScore:
        """Return the network that a JSON file holds.

        Raises
        ------
        ModelError
            It was made for other features.
        """
        if tuple(content["features"]) != FEATURES:
            raise ModelError("The weights of the outline's score were made for other features.", "Install it again.")
        layers = tuple((np.array(layer["weights"]), np.array(layer["shifts"])) for layer in content["layers"])
        return OfferScore(np.array(content["mean"]), np.array(content["deviation"]), layers)

    def expected_dice(self, features: NDArray[np.floating]) -> Array:
        """Return the Dice overlap with what is meant that features (N, F) let expect: (N,)."""
        values = (np.clip(features, -_FARTHEST, _FARTHEST) - self.mean) / self.deviation
        for number, (weights, shifts) in enumerate(self.layers):
            values = (np.maximum(values, 0) if number else values) @ weights + shifts
        return np.asarray(values[:, 0])


@cache
def offer_score() -> OfferScore:
    """Return the network that travels with the program: `RESOURCE`."""
    return OfferScore.from_content(load_resource(RESOURCE))
