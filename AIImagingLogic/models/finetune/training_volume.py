"""A corrected case as its network sees it: values and labels on the network's grid, in the order of its array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.inference.content_crop import cropped_to_content
from AIImagingLogic.inference.feeding import channels_on_one_grid, fill_volume
from AIImagingLogic.inference.network_grid import plan_grid
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.inference.side_work import SideWork
from AIImagingLogic.records.progress import Progress


@dataclass(frozen=True)
class TrainingVolume:
    """One case on the network's grid.

    Attributes
    ----------
    values : float32 (channels, *network's axes), as the network is fed
    labels : int64 (*network's axes), label values
    """

    values: NDArray[np.float32]
    labels: NDArray[np.int64]


def make_training_volume(
    images: Sequence[sitk.Image], labels: sitk.Image, recipe: NetworkRecipe, progress: Progress
) -> TrainingVolume:
    """Bring a case to the network's grid, by the same steps as when the network is run; labels by the nearest voxel.

    Parameters
    ----------
    images : inputs of the network
    labels : on the grid of the first image

    Raises
    ------
    ModelError, WrongImageError
        As `run_network`.
    """
    import torch

    channels, _ = channels_on_one_grid(images, recipe)
    if recipe.crop_zeros:
        channels, corner = cropped_to_content(channels)
        labels = sitk.RegionOfInterest(labels, channels[0].GetSize(), corner)
    grid = plan_grid(channels[0], recipe)
    volume = torch.zeros((len(channels), *grid.shape), dtype=torch.float32)
    with SideWork() as side_work:
        fill_volume(channels, grid, recipe, volume, side_work, progress)
    places = []
    for axis in reversed(grid.maps):
        taps = axis.image_taps()
        places.append(np.where(taps.share > 0.5, taps.second, taps.first))
    nearest = sitk.GetArrayViewFromImage(labels)[np.ix_(*places)].astype(np.int64)
    values = np.stack([grid.in_network_order(channel) for channel in volume.numpy()])
    return TrainingVolume(np.ascontiguousarray(values), np.ascontiguousarray(grid.in_network_order(nearest)))
