"""From an image to what a classifying network is fed with."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.checks import require_finite
from AIImagingLogic.inference.classification_grid import ClassificationGrid
from AIImagingLogic.inference.classification_recipe import ClassificationRecipe
from AIImagingLogic.records.errors import WrongImageError


def network_input(image: sitk.Image, grid: ClassificationGrid, recipe: ClassificationRecipe) -> NDArray[np.float32]:
    """Return (slices, channels, first, second) for a 2D network, (1, channels, first, second, third) for a 3D one.

    Parameters
    ----------
    image : 3D, grey or colour
    grid : planned for it
    recipe : gives intensity steps, copies and padding

    Raises
    ------
    WrongImageError
        The image has not the colours or slices that the network takes, or voxels that are not numbers.
    """
    _require_colours(image, recipe)
    slices = image.GetSize()[grid.order[2]]
    if recipe.dimensions == 3 and min(image.GetSize()) == 1:
        raise WrongImageError("The model needs a volume; this image is one slice.", "Choose a whole volume.")
    if recipe.dimensions == 2 and slices > 1 and not recipe.slices:
        raise WrongImageError(
            f"The model takes one slice, and the image has {slices}; its package has no rule for several.",
            "Choose a single slice, or another model.",
        )
    require_finite(image)
    voxels = sitk.GetArrayViewFromImage(image)
    channels = [voxels] if recipe.channels == 1 else [voxels[..., number] for number in range(recipe.channels)]
    arrays = [_channel(channel, number, grid, recipe) for number, channel in enumerate(channels)]
    return np.ascontiguousarray(np.stack(arrays * recipe.copies, axis=1))


def _channel(
    voxels: NDArray[np.generic], channel: int, grid: ClassificationGrid, recipe: ClassificationRecipe
) -> NDArray[np.float32]:
    """Return (slices, *network's grid) of one channel."""
    if recipe.intensity_first:
        slice_axis = 2 - grid.order[2] if recipe.dimensions == 2 else None
        voxels = _after_steps(voxels.astype(np.float32), slice_axis, channel, recipe)
    array = grid.array_of(voxels)
    inside = (slice(None), *grid.inside)
    seen = array[inside]
    if not recipe.intensity_first:
        seen = _after_steps(seen.copy(), 0 if recipe.dimensions == 2 else None, channel, recipe)
    fed = np.full_like(array, recipe.padding_value)
    fed[inside] = seen
    return fed


def _after_steps(
    array: NDArray[np.float32], slice_axis: int | None, channel: int, recipe: ClassificationRecipe
) -> NDArray[np.float32]:
    """Run the intensity steps on the whole array, or on each slice by itself: a 2D network knows no other slices."""
    if not recipe.intensity:
        return array
    steps = recipe.intensity[channel if len(recipe.intensity) > 1 else 0]
    parts = [array] if slice_axis is None else list(np.moveaxis(array, slice_axis, 0))
    for part in parts:
        values = np.ascontiguousarray(part)
        for step in steps:
            values = step.apply(values)
        part[...] = values
    return array


def _require_colours(image: sitk.Image, recipe: ClassificationRecipe) -> None:
    components = image.GetNumberOfComponentsPerPixel()
    if components == recipe.channels:
        return
    if recipe.channels == 1:
        raise WrongImageError(
            f"The model needs an image of grey values; this one has {components} values a voxel (colours).",
            "Convert it to grey values, or choose a model for colour images.",
        )
    found = "grey values" if components == 1 else f"{components} values a voxel"
    raise WrongImageError(
        f"The model needs an image in colour ({recipe.channels} values a voxel); this one has {found}.",
        "Choose a colour image, or another model.",
    )
