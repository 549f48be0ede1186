"""The grid on which a classifying network sees an image, and the way back from its feature maps to the image's grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.inference.classification_recipe import ClassificationRecipe
from AIImagingLogic.inference.network_grid import plan_grid
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.records.errors import ModelError

Values = NDArray[np.float32]

# Rounding of an exact voxel position must not make it a mixture of two.
_SAME_POSITION = 1e-6


@dataclass(frozen=True)
class AxisFit:
    """One axis: image index = `scale` * network index + `offset`; a negative scale flips.

    Attributes
    ----------
    image_size, network_size : voxels
    smoothed : coarser voxels average over finer ones
    """

    image_size: int
    network_size: int
    scale: float
    offset: float
    smoothed: bool = False

    @property
    def is_identity(self) -> bool:
        return self.image_size == self.network_size and self.scale == 1.0 and self.offset == 0.0

    @property
    def inside(self) -> slice:
        """The network's voxels that lie on the image; what is left is padding."""
        positions = self._positions()
        found = np.flatnonzero((positions >= -0.5) & (positions <= self.image_size - 0.5))
        return slice(int(found[0]), int(found[-1]) + 1)

    def to_network(self) -> Values:
        """Return the (network_size, image_size) matrix that resamples the image."""
        positions = np.clip(self._positions(), 0, self.image_size - 1)
        width = max(abs(self.scale), 1.0) if self.smoothed else 1.0
        return _triangles(positions, self.image_size, width)

    def from_features(self, features: int) -> Values:
        """Return the (image_size, features) matrix that brings a feature map of the whole network grid to the image.

        A feature map's cells divide the network's grid evenly. Rows are 0 where the network did not see the image.
        """
        seen = (np.arange(self.image_size) - self.offset) / self.scale
        cells = (seen + 0.5) * features / self.network_size - 0.5
        matrix = _triangles(cells.clip(0, features - 1), features, 1.0)
        matrix[(seen < -0.5 - _SAME_POSITION) | (seen > self.network_size - 0.5 + _SAME_POSITION)] = 0
        return matrix

    def _positions(self) -> NDArray[np.float64]:
        return np.arange(self.network_size, dtype=np.float64) * self.scale + self.offset


@dataclass(frozen=True)
class ClassificationGrid:
    """How an image's voxels become the network's array, and a feature map an image.

    Attributes
    ----------
    order : image axis (0 is i) of each axis of the network's array; of a 2D network the third runs through slices
    fits : of the axes that the network sees, 2 or 3
    """

    order: tuple[int, int, int]
    fits: tuple[AxisFit, ...]

    @property
    def inside(self) -> tuple[slice, ...]:
        """The part of the network's array, without slices, that lies on the image."""
        return tuple(fit.inside for fit in self.fits)

    def array_of(self, voxels: NDArray[np.generic]) -> Values:
        """Return (k, j, i) voxels as the network sees them: (slices, first, second), or (1, first, second, third)."""
        array = voxels.transpose([2 - axis for axis in self.order]).astype(np.float32)
        array = np.moveaxis(array, 2, 0) if len(self.fits) == 2 else array[None]
        matrices = [None if fit.is_identity else fit.to_network() for fit in self.fits]
        return _multiplied(array, matrices)

    def image_of(self, features: NDArray[np.floating]) -> Values:
        """Return (slices, first, second) or (1, first, second, third) features as (k, j, i) voxels of the image."""
        sizes = features.shape[1:]
        matrices = [fit.from_features(size) for fit, size in zip(self.fits, sizes, strict=True)]
        array = _multiplied(features.astype(np.float32), matrices)
        array = np.moveaxis(array, 0, 2) if len(self.fits) == 2 else array[0]
        return np.ascontiguousarray(array.transpose(np.argsort([2 - axis for axis in self.order])))


def plan_classification_grid(image: sitk.Image, recipe: ClassificationRecipe) -> ClassificationGrid:
    """Lay the network's grid over an image, along the image's own axes.

    Parameters
    ----------
    image : 3D, any orientation
    recipe : gives axes, spacing and size

    Raises
    ------
    ModelError
        The recipe's axes, spacing or size make no sense.
    """
    order, flipped = _orientation(image, recipe)
    seen = recipe.dimensions
    for name, values in (("spacing", recipe.spacing_mm), ("size", recipe.size)):
        if values is not None and (len(values) != seen or min(values) <= 0):
            raise ModelError(f"The model asks for a {name} of {values}.", "Its package is not usable.")
    fits = []
    for number, axis in enumerate(order[:seen]):
        step = 1.0 if recipe.spacing_mm is None else recipe.spacing_mm[number] / image.GetSpacing()[axis]
        size = None if recipe.size is None else recipe.size[number]
        fits.append(_axis_fit(image.GetSize()[axis], step, size, flipped[number], recipe))
    return ClassificationGrid(order, tuple(fits))


def _axis_fit(size: int, step: float, wanted: int | None, flipped: bool, recipe: ClassificationRecipe) -> AxisFit:
    if wanted is None:
        wanted = max(1, round(size / step))
    if recipe.fit == "resize" and recipe.size is not None:
        step = size / wanted
        offset = step / 2 - 0.5
    elif step == 1.0:
        # Whole voxels, with the halves rounded as MONAI's central crop and symmetric padding do.
        offset = float(size // 2 - wanted // 2) if wanted <= size else -float((wanted - size) // 2)
    else:
        offset = (size - 1) / 2 - step * (wanted - 1) / 2
    if flipped:
        step, offset = -step, size - 1 - offset
    return AxisFit(size, wanted, step, offset, recipe.smoothed)


def _orientation(
    image: sitk.Image, recipe: ClassificationRecipe
) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    letters = recipe.axes or "ijk"
    if set(letters) <= set("ijk"):
        order = ["ijk".index(letter) for letter in letters]
        order += [axis for axis in range(3) if axis not in order] if len(order) == 2 == recipe.dimensions else []
        if sorted(order) != [0, 1, 2]:
            raise ModelError(f"The model asks for the axes '{letters}'.", "Its package is not usable.")
        return (order[0], order[1], order[2]), (False, False, False)
    grid = plan_grid(image, NetworkRecipe(channels=1, output_channels=1, values=(0,), axes=letters))
    return grid.order, grid.flipped


def _triangles(positions: NDArray[np.float64], size: int, width: float) -> Values:
    """Return (positions, size) weights that fall linearly to 0 at `width` voxels from each position; rows sum to 1."""
    nearest = np.rint(positions)
    positions = np.where(np.abs(positions - nearest) < _SAME_POSITION, nearest, positions)
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(size)[None, :] - positions[:, None]) / width)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _multiplied(array: Values, matrices: Sequence[Values | None]) -> Values:
    """Multiply the axes after the first, each by its matrix; None leaves an axis as it is."""
    for axis, matrix in enumerate(matrices, start=1):
        if matrix is not None:
            array = np.moveaxis(np.tensordot(array, matrix, (axis, 1)), -1, axis)
    return np.ascontiguousarray(array)
