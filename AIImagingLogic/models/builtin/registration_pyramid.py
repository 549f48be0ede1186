"""Two images made comparable: the fixed one on its working grid, the moving one around it, from fine to coarse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.registration_features import Window, halved, structure, window_of
from AIImagingLogic.models.builtin.registration_grid import Array, WorkGrid, sampled

# The border of the mask is where the largest motion shows, so the comparison reaches a little beyond it.
_RIM_MM = 4.0
# Differences beyond these count less and less: a nodule that came or went must not bend the field.
_WINDOW_TOLERANCE = 0.4
_STRUCTURE_TOLERANCE = 1.0


@dataclass(frozen=True)
class Channel:
    """One comparable aspect of an image, and the difference in it that is still ordinary."""

    values: Array
    tolerance: float


@dataclass(frozen=True)
class Level:
    """Both images at one resolution.

    Attributes
    ----------
    grid : of the fixed image
    moving_grid : of the moving image; another place and size, the same spacing and axes
    fixed, moving : channels in the same order; the moving ones are not-a-number outside its field of view
    weight : (z, y, x) of the fixed image, 0..1: the mask with a rim
    """

    grid: WorkGrid
    moving_grid: WorkGrid
    fixed: tuple[Channel, ...]
    moving: tuple[Channel, ...]
    weight: Array


@dataclass(frozen=True)
class Subject:
    """An image with the region that matters and the window of its intensities there."""

    image: sitk.Image
    mask: sitk.Image
    window: Window


def subject(image: sitk.Image, mask: sitk.Image, grid: WorkGrid) -> Subject:
    """Return `image` with the window of its intensities inside `mask`, seen on `grid` (a coarse one will do)."""
    values, inside = sampled(image, grid), np.nan_to_num(sampled(mask, grid))
    return Subject(image, mask, window_of(values, inside > 0.5))


def pyramid(
    fixed: Subject,
    moving: Subject,
    grid: WorkGrid,
    moving_grid: WorkGrid,
    levels: int,
    to_moving: sitk.Transform | None = None,
) -> list[Level]:
    """Return `levels` levels, the finest (on `grid`) first.

    Parameters
    ----------
    to_moving : takes points of `moving_grid` to points of the moving image; none: both lie in one space
    """
    own = _windowed(fixed, grid, None)
    other = _windowed(moving, moving_grid, to_moving)
    built = []
    for index in range(levels):
        # The coarsest level sees plain brightness: organ borders that lie far apart attract each other.
        coarsest = index == levels - 1 and levels > 1
        built.append(
            Level(
                grid,
                moving_grid,
                _channels(*own, structured=not coarsest),
                _channels(*other, structured=not coarsest),
                _weight(*own, grid.spacing_mm),
            )
        )
        own, other = (halved(own[0]), halved(own[1])), (halved(other[0]), halved(other[1]))
        grid, moving_grid = grid.halved(), moving_grid.halved()
    return built


def warped(channels: Sequence[Channel], coordinates: NDArray[np.floating]) -> list[Array]:
    """Return channels at coordinates (3, z, y, x) in voxels of their grid; not-a-number outside."""
    return [
        ndimage.map_coordinates(channel.values, coordinates, order=1, mode="constant", cval=np.nan, output=np.float32)
        for channel in channels
    ]


def _windowed(own: Subject, grid: WorkGrid, transform: sitk.Transform | None) -> tuple[Array, Array]:
    values = own.window.apply(sampled(own.image, grid, transform))
    return values, np.clip(np.nan_to_num(sampled(own.mask, grid, transform)), 0, 1)


def _channels(values: Array, inside: Array, structured: bool) -> tuple[Channel, ...]:
    plain = Channel(values, _WINDOW_TOLERANCE)
    if not structured:
        return (plain,)
    known = np.isfinite(values)
    shape = structure(np.where(known, values, np.float32(0)), inside * known)
    return (Channel(np.where(known, shape, np.float32(np.nan)), _STRUCTURE_TOLERANCE), plain)


def _weight(values: Array, inside: Array, spacing_mm: float) -> Array:
    rim = ndimage.maximum_filter(inside, 2 * round(_RIM_MM / spacing_mm) + 1)
    return ndimage.gaussian_filter(rim, 0.7) * np.isfinite(values)
