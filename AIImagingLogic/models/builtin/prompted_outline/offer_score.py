"""How well an outline is expected to be the one that is meant: small networks on its features, fitted beforehand.

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
    """Networks whose answers are averaged: that depends less on chance in their fit than one alone.

    Attributes
    ----------
    mean, deviation : (F,) of each feature
    networks : of each the layers: weights (in, out) and shifts (out,); between two layers what is below zero becomes
        zero
    """

    mean: Array
    deviation: Array
    networks: tuple[tuple[tuple[Array, Array], ...], ...]

    @staticmethod
    def from_content(content: Mapping[str, Any]) -> OfferScore:
        """Return the networks that a JSON file holds.

        Raises
        ------
        ModelError
            They were made for other features.
        """
        if tuple(content["features"]) != FEATURES:
            raise ModelError("The weights of the outline's score were made for other features.", "Install it again.")
        networks = tuple(
            tuple((np.array(layer["weights"]), np.array(layer["shifts"])) for layer in layers)
            for layers in content["networks"]
        )
        return OfferScore(np.array(content["mean"]), np.array(content["deviation"]), networks)

    def expected_dice(self, features: NDArray[np.floating]) -> Array:
        """Return the Dice overlap with what is meant that features (N, F) let expect: (N,)."""
        standard = (np.clip(features, -_FARTHEST, _FARTHEST) - self.mean) / self.deviation
        answers = []
        for layers in self.networks:
            values = standard
            for number, (weights, shifts) in enumerate(layers):
                values = (np.maximum(values, 0) if number else values) @ weights + shifts
            answers.append(values[:, 0])
        return np.asarray(np.mean(answers, axis=0))


@cache
def offer_score() -> OfferScore:
    """Return the networks that travel with the program: `RESOURCE`."""
    return OfferScore.from_content(load_resource(RESOURCE))
