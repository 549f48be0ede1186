"""The outputs of overlapping windows, blended slab by slab along k."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from AIImagingLogic.inference.network_grid import NetworkGrid
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.inference.scratch import Scratch
from AIImagingLogic.inference.window_plan import WindowPlan, window_weights

# Slices that are turned at once: half as many floats as a line of the processor's cache holds.
TURNED_SLICES = 8


class SlabBlending:
    """Sums weighted windows in a slab as deep as one window; slices that no later window touches are given out.

    The sums lie in the network's order of axes: a voxel is seen by several windows, but is turned only once.

    Parameters
    ----------
    plan : where the windows lie
    shape : (k, j, i) of the padded volume
    grid : says how the network's axes lie
    recipe : says how many channels and how windows are blended
    as_probabilities : windows come as probabilities; else they are made so once blended, if the recipe asks
    scratch : makes the sums
    on_disk : whether they lie in a file
    """

    def __init__(
        self,
        plan: WindowPlan,
        shape: tuple[int, int, int],
        grid: NetworkGrid,
        recipe: NetworkRecipe,
        as_probabilities: bool,
        scratch: Scratch,
        on_disk: bool = False,
    ) -> None:
        import torch

        self._axes, self._flipped = grid.array_axes, grid.flipped
        self._slab = self._axes.index(0)
        self._shape, self._window = shape, plan.window
        self._base = 0
        self._recipe, self._as_probabilities, self._scratch = recipe, as_probabilities, scratch
        sides = [plan.window[0] if axis == 0 else shape[axis] for axis in self._axes]
        self._sums = scratch.zeros((recipe.output_channels, *sides), on_disk)
        self._counts = torch.zeros(sides, dtype=torch.float32)
        self._weights = torch.from_numpy(window_weights([plan.window[axis] for axis in self._axes], recipe.blending))

    def add(self, values: Any, start: tuple[int, int, int]) -> None:
        """Add a window that begins where the slab begins.

        Parameters
        ----------
        values : torch float32 (channels, *window) in the network's order
        start : (k, j, i) of its first voxel; k is where `finished` was last called with, or 0
        """
        where = []
        for axis, flipped in zip(self._axes, self._flipped):
            length = self._window[axis]
            first = 0 if axis == 0 else start[axis]
            if flipped and axis != 0:
                first = self._shape[axis] - first - length
            where.append(slice(first, first + length))
        self._sums[(slice(None), *where)].addcmul_(values, self._weights)
        self._counts[tuple(where)] += self._weights
        self._scratch.release()

    def finished(self, start: int) -> Iterator[Any]:
        """Give out the slices before `start`, each torch float32 (channels, j, i); the slab then begins there."""
        depth = self._window[0]
        ready = min(start, self._shape[0]) - self._base
        for first in range(0, ready, TURNED_SLICES):
            yield from self._slices(first, min(TURNED_SLICES, ready - first))
        left = max(depth - ready, 0)
        # The slab's axis may run against k: what is finished then lies at its end.
        old, new = (0, depth - left) if self._flipped[self._slab] else (depth - left, 0)
        for values, axis in ((self._sums, self._slab + 1), (self._counts, self._slab)):
            for part in values if axis == self._slab + 1 else (values,):
                kept = part.narrow(self._slab, old, left).clone()
                part.zero_()
                part.narrow(self._slab, new, left).copy_(kept)
        self._base += ready
        self._scratch.release()

    def _slices(self, first: int, count: int) -> Iterator[Any]:
        """Give `count` slices from the slab's slice `first` on, in the order of k."""
        at = self._window[0] - first - count if self._flipped[self._slab] else first
        against = [axis for axis, flipped in zip(self._axes, self._flipped) if flipped]
        order = [self._axes.index(axis) for axis in range(3)]
        counts = self._counts.narrow(self._slab, at, count).permute(order).flip(against)
        sums = self._sums.narrow(self._slab + 1, at, count).permute(0, *(1 + axis for axis in order))
        values = sums.flip([1 + axis for axis in against]).transpose(0, 1).contiguous()
        seen = counts > 0
        values /= counts.where(seen, counts.new_ones(())).unsqueeze(1)
        if self._recipe.resampled == "probabilities" and not self._as_probabilities:
            values = probabilities(values, self._recipe, 1)
        # A place that no window saw is background, whatever the activation makes of nothing.
        values *= seen.unsqueeze(1)
        yield from values


def probabilities(values: Any, recipe: NetworkRecipe, channel_axis: int) -> Any:
    """Return the network's output as probabilities, where it is not already what the recipe reads."""
    if recipe.output == "softmax":
        return values.softmax(channel_axis)
    if recipe.output == "sigmoid":
        return values.sigmoid()
    return values
