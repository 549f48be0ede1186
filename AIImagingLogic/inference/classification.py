"""Runs networks that tell images apart: probabilities of the classes, and a heat map on the image's grid."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.inference.classification_grid import ClassificationGrid, plan_classification_grid
from AIImagingLogic.inference.classification_input import network_input
from AIImagingLogic.inference.classification_recipe import ClassificationRecipe
from AIImagingLogic.inference.heat_map import class_activation, first_output
from AIImagingLogic.inference.ladder import is_shortage
from AIImagingLogic.inference.network import EngineSettings, Network
from AIImagingLogic.inference.predictor import chosen_device
from AIImagingLogic.records.errors import ModelError, OutOfMemory
from AIImagingLogic.records.progress import Progress

# Slices that a 2D network sees at once.
_BATCH = 8
_PREPARED, _TOLD_APART = 0.1, 0.4
_NO_GPU_MEMORY = "The GPU's memory did not suffice: the run was done on the CPU."
_ADVICE = "Close other programs, or use a computer with more memory."


@dataclass(frozen=True)
class ClassifierOutput:
    """What a run gave.

    Attributes
    ----------
    probabilities : of each class, 0..1
    by_slice : (slices, classes); one row for a 3D network
    explained : index of the class that the heat map is about; None without one
    heat_map : float32, 0..1, exactly on the grid of the image; None when none was asked for or the network has none
    notes : what a reader of the result should know
    device : that the networks ran on
    """

    probabilities: tuple[float, ...]
    by_slice: NDArray[np.float64]
    explained: int | None
    heat_map: sitk.Image | None
    notes: tuple[str, ...]
    device: str


def run_classifier(
    image: sitk.Image,
    networks: Sequence[Network],
    recipe: ClassificationRecipe,
    settings: EngineSettings,
    progress: Progress,
    explain: int | None = None,
    heat_map: bool = True,
) -> ClassifierOutput:
    """Tell an image's classes, and where in the image a class is seen.

    Parameters
    ----------
    image : 2D or 3D, grey or colour as the recipe says, any orientation
    networks : folds of one model; their probabilities are averaged
    recipe : how they are fed and read
    settings : what they run on
    progress : told how far the run is; asked between slices whether the user cancelled
    explain : index of the class that the heat map is to be about; None: the most probable one
    heat_map : make one

    Raises
    ------
    ModelError
        The network's output is not what the recipe says.
    WrongImageError
        The image has not the colours, dimensions or slices that the network takes, or voxels that are not numbers.
    OutOfMemory
        The computer's memory did not suffice; when a GPU's does not, the CPU is taken, which is noted.
    Cancelled
        The user cancelled.
    """
    import torch

    if not networks:
        raise ModelError("The model has no network.", "Its package is not usable.")
    device = chosen_device(settings)
    if device == "cpu":
        torch.set_num_threads(settings.threads or os.cpu_count() or 1)
    volume = sitk.JoinSeries(image) if image.GetDimension() == 2 else image
    grid = plan_classification_grid(volume, recipe)
    progress.report(0.0, "Preparing the image")
    array = network_input(volume, grid, recipe)
    wanted = _Wanted(explain, heat_map)
    try:
        output = _classified(volume, array, networks, recipe, grid, device, wanted, progress)
    except Exception as error:
        if not is_shortage(error):
            raise
        if device == "cpu":
            raise OutOfMemory("The computer's memory did not suffice for the model.", _ADVICE) from error
        output = _classified(volume, array, networks, recipe, grid, "cpu", wanted, progress)
        output = dataclasses.replace(output, notes=(_NO_GPU_MEMORY, *output.notes))
    finally:
        if device != "cpu":
            for network in networks:
                network.module.to("cpu")
    if output.heat_map is not None and image.GetDimension() == 2:
        flat = output.heat_map[:, :, 0]
        flat.CopyInformation(image)
        output = dataclasses.replace(output, heat_map=flat)
    return output


@dataclass(frozen=True)
class _Wanted:
    """The class to explain, None for the most probable one, and whether a heat map is to be made."""

    explain: int | None
    heat_map: bool


def _classified(
    image: sitk.Image,
    array: NDArray[np.float32],
    networks: Sequence[Network],
    recipe: ClassificationRecipe,
    grid: ClassificationGrid,
    device: str,
    wanted: _Wanted,
    progress: Progress,
) -> ClassifierOutput:
    last = _TOLD_APART if wanted.heat_map else 1.0
    by_slice = np.mean(
        [
            _probabilities(network, array, recipe, device, part)
            for network, part in zip(networks, _parts(progress, _PREPARED, last, len(networks)))
        ],
        axis=0,
    )
    probabilities = by_slice.max(axis=0) if recipe.slices == "max" else by_slice.mean(axis=0)
    told = tuple(float(value) for value in probabilities)
    if not wanted.heat_map:
        return ClassifierOutput(told, by_slice, None, None, (), device)
    index = int(probabilities.argmax()) if wanted.explain is None else wanted.explain
    maps = [
        _activation(network, array, index, recipe, device, part)
        for network, part in zip(networks, _parts(progress, last, 1.0, len(networks)))
    ]
    heat, notes = _heat_map(maps, by_slice[:, index], grid, image)
    return ClassifierOutput(told, by_slice, None if heat is None else index, heat, notes, device)


def _probabilities(
    network: Network, array: NDArray[np.float32], recipe: ClassificationRecipe, device: str, progress: Progress
) -> NDArray[np.float64]:
    """Return (slices, classes)."""
    import torch

    module = network.module.to(device)
    found = []
    with torch.inference_mode():
        for batch in _batches(array, device, progress, "Telling classes apart"):
            scores = first_output(module(batch)).float().cpu()
            if scores.ndim != 2 or scores.shape[1] != recipe.classes:
                shape = " x ".join(str(length) for length in scores.shape[1:])
                raise ModelError(
                    f"The network gives {shape} values, and its package names {recipe.classes} classes.",
                    "The network and the package's description are of two versions.",
                )
            found.append(scores.double())
    scores = torch.cat(found)
    if recipe.output == "softmax":
        scores = scores.softmax(dim=1)
    elif recipe.output == "sigmoid":
        scores = scores.sigmoid()
    if not bool(((scores >= 0) & (scores <= 1)).all()):
        raise ModelError(
            "The network's output are no probabilities.",
            "Its package must say whether they go through softmax or sigmoid.",
        )
    return np.asarray(scores.numpy(), np.float64)


def _activation(
    network: Network,
    array: NDArray[np.float32],
    index: int,
    recipe: ClassificationRecipe,
    device: str,
    progress: Progress,
) -> NDArray[np.float32] | None:
    """Return (slices, *features) of one network, None when it has no feature map."""
    module = network.module.to(device)
    found = []
    for batch in _batches(array, device, progress, "Making the heat map"):
        activation = class_activation(module, batch, index, recipe.dimensions)
        if activation is None:
            return None
        found.append(activation)
    return np.concatenate(found)


def _heat_map(
    maps: Sequence[NDArray[np.float32] | None],
    weights: NDArray[np.float64],
    grid: ClassificationGrid,
    image: sitk.Image,
) -> tuple[sitk.Image | None, tuple[str, ...]]:
    """Return the average of the networks' maps, 0..1, on the image's grid.

    A slice counts as much as its class is probable there: Grad-CAM by itself says where, not whether.
    """
    total = np.zeros(image.GetSize()[::-1], np.float32)
    for activation in maps:
        if activation is None:
            return None, ("The network has no convolutional feature map: there is no heat map.",)
        weighted = activation * weights.reshape(-1, *[1] * (activation.ndim - 1)).astype(np.float32)
        voxels = grid.image_of(weighted)
        if voxels.max() > 0:
            total += voxels / voxels.max()
    notes: tuple[str, ...] = ()
    if total.max() > 0:
        total /= total.max()
    else:
        notes = ("No place of the image speaks for the class: the heat map is 0 everywhere.",)
    heat = sitk.GetImageFromArray(total)
    heat.CopyInformation(image)
    return heat, notes


def _batches(array: NDArray[np.float32], device: str, progress: Progress, stage: str) -> Iterator[Any]:
    import torch

    for first in range(0, len(array), _BATCH):
        progress.report(first / len(array), stage)
        yield torch.from_numpy(array[first : first + _BATCH]).to(device)


def _parts(progress: Progress, first: float, last: float, count: int) -> list[Progress]:
    step = (last - first) / count
    return [progress.part(first + number * step, first + (number + 1) * step) for number in range(count)]
