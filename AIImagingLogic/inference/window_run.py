"""One pass of networks over the windows of a volume: from fed values to blended values, slice by slice."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, combinations, product
from typing import Any

from AIImagingLogic.inference.arrangement import Arrangement
from AIImagingLogic.inference.feeding import content_box
from AIImagingLogic.inference.network_grid import NetworkGrid
from AIImagingLogic.inference.predictor import Predictor
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.inference.scratch import Scratch
from AIImagingLogic.inference.slab_blending import SlabBlending, probabilities
from AIImagingLogic.inference.window_plan import WindowPlan, plan_windows
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress


class WindowRun:
    """Runs networks over windows.

    Parameters
    ----------
    grid : of the networks
    recipe : how they are fed and read
    open_predictors : called with the first window, (1, channels, *window); gives one predictor a network
    networks : how many
    arrangement : of the run
    scratch : makes the sums
    progress : told of every window

    Attributes
    ----------
    network_seconds : spent in the predictors
    windows_done : that lie behind, run or skipped
    """

    def __init__(
        self,
        grid: NetworkGrid,
        recipe: NetworkRecipe,
        open_predictors: Callable[[Any], Sequence[Predictor]],
        networks: int,
        arrangement: Arrangement,
        scratch: Scratch,
        progress: Progress,
    ) -> None:
        self._grid, self._recipe, self._open, self._arrangement = grid, recipe, open_predictors, arrangement
        self._scratch, self._progress = scratch, progress
        # Folds are averaged after the activation; one network is blended before it, as MONAI's pipelines do.
        self._as_probabilities = networks > 1 and recipe.resampled == "probabilities"
        self._predictors: Sequence[Predictor] = ()
        self._mirrors = tuple(
            chain.from_iterable(
                combinations(recipe.mirrored_axes, count) for count in range(len(recipe.mirrored_axes) + 1)
            )
        )
        self.network_seconds = 0.0
        self.windows_done = 0
        self._started = 0.0

    def planes(self, volume: Any) -> Iterator[Any]:
        """Give the slices of the whole grid in order: torch float32 (channels, j, i).

        Parameters
        ----------
        volume : torch float32 (channels, k, j, i), what the network is fed with
        """
        import torch

        recipe, shape = self._recipe, self._grid.shape
        empty = torch.zeros((recipe.output_channels, *shape[1:]))
        everything = (slice(0, shape[0]), slice(0, shape[1]), slice(0, shape[2]))
        box: tuple[slice, slice, slice] | None = everything
        if recipe.foreground_above is not None:
            box = content_box(volume, recipe.foreground_above)
        if box is None:
            yield from (empty for _ in range(shape[0]))
            return
        yield from (empty for _ in range(box[0].start))
        for plane in self._box_planes(volume[:, box[0], box[1], box[2]]):
            if box[1:] == everything[1:]:
                yield plane
            else:
                framed = torch.zeros_like(empty)
                framed[:, box[1], box[2]] = plane
                yield framed
        yield from (empty for _ in range(shape[0] - box[0].stop))

    def _box_planes(self, volume: Any) -> Iterator[Any]:
        import torch

        shape = tuple(volume.shape[1:])
        plan = plan_windows(shape, self._grid, self._recipe, self._arrangement.window)
        if any(before or after for before, after in plan.padding):
            sides = list(chain.from_iterable(reversed(plan.padding)))
            volume = torch.nn.functional.pad(volume, sides, value=self._recipe.padding_value)
        padded: tuple[int, int, int] = tuple(volume.shape[1:])
        on_disk = self._arrangement.sums_on_disk
        blending = SlabBlending(plan, padded, self._grid, self._recipe, self._as_probabilities, self._scratch, on_disk)
        (before_k, _), (before_j, _), (before_i, _) = plan.padding
        inner = (slice(None), slice(before_j, before_j + shape[1]), slice(before_i, before_i + shape[2]))
        number = 0
        for row, start in enumerate(plan.starts[0]):
            self._run_row(volume, plan, start, blending)
            following = plan.starts[0][row + 1] if row + 1 < len(plan.starts[0]) else padded[0]
            for plane in blending.finished(following):
                if before_k <= number < before_k + shape[0]:
                    yield plane[inner]
                number += 1

    def _run_row(self, volume: Any, plan: WindowPlan, start: int, blending: SlabBlending) -> None:
        depth, height, width = plan.window
        above = self._recipe.foreground_above if self._recipe.skip_background_windows else None
        for j, i in product(plan.starts[1], plan.starts[2]):
            window = volume[:, start : start + depth, j : j + height, i : i + width]
            self._tell(plan)
            if above is None or bool((window[0] > above).any()):
                blending.add(self._predicted(window), (start, j, i))
            self.windows_done += 1

    def _predicted(self, window: Any) -> Any:
        """Return what the networks say of a window (channels, k, j, i): (output channels, *window), in their order."""
        axes = self._grid.array_axes
        against = [1 + axis for axis, flipped in zip(axes, self._grid.flipped) if flipped]
        turned = window.flip(against) if against else window
        fed = turned.permute(0, *(1 + axis for axis in axes)).contiguous()[None]
        flat = self._recipe.window is not None and len(self._recipe.window) == 2
        if flat:
            fed = fed.squeeze(-1)
        if not self._predictors:
            self._predictors = self._open(fed)
        total = self._sum(fed)
        return total[0].unsqueeze(-1) if flat else total[0]

    def _sum(self, fed: Any) -> Any:
        """Return the mean over networks and mirrored inputs: (1, output channels, *window)."""
        count = len(self._predictors) * len(self._mirrors)
        total = None
        for predict, mirrored in product(self._predictors, self._mirrors):
            dims = [2 + axis for axis in mirrored]
            began = time.perf_counter()
            values = predict(fed.flip(dims) if dims else fed)
            self.network_seconds += time.perf_counter() - began
            self._check(values, fed)
            values = values.flip(dims) if dims else values
            if self._as_probabilities:
                values = probabilities(values, self._recipe, 1)
            if count == 1:
                return values
            # The next call may overwrite what this one gave.
            total = values / count if total is None else total.add_(values, alpha=1 / count)
            self._progress.check_cancelled()
        return total

    def _check(self, values: Any, fed: Any) -> None:
        wanted = (1, self._recipe.output_channels, *fed.shape[2:])
        if tuple(values.shape) != wanted:
            raise ModelError(
                f"The network gave an output of shape {tuple(values.shape)} where {wanted} was expected.",
                "The description in the model's package does not fit its network.",
            )

    def _tell(self, plan: WindowPlan) -> None:
        now = time.perf_counter()
        done = self.windows_done
        message = f"Window {done + 1} of {plan.count}"
        # The first window also compiles the network: it says nothing of the others.
        if done == 1:
            self._started = now
        elif done > 1:
            left = (now - self._started) / (done - 1) * (plan.count - done)
            message += f", about {math.ceil(left)} s left"
        self._progress.report(done / plan.count, message)
