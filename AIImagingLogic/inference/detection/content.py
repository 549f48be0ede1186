"""Where in an image a detection network is to look: the box, and the windows, that hold an organ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.inference.intensity import Clip, ScaleRange, Standardise
from AIImagingLogic.inference.network_grid import AxisMap, NetworkGrid
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.records.errors import ModelError

# Surroundings of the organ that the network sees, where the image has them.
_MARGIN_MM = 20.0
_ORGAN_FREE = (Clip, ScaleRange, Standardise)


def cropped_to(
    images: Sequence[sitk.Image], within: sitk.Image, recipe: NetworkRecipe
) -> tuple[list[sitk.Image], sitk.Image]:
    """Return the images and the organ, cropped to the organ's box and 20 mm around it.

    Parameters
    ----------
    images : on one grid
    within : labels on the same grid
    recipe : when its intensity steps look at the whole image, nothing is cropped

    Raises
    ------
    ModelError
        The organ lies on another grid.
    """
    if not same_grid(images[0], within):
        raise ModelError("The organ lies on another grid than the image.", "Please report this as a bug.")
    fixed = all(isinstance(step, _ORGAN_FREE) for steps in recipe.intensity for step in steps)
    inside = sitk.GetArrayViewFromImage(within) != 0
    if not fixed or not inside.any():
        return list(images), within
    start, size = [], []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != 2 - axis)
        along = np.flatnonzero(inside.any(axis=others))
        margin = int(np.ceil(_MARGIN_MM / within.GetSpacing()[axis]))
        first, last = max(int(along[0]) - margin, 0), min(int(along[-1]) + margin, within.GetSize()[axis] - 1)
        start.append(first)
        size.append(last - first + 1)
    return [sitk.RegionOfInterest(image, size, start) for image in images], sitk.RegionOfInterest(within, size, start)


def occupied(within: sitk.Image, grid: NetworkGrid) -> NDArray[np.bool_]:
    """Return where labels are not 0: bool, in the order of the network's axes, on its grid."""
    inside = sitk.GetArrayViewFromImage(within) != 0
    i, j, k = (_nearest(along) for along in grid.maps)
    onto = inside[np.ix_(k, j, i)]
    against = tuple(axis for axis, flipped in zip(grid.array_axes, grid.flipped, strict=True) if flipped)
    return np.flip(onto, against).transpose(grid.array_axes)


def _nearest(along: AxisMap) -> NDArray[np.int64]:
    places = np.rint(np.arange(along.network_size) * along.scale + along.offset)
    return places.clip(0, along.image_size - 1).astype(np.int64)
