"""From images to the values that a network is fed with, on the network's grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.images.resample import resample_like
from AIImagingLogic.inference.content_crop import filled_content
from AIImagingLogic.inference.cubic_resampling import resample_cubic
from AIImagingLogic.inference.intensity import IntensityStep, StandardiseContent
from AIImagingLogic.inference.network_grid import NetworkGrid
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.inference.side_work import SideWork
from AIImagingLogic.records.errors import ModelError, WrongImageError
from AIImagingLogic.records.progress import Progress


def channels_on_one_grid(
    images: Sequence[sitk.Image], recipe: NetworkRecipe
) -> tuple[list[sitk.Image], tuple[str, ...]]:
    """Return one grey 3D image a channel, all on the grid of the first, and notes on what was resampled.

    Parameters
    ----------
    images : one a channel, 2D or 3D, or one colour image

    Raises
    ------
    ModelError
        Another number of images, or of colours, than the network takes.
    """
    notes = []
    channels: list[sitk.Image] = []
    for image in images:
        volume = sitk.JoinSeries(image) if image.GetDimension() == 2 else image
        count = volume.GetNumberOfComponentsPerPixel()
        channels += [volume] if count == 1 else [sitk.VectorIndexSelectionCast(volume, n) for n in range(count)]
    if len(channels) != recipe.channels:
        raise ModelError(
            f"The model takes {recipe.channels} input channel(s), and {len(channels)} were given.",
            "Choose as many images as the model's card lists.",
        )
    for number, channel in enumerate(channels[1:], start=1):
        if not same_grid(channels[0], channel):
            wide = sitk.Cast(channel, sitk.sitkFloat32)
            channels[number] = resample_like(wide, channels[0])
            notes.append(f"Input {number + 1} was resampled to the grid of input 1.")
    return channels, tuple(notes)


def fill_volume(
    channels: Sequence[sitk.Image],
    grid: NetworkGrid,
    recipe: NetworkRecipe,
    volume: Any,
    side_work: SideWork,
    progress: Progress,
) -> None:
    """Make what the network is fed with.

    Parameters
    ----------
    channels : on one grid
    grid, recipe : of the network
    volume : torch float32 (channels, k, j, i) on the network's grid, to be filled
    side_work : does the resampling
    progress : told of each channel

    Raises
    ------
    WrongImageError
        A voxel is not a number, or infinite.
    """
    content = None
    if any(isinstance(step, StandardiseContent) for steps in recipe.intensity for step in steps):
        content = filled_content(channels)
    for number, channel in enumerate(channels):
        steps = [
            step.of(content) if isinstance(step, StandardiseContent) and content is not None else step
            for step in _steps(recipe, number)
        ]
        voxels = sitk.GetArrayViewFromImage(channel)
        _check_finite(voxels, number)
        if recipe.intensity_first:
            voxels = _applied(steps, voxels.astype(np.float32))
        if recipe.interpolation != "linear" and not grid.is_identity:
            resample_cubic(voxels, grid, volume[number], recipe.interpolation == "cubic_within", progress)
        else:
            _resample_linear(voxels, grid, volume[number], side_work, progress)
        if not recipe.intensity_first:
            values = volume[number].numpy()
            values[...] = _applied(steps, values)
        progress.report((number + 1) / len(channels), "Preparing the image")


def content_box(volume: Any, above: float) -> tuple[slice, slice, slice] | None:
    """Return the box (k, j, i) of voxels of the first channel above a value; None when there is none."""
    content = volume[0] > above
    box = []
    for axis in range(3):
        others = [other for other in range(3) if other != axis]
        along = content.any(dim=others[1]).any(dim=others[0]).nonzero().flatten()
        if len(along) == 0:
            return None
        box.append(slice(int(along[0]), int(along[-1]) + 1))
    return box[0], box[1], box[2]


def _steps(recipe: NetworkRecipe, channel: int) -> tuple[IntensityStep, ...]:
    if not recipe.intensity:
        return ()
    return recipe.intensity[channel if len(recipe.intensity) > 1 else 0]


def _applied(steps: Sequence[IntensityStep], voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    for step in steps:
        voxels = step.apply(voxels)
    return voxels


def _check_finite(voxels: NDArray[Any], channel: int) -> None:
    if voxels.dtype.kind != "f":
        return
    if not all(np.isfinite(part).all() for part in voxels):
        raise WrongImageError(
            f"Input {channel + 1} has voxels that are not a number or infinite.",
            "Replace them first, for instance by the value of air.",
        )


def _resample_linear(
    voxels: NDArray[Any], grid: NetworkGrid, out: Any, side_work: SideWork, progress: Progress
) -> None:
    """Fill `out` (k, j, i), a slice at a time: between slices, then rows, then columns."""
    along_i, along_j, along_k = (axis.image_taps() for axis in grid.maps)
    target = out.numpy()

    def fill(number: int) -> None:
        progress.check_cancelled()
        first, second, share = along_k.first[number], along_k.second[number], along_k.share[number]
        top, bottom = (_mixed(voxels[first], voxels[second], share, rows) for rows in (along_j.first, along_j.second))
        plane = top + (bottom - top) * along_j.share[:, None]
        left, right = np.take(plane, along_i.first, axis=1), np.take(plane, along_i.second, axis=1)
        target[number] = left + (right - left) * along_i.share

    side_work.share(fill, range(len(target)))


def _mixed(
    first: NDArray[Any], second: NDArray[Any], share: np.float32, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return rows of a slice between two slices."""
    near = first[rows].astype(np.float32)
    return near + (second[rows] - near) * share if share > 0 else near
