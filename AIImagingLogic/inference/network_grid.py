"""The grid that a network works on: along the image's own axes, in the network's order, with the network's spacing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.records.errors import ModelError

# World axis and sign of each letter; LPS: the first axis grows towards the left.
_LETTERS = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
# Below this difference of a voxel's step an image keeps its grid, as in MONAI's resampling.
_SAME_STEP = 1e-3


@dataclass(frozen=True)
class AxisMap:
    """One axis of the image: image index = `scale` * network index + `offset`. Both indices grow alike.

    With `nearest_in` images are not interpolated along it, with `nearest_back` what comes back is not.
    """

    image_size: int
    network_size: int
    scale: float = 1.0
    offset: float = 0.0
    nearest_in: bool = False
    nearest_back: bool = False

    @property
    def is_identity(self) -> bool:
        return self.image_size == self.network_size and self.scale == 1.0 and self.offset == 0.0

    def image_taps(self) -> Taps:
        """Return which image voxels make each voxel of the network's grid."""
        positions = np.arange(self.network_size) * self.scale + self.offset
        return _taps(positions, self.image_size, self.nearest_in)

    def network_taps(self) -> Taps:
        """Return which voxels of the network's grid make each image voxel."""
        return _taps((np.arange(self.image_size) - self.offset) / self.scale, self.network_size, self.nearest_back)


@dataclass(frozen=True)
class Taps:
    """Linear interpolation along one axis: (1 - `share`) of voxel `first` and `share` of voxel `second`, all (N,)."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    share: NDArray[np.float32]


@dataclass(frozen=True)
class NetworkGrid:
    """How an image's voxels become the network's array and back.

    Attributes
    ----------
    maps : for image axes i, j, k
    order : image axis (0 is i) of each axis of the network's array
    flipped : for each axis of the network's array, whether it runs against the image's axis
    """

    maps: tuple[AxisMap, AxisMap, AxisMap]
    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    @property
    def is_identity(self) -> bool:
        return all(axis.is_identity for axis in self.maps)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along k, j, i."""
        i, j, k = (axis.network_size for axis in self.maps)
        return k, j, i

    @property
    def array_axes(self) -> tuple[int, int, int]:
        """Axis of a (k, j, i) array of each axis of the network's array."""
        first, second, third = (2 - axis for axis in self.order)
        return first, second, third

    def in_network_order(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array (k, j, i) as the network's array has it, without a copy."""
        against = tuple(axis for axis, flipped in zip(self.array_axes, self.flipped) if flipped)
        return np.flip(array, against).transpose(self.array_axes)

    def in_image_order(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array that is in the network's order as (k, j, i), without a copy."""
        against = tuple(axis for axis, flipped in enumerate(self.flipped) if flipped)
        return np.flip(array, against).transpose([self.array_axes.index(axis) for axis in range(3)])


def plan_grid(image: sitk.Image, recipe: NetworkRecipe) -> NetworkGrid:
    """Lay the network's grid over an image, which is neither rotated nor cropped by it.

    Parameters
    ----------
    image : 3D, any orientation
    recipe : gives axes, spacing and where a coarser grid begins

    Raises
    ------
    ModelError
        The recipe's axes or spacing make no sense.

    Notes
    -----
    With ``first_voxel`` (MONAI's convention) both grids have their first voxel, in the order of the network's array, in
    common; with ``extent`` (nnU-Net's) the outer faces of the border voxels.
    """
    order, flipped = _orientation(image, recipe.axes)
    spacing = list(recipe.spacing_mm or ())
    if len(spacing) not in (0, 2, 3) or any(value <= 0 for value in spacing):
        raise ModelError(f"The model asks for a spacing of {recipe.spacing_mm}.", "Its package is not usable.")
    maps = {}
    for number, (axis, flip) in enumerate(zip(order, flipped)):
        old = image.GetSpacing()[axis]
        # A 2D network may leave open how far its slices are apart.
        new = spacing[number] if number < len(spacing) else old
        maps[axis] = _axis_map(image.GetSize()[axis], new / old, flip, recipe.grid)
        if recipe.size is not None and number < len(recipe.size):
            maps[axis] = _stretched(image.GetSize()[axis], recipe.size[number])
    if recipe.nearest_above is not None:
        old_steps = [image.GetSpacing()[axis] for axis in order]
        new_steps = [*spacing, *old_steps[len(spacing) :]]
        into = _coarsest(old_steps, new_steps, recipe.nearest_above)
        back = _coarsest(new_steps, old_steps, recipe.nearest_above)
        for number, axis in enumerate(order):
            maps[axis] = replace(maps[axis], nearest_in=number == into, nearest_back=number == back)
    if all(axis.image_size == axis.network_size and abs(axis.scale - 1) < _SAME_STEP for axis in maps.values()):
        maps = {number: AxisMap(size, size) for number, size in enumerate(image.GetSize())}
    return NetworkGrid((maps[0], maps[1], maps[2]), order, flipped)


def _axis_map(size: int, step: float, flipped: bool, convention: str) -> AxisMap:
    if convention == "extent":
        network_size = max(1, int(np.round(size / step)))
        return _stretched(size, network_size)
    network_size = int(np.round((size - 1) / step + 1.0))
    offset = (size - 1) - (network_size - 1) * step if flipped else 0.0
    return AxisMap(size, network_size, step, offset)


def _coarsest(current: Sequence[float], other: Sequence[float], above: float) -> int | None:
    """Return the one axis that is coarsest in the first of two grids that is uneven enough; None: none, or several."""
    for steps in (current, other):
        if max(steps) / min(steps) > above:
            coarsest = [number for number, step in enumerate(steps) if step == max(steps)]
            return coarsest[0] if len(coarsest) == 1 else None
    return None


def _stretched(size: int, network_size: int) -> AxisMap:
    scale = size / network_size
    return AxisMap(size, network_size, scale, scale / 2 - 0.5)


def _orientation(image: sitk.Image, axes: str) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    if not axes:
        return (0, 1, 2), (False, False, False)
    if sorted(axes) == ["i", "j", "k"]:
        own = ["ijk".index(letter) for letter in axes]
        return (own[0], own[1], own[2]), (False, False, False)
    wanted = [_LETTERS.get(letter, (-1, 0)) for letter in axes.upper()]
    if sorted(world for world, _ in wanted) != [0, 1, 2]:
        raise ModelError(f"The model asks for the axes '{axes}'.", "Its package is not usable.")
    direction = np.array(image.GetDirection()).reshape(3, 3)
    order = max(
        permutations(range(3)),
        key=lambda axis: sum(abs(direction[world, axis[number]]) for number, (world, _) in enumerate(wanted)),
    )
    first, second, third = (
        bool(direction[world, order[number]] * sign < 0) for number, (world, sign) in enumerate(wanted)
    )
    return (order[0], order[1], order[2]), (first, second, third)


def _taps(positions: NDArray[np.floating[Any]], size: int, nearest_only: bool = False) -> Taps:
    # Rounding of an exact voxel position must not make it a mixture of two.
    nearest = np.rint(positions)
    positions = np.where(np.abs(positions - nearest) < 1e-6, nearest, positions).clip(0, size - 1)
    if nearest_only:
        # Of two that are equally near the later one, as in SciPy's and PyTorch's resampling.
        chosen = np.floor(positions + 0.5).astype(np.int64).clip(0, size - 1)
        return Taps(chosen, chosen, np.zeros(len(chosen), np.float32))
    first = np.floor(positions).astype(np.int64)
    return Taps(first, np.minimum(first + 1, size - 1), (positions - first).astype(np.float32))
