"""Runs a network over images, window by window, and brings labels back to the grid of the first image."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.inference.activation_memory import activation_memory, most_activation_memory
from AIImagingLogic.inference.arrangement import Arrangement
from AIImagingLogic.inference.content_crop import cropped_to_content, put_back
from AIImagingLogic.inference.feeding import channels_on_one_grid, fill_volume
from AIImagingLogic.inference.frugal.frugal_check import can_be_frugal, frugal_memory
from AIImagingLogic.inference.label_painter import LabelPainter
from AIImagingLogic.inference.ladder import is_shortage
from AIImagingLogic.inference.memory_budget import MemoryBudget
from AIImagingLogic.inference.memory_forecast import MemoryForecast, forecast_memory
from AIImagingLogic.inference.network import EngineSettings, Network, NetworkOutput
from AIImagingLogic.inference.network_grid import NetworkGrid, plan_grid
from AIImagingLogic.inference.openvino_predictor import is_compiled
from AIImagingLogic.inference.openvino_refusals import known_refusal
from AIImagingLogic.inference.predictor import Predictor, chosen_backend, chosen_device, open_predictor
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.inference.scratch import Scratch
from AIImagingLogic.inference.side_work import SideWork
from AIImagingLogic.inference.torch_threads import torch_threads
from AIImagingLogic.inference.window_plan import plan_windows
from AIImagingLogic.inference.window_run import WindowRun
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.free_memory import no_memory_kept
from AIImagingLogic.records.progress import Progress

_PREPARING = 0.05
# Windows side by side: measured a fifth quicker on two cores; more would take more memory than most computers have.
AT_ONCE = 2


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
    OutOfMemory
        The run does not fit in memory, however it is laid out.
    Cancelled
        The user cancelled.
    """
    if not networks:
        raise ModelError("The model has no network.", "Its package is not usable.")
    images, notes = channels_on_one_grid(channels, recipe)
    whole = images[0]
    images, corner = cropped_to_content(images) if recipe.crop_zeros else (images, (0, 0, 0))
    task = _Task(images, networks, recipe, settings, plan_grid(images[0], recipe))
    budget = MemoryBudget(settings, task.forecast, task.quickest(), recipe, task.can_be_frugal)
    arrangement, steps = budget.first_fit()
    while True:
        try:
            painted, run, backend, more = task.attempt(arrangement, progress)
            break
        except (MemoryError, RuntimeError) as error:
            if not is_shortage(error):
                raise
            following = budget.after_shortage(arrangement, error)
        # Outside of the handler: the failed attempt's values are held by its error until here.
        arrangement, steps = following
    labels = sitk.GetImageFromArray(put_back(painted, corner, whole))
    labels.CopyInformation(whole)
    if channels[0].GetDimension() == 2:
        labels = labels[:, :, 0]
        labels.CopyInformation(channels[0])
    seconds, windows = run.network_seconds, run.windows_done
    return NetworkOutput(labels, (*notes, *steps, *more), arrangement.device, backend, seconds, windows)


def forecast_run(
    channels: Sequence[sitk.Image], networks: Sequence[Network], recipe: NetworkRecipe, settings: EngineSettings
) -> MemoryForecast:
    """Return how much memory `run_network` would add to this process if nothing were spared.

    Parameters are those of `run_network`. A network is run once on a small window for it.

    Raises
    ------
    ModelError
        The inputs are not what the recipe says.
    """
    images, _ = channels_on_one_grid(channels, recipe)
    images = cropped_to_content(images)[0] if recipe.crop_zeros else images
    task = _Task(images, networks, recipe, settings, plan_grid(images[0], recipe))
    return task.forecast(task.quickest())


@dataclass(frozen=True)
class _Task:
    """All that stays the same when a run is tried again with less memory."""

    images: Sequence[sitk.Image]
    networks: Sequence[Network]
    recipe: NetworkRecipe
    settings: EngineSettings
    grid: NetworkGrid

    def quickest(self) -> Arrangement:
        """Return the arrangement that spares nothing."""
        plain = Arrangement(chosen_device(self.settings))
        if chosen_backend(self.settings, plain) != "openvino":
            return plain
        count = plan_windows(self.grid.shape, self.grid, self.recipe, None).count * 2 ** len(self.recipe.mirrored_axes)
        return replace(plain, at_once=min(AT_ONCE, count, self.settings.threads or os.cpu_count() or 1))

    def forecast(self, arrangement: Arrangement, rough: bool = False) -> MemoryForecast:
        """Return what a run adds to the memory of this process; `rough`: at most, without a look at the networks."""
        shape = self._window_shape(arrangement)
        backend = chosen_backend(self.settings, arrangement)
        if all(known_refusal(network, shape) for network in self.networks):
            backend = "torch"
        compiled = backend == "openvino" and all(
            is_compiled(network, shape, self.settings, arrangement.at_once) for network in self.networks
        )
        if arrangement.frugal:
            activations = [
                frugal_memory(network.module, shape, arrangement.values_on_disk) for network in self.networks
            ]
        else:
            look = most_activation_memory if rough else activation_memory
            activations = [look(network.module, shape) for network in self.networks]
        return forecast_memory(self.images[0], self.grid, self.recipe, arrangement, activations, backend, compiled)

    def can_be_frugal(self) -> bool:
        """Whether all networks can be run call by call, and then give what they give at once."""
        shape = self._window_shape(Arrangement("cpu"))
        return all(can_be_frugal(network.module, shape, self.settings.scratch_folder) for network in self.networks)

    def _window_shape(self, arrangement: Arrangement) -> tuple[int, ...]:
        """Return the shape that a network sees, (1, channels, *window)."""
        plan = plan_windows(self.grid.shape, self.grid, self.recipe, arrangement.window)
        sides = [plan.window[axis] for axis in self.grid.array_axes]
        flat = self.recipe.window is not None and len(self.recipe.window) == 2
        return (1, self.recipe.channels, *(sides[:2] if flat else sides))

    def _volume(self, scratch: Scratch, on_disk: bool) -> Any:
        """Return room for what the networks are fed with, (channels, k, j, i), that lies in memory in their order."""
        axes = self.grid.array_axes
        room = scratch.zeros((len(self.images), *(self.grid.shape[axis] for axis in axes)), on_disk)
        return room.permute(0, *(1 + axes.index(axis) for axis in range(3)))

    def attempt(
        self, arrangement: Arrangement, progress: Progress
    ) -> tuple[NDArray[Any], WindowRun, str, tuple[str, ...]]:
        """Return labels (k, j, i), the run, the backend and notes."""
        import torch

        predictors: list[Predictor] = []
        notes: list[str] = []

        def open_predictors(window: Any) -> list[Predictor]:
            for network in self.networks:
                predictor, more = open_predictor(network, window, self.settings, arrangement, scratch)
                predictors.append(predictor)
                notes.extend(note for note in more if note not in notes)
            return predictors

        scratch = Scratch(self.settings.scratch_folder)
        # PyTorch's threads wait by spinning, which would take the cores from OpenVINO's; what PyTorch does besides is
        # shared out to threads of our own. Where PyTorch runs the network itself, its predictor takes all cores.
        thrift = no_memory_kept() if arrangement.in_parts else contextlib.nullcontext()
        with thrift, torch.inference_mode(), torch_threads(1), SideWork(self.settings.threads) as side_work:
            painter = LabelPainter(self.grid, self.recipe, side_work)
            volume = self._volume(scratch, arrangement.volume_on_disk)
            fill_volume(self.images, self.grid, self.recipe, volume, side_work, progress.part(0.0, _PREPARING))
            part, count = progress.part(_PREPARING, 1.0), len(self.networks)
            run = WindowRun(self.grid, self.recipe, open_predictors, count, arrangement, scratch, side_work, part)
            for slices in run.slices(volume):
                painter.add(slices)
        backend = "+".join(sorted({predictor.backend for predictor in predictors})) or "none"
        return painter.labels, run, backend, tuple(notes)
