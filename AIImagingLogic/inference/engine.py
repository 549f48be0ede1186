"""Runs a network over images, window by window, and brings labels back to the grid of the first image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.inference.feeding import channels_on_one_grid, network_volume
from AIImagingLogic.inference.label_painter import LabelPainter
from AIImagingLogic.inference.network import EngineSettings, Network, NetworkOutput
from AIImagingLogic.inference.network_grid import plan_grid
from AIImagingLogic.inference.predictor import Predictor, chosen_device, open_predictor
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.inference.scratch import Scratch
from AIImagingLogic.inference.window_run import WindowRun
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress

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
    device = chosen_device(settings)
    predictors: list[Predictor] = []

    def open_predictors(window: Any) -> list[Predictor]:
        nonlocal notes
        for network in networks:
            predictor, more = open_predictor(network, window, settings, device)
            predictors.append(predictor)
            notes += tuple(note for note in more if note not in notes)
        return predictors

    painter = LabelPainter(grid, recipe)
    with torch.inference_mode():
        volume = network_volume(images, grid, recipe, progress.part(0.0, _PREPARING))
        scratch = Scratch(settings.scratch_folder)
        run = WindowRun(grid, recipe, open_predictors, len(networks), None, scratch, progress.part(_PREPARING, 1.0))
        for plane in run.planes(volume):
            painter.add(plane)
    labels = sitk.GetImageFromArray(painter.labels)
    labels.CopyInformation(images[0])
    if channels[0].GetDimension() == 2:
        labels = labels[:, :, 0]
        labels.CopyInformation(channels[0])
    backend = "+".join(sorted({predictor.backend for predictor in predictors})) or "none"
    return NetworkOutput(labels, notes, device, backend, run.network_seconds, run.windows_done)
