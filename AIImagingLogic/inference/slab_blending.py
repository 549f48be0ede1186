"""The outputs of overlapping windows, blended slab by slab along k."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.inference.scratch import Scratch
from AIImagingLogic.inference.window_plan import WindowPlan, window_weights


class SlabBlending:
    """Sums weighted windows in a slab as deep as one window; slices that no later window touches are given out.

    Parameters
    ----------
    plan : where the windows lie
    shape : (k, j, i) of the padded volume
    recipe : says how many channels and how windows are blended
    as_probabilities : windows come as probabilities; else they are made so once blended, if the recipe asks
    scratch : makes the sums
    """

    def __init__(
        self,
        plan: WindowPlan,
        shape: tuple[int, int, int],
        recipe: NetworkRecipe,
        as_probabilities: bool,
        scratch: Scratch,
    ) -> None:
        import torch

        depth = plan.window[0]
        self._depth, self._base, self._end = depth, 0, shape[0]
        self._recipe, self._as_probabilities = recipe, as_probabilities
        self._scratch = scratch
        self._sums = scratch.zeros((depth, recipe.output_channels, *shape[1:]))
        self._counts = torch.zeros((depth, *shape[1:]), dtype=torch.float32)
        self._weights = torch.from_numpy(window_weights(plan.window, recipe.blending))

    def add(self, values: Any, start: tuple[int, int, int]) -> None:
        """Add a window: torch float32 (channels, k, j, i), its first voxel at `start`."""
        k = start[0] - self._base
        depth, height, width = self._weights.shape
        where = (slice(k, k + depth), slice(start[1], start[1] + height), slice(start[2], start[2] + width))
        self._sums[where[0], :, where[1], where[2]].addcmul_(values.transpose(0, 1), self._weights.unsqueeze(1))
        self._counts[where] += self._weights
        self._scratch.release()

    def finished(self, start: int) -> Iterator[Any]:
        """Give out the slices before `start`, each torch float32 (channels, j, i), and make room for later ones."""
        ready = min(start, self._end) - self._base
        for number in range(ready):
            yield self._slice(number)
        left = self._depth - ready
        if 0 < ready < self._depth:
            # Overlapping parts of one tensor: copied in pieces that do not overlap.
            for begin in range(0, left, ready):
                end = min(begin + ready, left)
                self._sums[begin:end] = self._sums[begin + ready : end + ready]
                self._counts[begin:end] = self._counts[begin + ready : end + ready]
        if ready > 0:
            self._sums[max(left, 0) :].zero_()
            self._counts[max(left, 0) :].zero_()
        self._base += ready
        self._scratch.release()

    def _slice(self, number: int) -> Any:
        counts = self._counts[number]
        seen = counts > 0
        values = self._sums[number] / counts.where(seen, counts.new_ones(()))
        if self._recipe.resampled == "probabilities" and not self._as_probabilities:
            values = probabilities(values, self._recipe, 0)
        # A place that no window saw is background, whatever the activation makes of nothing.
        return values * seen


def probabilities(values: Any, recipe: NetworkRecipe, channel_axis: int) -> Any:
    """Return the network's output as probabilities, where it is not already what the recipe reads."""
    if recipe.output == "softmax":
        return values.softmax(channel_axis)
    if recipe.output == "sigmoid":
        return values.sigmoid()
    return values
