"""Windows of corrected cases for training: where they lie, and how they are varied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.models.finetune.training_volume import TrainingVolume

if TYPE_CHECKING:
    import torch

# A window of training is at most this long: a fifth of the work of 96 a side, and it is still wider than what decides
# on a voxel in a small network.
_LONGEST = 64
# Half of the windows lie around a voxel of a label, so that small ones are seen.
_AROUND_LABELS = 0.5
_TURN, _SCALE = 0.12, 0.1
_GAIN, _SHIFT, _NOISE = 0.12, 0.1, 0.05


def training_window(recipe: NetworkRecipe, shape: Sequence[int]) -> tuple[int, int, int]:
    """Return how large the windows of training are, in the order of the network's array.

    Parameters
    ----------
    recipe : of the network
    shape : of the smallest case on the network's grid
    """
    asked = recipe.window or (-1,) * 3
    sides = []
    for side, extent in zip(asked, shape, strict=True):
        if side > 0:
            sides.append(min(side, _LONGEST))
        else:
            step = recipe.divisible_by
            sides.append(max(step, min(-(-extent // step) * step, _LONGEST // step * step)))
    return sides[0], sides[1], sides[2]


def drawn_window(
    volume: TrainingVolume, window: Sequence[int], padding: float, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return a random window of a case, (channels, *window) and (*window); padded where the case is smaller."""
    extents = volume.labels.shape
    pads = [(0, max(side - extent, 0)) for side, extent in zip(window, extents, strict=True)]
    found = np.unique(volume.labels[volume.labels != 0])
    if len(found) and random.random() < _AROUND_LABELS:
        places = np.argwhere(volume.labels == random.choice(found))
        centre = places[random.integers(len(places))]
        spread = [random.integers(-side // 4, side // 4 + 1) for side in window]
        first = [int(place) + int(by) - side // 2 for place, by, side in zip(centre, spread, window)]
    else:
        first = [int(random.integers(max(extent - side, 0) + 1)) for extent, side in zip(extents, window)]
    first = [min(max(start, 0), max(extent - side, 0)) for start, extent, side in zip(first, extents, window)]
    where = tuple(slice(start, start + side) for start, side in zip(first, window))
    values = np.pad(volume.values[(slice(None), *where)], [(0, 0), *pads], constant_values=padding)
    return values, np.pad(volume.labels[where], pads)


def varied(
    values: torch.Tensor, labels: torch.Tensor, random: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return windows turned, scaled and sheared a little, with other contrast, brightness and noise.

    They are not mirrored: the left kidney would become a right one.

    Parameters
    ----------
    values : (batch, channels, *window)
    labels : (batch, *window)
    """
    import torch

    functional = torch.nn.functional
    count = len(values)
    turns = np.eye(3) + random.normal(0, _TURN, (count, 3, 3)) * (1 - np.eye(3))
    turns *= random.uniform(1 - _SCALE, 1 + _SCALE, (count, 1, 1))
    affine = torch.from_numpy(np.concatenate([turns, np.zeros((count, 3, 1))], axis=2)).float()
    grid = functional.affine_grid(affine, list(values.shape), align_corners=False)
    values = functional.grid_sample(values, grid, padding_mode="border", align_corners=False)
    nearest = functional.grid_sample(
        labels[:, None].float(), grid, mode="nearest", padding_mode="border", align_corners=False
    )
    per_channel = (*values.shape[:2], 1, 1, 1)
    width = values.std(dim=(2, 3, 4), keepdim=True)
    gain = torch.from_numpy(random.normal(1, _GAIN, per_channel)).float()
    shift = torch.from_numpy(random.normal(0, _SHIFT, per_channel)).float() * width
    noise = torch.from_numpy(random.normal(0, 1, tuple(values.shape)).astype(np.float32)) * width
    return values * gain + shift + noise * float(random.uniform(0, _NOISE)), nearest[:, 0].round().long()
