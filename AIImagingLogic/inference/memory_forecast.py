"""How much memory a run will need at most, said before it begins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import SimpleITK as sitk

from AIImagingLogic.inference.activation_memory import ActivationMemory
from AIImagingLogic.inference.arrangement import Arrangement
from AIImagingLogic.inference.convolutions_in_parts import PARTS
from AIImagingLogic.inference.network_grid import NetworkGrid
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.inference.slab_blending import group_size
from AIImagingLogic.inference.window_plan import plan_windows
from AIImagingLogic.records.resources import load_resource

_FLOAT = 4


@dataclass(frozen=True)
class MemoryForecast:
    """Bytes of resident memory that a run adds to what the process has when it begins, by what they are for.

    Attributes
    ----------
    volume : what the networks are fed with
    sums : of the windows' weighted outputs
    network : activations, weights in the backend's own form, and its libraries' own needs
    labels : on the image's grid
    slices : a few slices of values on their way to labels
    libraries : of `network`, what PyTorch itself has taken once it has looked at a network
    """

    volume: int
    sums: int
    network: int
    labels: int
    slices: int
    libraries: int = 0

    @property
    def total(self) -> int:
        return self.volume + self.sums + self.network + self.labels + self.slices

    @property
    def after_a_look(self) -> int:
        """What a run adds once a network has been looked at for this forecast."""
        return self.total - self.libraries


def forecast_memory(
    image: sitk.Image,
    grid: NetworkGrid,
    recipe: NetworkRecipe,
    arrangement: Arrangement,
    activations: Sequence[ActivationMemory],
    backend: str,
    compiled: bool,
) -> MemoryForecast:
    """Say how much memory a run takes, before it begins.

    Parameters
    ----------
    image : the first input
    grid, recipe, arrangement : of the run
    activations : of each network, for one window of the run
    backend : ``torch`` or ``openvino``
    compiled : whether the networks are compiled already; else PyTorch runs them once beside OpenVINO
    """
    plan = plan_windows(grid.shape, grid, recipe, arrangement.window)
    padded = [size + before + after for size, (before, after) in zip(grid.shape, plan.padding)]
    depth = plan.window[0]
    volume = recipe.channels * math.prod(grid.shape) * _FLOAT
    if padded != list(grid.shape):
        volume += recipe.channels * math.prod(padded) * _FLOAT
    plane = padded[1] * padded[2] * _FLOAT
    window = math.prod(plan.window) * _FLOAT
    labels = image.GetNumberOfPixels() * (1 if max(recipe.values, default=0) < 256 else 2)
    if recipe.intensity_first:
        volume += image.GetNumberOfPixels() * _FLOAT
    through = grid.maps[2]
    if recipe.interpolation != "linear" and not (grid.is_identity or through.is_identity or through.nearest_in):
        # Slices are resampled within themselves before they are mixed.
        volume += through.image_size * math.prod(grid.shape[1:]) * _FLOAT
    on_disk = arrangement.sums_on_disk
    # At worst the values of all voxels of a group, those of its last slice, and several marks a voxel of one byte each.
    group = min(group_size(arrangement.sums_on_disk), depth)
    slices = ((group + _FACTORS["slices"]) * recipe.output_channels + group * _FACTORS["marks"] / _FLOAT) * plane
    # A few rows of the sums and weights at a time while a window is added.
    rows = 2 * group * (recipe.output_channels + 1) * window // min(plan.window)
    several = len(activations) > 1 or recipe.mirrored_axes
    at_once = arrangement.at_once if backend == "openvino" else 1
    outputs = 2 if several else 0 if arrangement.values_on_disk else 1 if arrangement.frugal else 2
    outputs += at_once - 1
    return MemoryForecast(
        volume=0 if arrangement.volume_on_disk else volume,
        sums=rows if on_disk else (recipe.output_channels + 1) * depth * plane,
        network=int(
            network_memory(activations, backend, compiled, arrangement)
            + window * (outputs * recipe.output_channels + at_once * recipe.channels)
        ),
        labels=labels,
        slices=int(slices),
        libraries=torch_libraries(arrangement),
    )


def torch_libraries(arrangement: Arrangement) -> int:
    """Return the bytes that PyTorch takes for itself when it first runs a network on the CPU."""
    return int(_FACTORS["torch_libraries"]) if arrangement.device == "cpu" else 0


def network_memory(
    activations: Sequence[ActivationMemory], backend: str, compiled: bool, arrangement: Arrangement
) -> float:
    """Say how many bytes networks take while they look at a window. Parameters are those of `forecast_memory`."""
    if arrangement.device != "cpu":
        return _FACTORS["gpu_libraries"]
    weights = sum(each.weights for each in activations)
    parts = PARTS if arrangement.in_parts else 1
    largest = max(each.activations + (each.reordered - each.activations) / parts for each in activations)
    by_torch = (
        largest * _FACTORS["torch_activations"] + weights * _FACTORS["torch_weights"] + _FACTORS["torch_libraries"]
    )
    if backend == "torch":
        return by_torch
    own = sum(each.activations for each in activations) * _FACTORS["openvino_activations"] * arrangement.at_once
    kept = weights * _FACTORS["openvino_weights"] + _FACTORS["openvino_libraries"]
    if compiled:
        return own + kept + _FACTORS["torch_libraries"]
    # PyTorch runs the network first, for comparison.
    return kept + max(own + _FACTORS["torch_libraries"], by_torch)


_FACTORS: dict[str, float] = load_resource("inference/memory_factors.json")
