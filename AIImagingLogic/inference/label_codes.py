"""How the channels of a voxel become its label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.inference.recipe import NetworkRecipe


class LabelCodes:
    """Codes of what channels say, and the label of each code.

    Voxels of the same code may be mixed in any shares without a change of code.

    Parameters
    ----------
    recipe : says what the channels are

    Attributes
    ----------
    kind : voxel type that holds all labels
    nearest : whether values are labels, which cannot be mixed
    """

    def __init__(self, recipe: NetworkRecipe) -> None:
        self._recipe = recipe
        self.nearest = recipe.output == "labels"
        self.kind: type = np.uint8 if max(recipe.values, default=0) < 256 else np.uint16
        self._values: NDArray[Any] = np.array(recipe.values, self.kind)
        self._winner: type = np.uint8 if len(recipe.values) <= 256 else np.uint16

    def of_channels(self, values: NDArray[np.float32]) -> NDArray[Any]:
        """Return the code of each voxel, (...), of channels (channels, ...)."""
        if self._recipe.output == "softmax":
            return values.argmax(0).astype(self._winner)
        if self.nearest:
            return np.rint(values[0]).astype(self.kind)
        limit = self._recipe.threshold
        if self._recipe.resampled == "logits":
            # The same as comparing the probability, without computing it.
            limit = float(np.log(limit / (1 - limit)))
        codes = np.zeros(values.shape[1:], np.int64)
        for number, channel in enumerate(values):
            codes |= (channel > limit).astype(np.int64) << number
        return codes

    def labels(self, codes: NDArray[Any]) -> NDArray[Any]:
        """Return the label of each code."""
        if self._recipe.output == "softmax":
            return self._values[codes]
        if self.nearest:
            return codes
        labels: NDArray[Any] = np.zeros(codes.shape, self.kind)
        for number, value in enumerate(self._values):
            labels[(codes >> number) & 1 == 1] = value
        return labels
