"""How the channels of a voxel become its label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.records.errors import ModelError


class LabelCodes:
    """Codes of what channels say, and the label of each code.

    Voxels of the same code may be mixed in any shares without a change of code.

    Parameters
    ----------
    recipe : says what the channels are

    Attributes
    ----------
    kind : voxel type that holds all labels
    code_kind : type that holds all codes
    nearest : whether values are labels, which cannot be mixed
    """

    def __init__(self, recipe: NetworkRecipe) -> None:
        self._recipe = recipe
        self.nearest = recipe.output == "labels"
        self.kind: type = np.uint8 if max(recipe.values, default=0) < 256 else np.uint16
        self._values: NDArray[Any] = np.array(recipe.values, self.kind)
        winner: type = np.uint8 if len(recipe.values) <= 256 else np.uint16
        self.code_kind: type = {"softmax": winner, "labels": self.kind}.get(recipe.output, np.int64)

    def largest(self, values: Any) -> NDArray[Any]:
        """Return which channel is the largest at each voxel, (...), of torch float32 (channels, ...).

        Raises
        ------
        ModelError
            A value is not a number.
        """
        import torch

        best = values[0].clone()
        codes = torch.zeros(best.shape, dtype=torch.uint8 if self.code_kind is np.uint8 else torch.int32)
        for number in range(1, len(values)):
            codes.masked_fill_(values[number] > best, number)
            torch.maximum(best, values[number], out=best)
        _require_numbers(best)
        return codes.numpy().astype(self.code_kind, copy=False)

    def of_each(self, values: Any) -> NDArray[Any]:
        """Return the code of each voxel, (...), of torch float32 (channels, ...), where no channel is the largest.

        Raises
        ------
        ModelError
            A value is not a number.
        """
        _require_numbers(values)
        return self.of_channels(values.numpy())

    def of_channels(self, values: NDArray[np.float32]) -> NDArray[Any]:
        """Return the code of each voxel, (...), of channels (channels, ...)."""
        if self._recipe.output == "softmax":
            return values.argmax(0).astype(self.code_kind)
        if self.nearest:
            return np.rint(values[0]).astype(self.kind)
        limit = self._recipe.threshold
        if self._recipe.resampled == "logits":
            # The same as comparing the probability, without computing it.
            limit = float(np.log(limit / (1 - limit)))
        codes: NDArray[Any] = np.zeros(values.shape[1:], self.code_kind)
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


def _require_numbers(values: Any) -> None:
    if bool(values.isnan().any()):
        raise ModelError(
            "The network's output holds values that are not numbers.",
            "Check that the image is of the modality that the model was made for, and that its weights are whole.",
        )
