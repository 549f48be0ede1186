"""One pass of networks over the windows of a volume: from fed values to blended values, slice by slice."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.inference.arrangement import Arrangement
from AIImagingLogic.inference.feeding import content_box
from AIImagingLogic.inference.finished_slices import FinishedSlices, Values
from AIImagingLogic.inference.label_codes import LabelCodes
from AIImagingLogic.inference.network_grid import NetworkGrid
from AIImagingLogic.inference.predictor import Predictor
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.inference.scratch import Scratch
from AIImagingLogic.inference.side_work import SideWork
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
    side_work : does what is to be done besides
    progress : told of every window

    Attributes
    ----------
    network_seconds : spent waiting for the predictors, which compute while other things are done too
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
        side_work: SideWork,
        progress: Progress,
    ) -> None:
        self._grid, self._recipe, self._open, self._arrangement = grid, recipe, open_predictors, arrangement
        self._scratch, self._side_work, self._progress = scratch, side_work, progress
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

    def slices(self, volume: Any) -> Iterator[FinishedSlices]:
        """Give the slices of the whole grid in order, some at a time.

        Parameters
        ----------
        volume : torch float32 (channels, k, j, i), what the network is fed with
        """
        shape = self._grid.shape
        box: tuple[slice, slice, slice] | None = (slice(0, shape[0]), slice(0, shape[1]), slice(0, shape[2]))
        if self._recipe.foreground_above is not None:
            box = content_box(volume, self._recipe.foreground_above)
        if box is None:
            yield from self._background(shape[0])
            return
        yield from self._background(box[0].start)
        yield from self._box_slices(volume[:, box[0], box[1], box[2]], (box[1].start, box[2].start))
        yield from self._background(shape[0] - box[0].stop)

    def _background(self, count: int) -> Iterator[FinishedSlices]:
        nothing: NDArray[Any] = np.zeros((1, 0, 0), LabelCodes(self._recipe).code_kind)
        for _ in range(count):
            yield self._framed(nothing, self._no_values, (0, 0))

    def _no_values(self, marks: NDArray[np.bool_]) -> tuple[Any, NDArray[np.int32]]:
        import torch

        return torch.zeros((1, self._recipe.output_channels)), np.zeros(marks.shape, np.int32)

    def _framed(self, codes: NDArray[Any], values: Values, corner: tuple[int, int]) -> FinishedSlices:
        return FinishedSlices(codes, values, (self._grid.shape[1], self._grid.shape[2]), corner)

    def _box_slices(self, volume: Any, corner: tuple[int, int]) -> Iterator[FinishedSlices]:
        """Give the slices of a part of the grid, whose first voxel lies at `corner` (j, i) of the whole."""
        import torch

        shape = tuple(volume.shape[1:])
        plan = plan_windows(shape, self._grid, self._recipe, self._arrangement.window)
        if any(before or after for before, after in plan.padding):
            sides = list(chain.from_iterable(reversed(plan.padding)))
            volume = torch.nn.functional.pad(volume, sides, value=self._recipe.padding_value)
        padded: tuple[int, int, int] = tuple(volume.shape[1:])
        blending = SlabBlending(
            plan,
            padded,
            self._grid,
            self._recipe,
            self._as_probabilities,
            self._scratch,
            self._side_work,
            self._arrangement.sums_on_disk,
        )
        (before_k, _), (before_j, _), (before_i, _) = plan.padding
        inner = (slice(before_j, before_j + shape[1]), slice(before_i, before_i + shape[2]))
        number = 0
        for row, start in enumerate(plan.starts[0]):
            self._run_row(volume, plan, start, blending)
            following = plan.starts[0][row + 1] if row + 1 < len(plan.starts[0]) else padded[0]
            for at, codes in blending.finished(following):
                first, last = max(before_k - number, 0), min(before_k + shape[0] - number, len(codes))
                number += len(codes)
                if first < last:
                    values = partial(_values_inside, partial(blending.values, at + first), padded[1:], inner)
                    yield self._framed(codes[(slice(first, last), *inner)], values, corner)

    def _run_row(self, volume: Any, plan: WindowPlan, start: int, blending: SlabBlending) -> None:
        depth, height, width = plan.window
        waiting: deque[tuple[tuple[int, int, int], Callable[[], Any]]] = deque()

        def add_first() -> None:
            at, values = waiting.popleft()
            blending.add(values(), at)
            self.windows_done += 1

        above = self._recipe.foreground_above if self._recipe.skip_background_windows else None
        for j, i in product(plan.starts[1], plan.starts[2]):
            window = volume[:, start : start + depth, j : j + height, i : i + width]
            self._tell(plan)
            if above is not None and not bool((window[0] > above).any()):
                self.windows_done += 1
                continue
            waiting.append(((start, j, i), self._begun(window)))
            if len(waiting) > self._at_once:
                add_first()
        while waiting:
            add_first()

    def _begun(self, window: Any) -> Callable[[], Any]:
        """Begin with a window (channels, k, j, i).

        What is returned gives what the networks say of it: (output channels, *window), in their order.
        """
        import torch

        channels = [self._grid.in_network_order(channel) for channel in window.numpy()]
        fed = torch.from_numpy(np.stack(channels))[None]
        flat = self._recipe.window is not None and len(self._recipe.window) == 2
        if flat:
            fed = fed.squeeze(-1)
        if not self._predictors:
            self._predictors = self._open(fed)
        wanted = (1, self._recipe.output_channels, *fed.shape[2:])
        if len(self._predictors) * len(self._mirrors) == 1:
            values = self._start(self._predictors[0], fed, (), wanted)
        else:
            values = partial(self._mean, fed, wanted)
        return lambda: values()[0].unsqueeze(-1) if flat else values()[0]

    @property
    def _at_once(self) -> int:
        """How many windows wait while others are begun; those that are seen several times keep the cores busy alone."""
        several = len(self._predictors) * len(self._mirrors) != 1
        return 0 if several else self._predictors[0].at_once

    def _mean(self, fed: Any, wanted: tuple[int, ...]) -> Any:
        """Return the mean over networks and mirrored inputs: (1, output channels, *window)."""
        count = len(self._predictors) * len(self._mirrors)
        total = None
        waiting: deque[Callable[[], Any]] = deque()
        for predictor in self._predictors:
            for mirrored in (*self._mirrors, None):
                if mirrored is not None:
                    waiting.append(self._start(predictor, fed, mirrored, wanted))
                # The last of a network are waited for before the next network takes the cores.
                while len(waiting) > (0 if mirrored is None else predictor.at_once):
                    values = waiting.popleft()()
                    # A later call may overwrite what this one gave.
                    total = values / count if total is None else total.add_(values, alpha=1 / count)
                    self._progress.check_cancelled()
        return total

    def _start(
        self, predictor: Predictor, fed: Any, mirrored: Sequence[int], wanted: tuple[int, ...]
    ) -> Callable[[], Any]:
        """Begin with an input; what is returned gives the values, turned back: (1, output channels, *window)."""
        dims = [2 + axis for axis in mirrored]
        began = time.perf_counter()
        finish = predictor.start(fed.flip(dims) if dims else fed)
        self.network_seconds += time.perf_counter() - began

        def values() -> Any:
            began = time.perf_counter()
            found = finish()
            self.network_seconds += time.perf_counter() - began
            self._check(found, wanted)
            found = found.flip(dims) if dims else found
            return probabilities(found, self._recipe, 1) if self._as_probabilities else found

        return values

    def _check(self, values: Any, wanted: tuple[int, ...]) -> None:
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


def _values_inside(
    values: Values, shape: tuple[int, int], inner: tuple[slice, slice], marks: NDArray[np.bool_]
) -> tuple[Any, NDArray[np.int32]]:
    """Return the values of marked voxels of the inner part of slices of a padded `shape`."""
    padded = np.zeros((len(marks), *shape), bool)
    padded[(slice(None), *inner)] = marks
    table, rows = values(padded)
    return table, rows[(slice(None), *inner)]
