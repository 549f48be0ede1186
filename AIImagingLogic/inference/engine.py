"""Runs a network over images, window by window, and brings labels back to the grid of the first image."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, combinations, product
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.inference.feeding import channels_on_one_grid, content_box, network_volume
from AIImagingLogic.inference.label_painter import LabelPainter
from AIImagingLogic.inference.network import EngineSettings, Network, NetworkOutput
from AIImagingLogic.inference.network_grid import NetworkGrid, plan_grid
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.inference.slab_blending import SlabBlending, probabilities
from AIImagingLogic.inference.window_plan import WindowPlan, plan_windows
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress

Predict = Callable[[Any], Any]
_PREPARING = 0.05


def run_network(
    channels: Sequence[sitk.Image],
    networks: Sequence[Network],
    recipe: NetworkRecipe,
    settings: EngineSettings,
    progress: Progress,
) -> NetworkOutput:
    """Run one network, or several as an ensemble, over images.

    Parameters
    ----------
    channels : the network's inputs; those on another grid than the first are resampled to it, which is noted
    networks : folds of one model; their probabilities are averaged
    recipe : how they are fed and read
    settings : what they run on
    progress : told how far the run is; asked between windows whether the user cancelled

    Returns
    -------
    NetworkOutput
        Labels exactly on the grid of the first image.

    Raises
    ------
    ModelError
        The inputs, or the network's output, are not what the recipe says.
    WrongImageError
        An image has voxels that are not numbers.
    Cancelled
        The user cancelled.
    """
    import torch

    if not networks:
        raise ModelError("The model has no network.", "Its package is not usable.")
    images, notes = channels_on_one_grid(channels, recipe)
    grid = plan_grid(images[0], recipe)
    painter = LabelPainter(grid, recipe)
    with torch.inference_mode():
        volume = network_volume(images, grid, recipe, progress.part(0.0, _PREPARING))
        run = _Run(grid, recipe, [_torch_predict(network) for network in networks], progress.part(_PREPARING, 1.0))
        for plane in run.planes(volume):
            painter.add(plane)
    labels = sitk.GetImageFromArray(painter.labels)
    labels.CopyInformation(images[0])
    if channels[0].GetDimension() == 2:
        labels = labels[:, :, 0]
        labels.CopyInformation(channels[0])
    return NetworkOutput(labels, notes, "cpu", "torch", run.network_seconds, run.windows_seen)


class _Run:
    """One pass over the windows of a volume."""

    def __init__(self, grid: NetworkGrid, recipe: NetworkRecipe, predictors: Sequence[Predict], progress: Progress):
        self._grid, self._recipe, self._predictors, self._progress = grid, recipe, predictors, progress
        # Folds are averaged after the activation; one network is blended before it, as MONAI's pipelines do.
        self._as_probabilities = len(predictors) > 1 and recipe.resampled == "probabilities"
        self.network_seconds = 0.0
        self.windows_seen = 0

    def planes(self, volume: Any) -> Iterator[Any]:
        """Give the slices of the whole grid in order, torch float32 (channels, j, i)."""
        import torch

        recipe, shape = self._recipe, self._grid.shape
        empty = torch.zeros((recipe.output_channels, *shape[1:]))
        box = (slice(0, shape[0]), slice(0, shape[1]), slice(0, shape[2]))
        if recipe.foreground_above is not None:
            found = content_box(volume, recipe.foreground_above)
            if found is None:
                yield from (empty for _ in range(shape[0]))
                return
            box = found
        whole = box[1:] == (slice(0, shape[1]), slice(0, shape[2]))
        yield from (empty for _ in range(box[0].start))
        for plane in self._box_planes(volume[:, box[0], box[1], box[2]]):
            if whole:
                yield plane
            else:
                framed = torch.zeros_like(empty)
                framed[:, box[1], box[2]] = plane
                yield framed
        yield from (empty for _ in range(shape[0] - box[0].stop))

    def _box_planes(self, volume: Any) -> Iterator[Any]:
        import torch

        recipe = self._recipe
        shape = tuple(volume.shape[1:])
        plan = plan_windows(shape, self._grid, recipe)
        if any(before or after for before, after in plan.padding):
            sides = list(chain.from_iterable(reversed(plan.padding)))
            volume = torch.nn.functional.pad(volume, sides, value=recipe.padding_value)
        blending = SlabBlending(plan, tuple(volume.shape[1:]), recipe, self._as_probabilities)
        (before_k, _), (before_j, _), (before_i, _) = plan.padding
        inner = (slice(None), slice(before_j, before_j + shape[1]), slice(before_i, before_i + shape[2]))
        number = 0
        for row, start in enumerate(plan.starts[0]):
            self._run_row(volume, plan, start, blending)
            following = plan.starts[0][row + 1] if row + 1 < len(plan.starts[0]) else volume.shape[1]
            for plane in blending.finished(following):
                if before_k <= number < before_k + shape[0]:
                    yield plane[inner]
                number += 1

    def _run_row(self, volume: Any, plan: WindowPlan, start: int, blending: SlabBlending) -> None:
        recipe = self._recipe
        depth, height, width = plan.window
        for j, i in product(plan.starts[1], plan.starts[2]):
            window = volume[:, start : start + depth, j : j + height, i : i + width]
            self._tell(plan)
            skipped = recipe.skip_background_windows and recipe.foreground_above is not None
            if not (skipped and not bool((window[0] > recipe.foreground_above).any())):
                blending.add(self._predicted(window), (start, j, i))
            self.windows_seen += 1

    def _predicted(self, window: Any) -> Any:
        """Return what the networks say of a window (channels, k, j, i): (output channels, k, j, i)."""
        axes = self._grid.array_axes
        against = [1 + axis for axis, flipped in zip(axes, self._grid.flipped) if flipped]
        turned = window.flip(against).permute(0, *(1 + axis for axis in axes)).contiguous()[None]
        spatial = len(self._recipe.window) if self._recipe.window else 3
        fed = turned.squeeze(-1) if spatial == 2 else turned
        total = None
        mirrors = self._recipe.mirrored_axes
        choices = list(chain.from_iterable(combinations(mirrors, count) for count in range(len(mirrors) + 1)))
        for predict in self._predictors:
            for choice in choices:
                dims = [2 + axis for axis in choice]
                began = time.perf_counter()
                values = predict(fed.flip(dims) if dims else fed)
                self.network_seconds += time.perf_counter() - began
                self._check(values, fed)
                values = values.flip(dims) if dims else values
                if self._as_probabilities:
                    values = probabilities(values, self._recipe, 1)
                total = values if total is None else total + values
                self._progress.check_cancelled()
        assert total is not None
        total = total / (len(self._predictors) * len(choices))
        if spatial == 2:
            total = total.unsqueeze(-1)
        back = [0, 0, 0]
        for number, axis in enumerate(axes):
            back[axis] = 1 + number
        return total[0].permute(0, *back).flip(against)

    def _check(self, values: Any, fed: Any) -> None:
        wanted = (1, self._recipe.output_channels, *fed.shape[2:])
        if tuple(values.shape) != wanted:
            raise ModelError(
                f"The network gave an output of shape {tuple(values.shape)} where {wanted} was expected.",
                "The description in the model's package does not fit its network.",
            )

    def _tell(self, plan: WindowPlan) -> None:
        done = self.windows_seen
        message = f"Window {done + 1} of {plan.count}"
        if done:
            left = self.network_seconds / done * (plan.count - done)
            message += f", about {left:.0f} s left"
        self._progress.report(done / plan.count, message)


def _torch_predict(network: Network) -> Predict:
    return lambda window: network.module(window).float()
