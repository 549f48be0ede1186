"""Two images to be brought together: their regions, working grids and pyramids."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.models.builtin.registration_deformable import deform
from AIImagingLogic.models.builtin.registration_features import body_mask
from AIImagingLogic.models.builtin.registration_grid import (
    Array,
    WorkGrid,
    grid_around,
    orthonormal_axes,
    region_corners,
)
from AIImagingLogic.models.builtin.registration_linear import LinearFit, LinearMap, fit_linear
from AIImagingLogic.models.builtin.registration_pyramid import Level, Subject, pyramid, subject
from AIImagingLogic.models.builtin.registration_spline import Lattice
from AIImagingLogic.models.builtin.registration_start import best_start, center_of_mass_mm
from AIImagingLogic.records.errors import RegistrationError
from AIImagingLogic.records.progress import Progress

_MARGIN_MM = 12.0
_MOVING_MARGIN_MM = 30.0
# The finest grid has at most about this many voxels: 2.4 mm for two lungs.
_MOST_VOXELS = 1.5e6
# The coarsest grid has about this many voxels along its longest side.
_COARSEST_LENGTH = 32
_MOST_LEVELS = 5
# Both at this resolution or finer, for the linear map: finer adds seconds, not accuracy.
_LINEAR_VOXELS = 0.5e6


@dataclass(frozen=True)
class Pair:
    """A fixed and a moving image with the masks of what matters in them (not empty)."""

    fixed: sitk.Image
    moving: sitk.Image
    fixed_mask: sitk.Image
    moving_mask: sitk.Image

    @classmethod
    def of(
        cls,
        fixed: sitk.Image,
        moving: sitk.Image,
        fixed_mask: sitk.Image | None,
        moving_mask: sitk.Image | None,
    ) -> Pair:
        """Return the pair; a mask that is not given becomes the body.

        Raises
        ------
        RegistrationError
            A mask is empty.
        """
        return cls(fixed, moving, _usable(fixed, fixed_mask, "fixed"), _usable(moving, moving_mask, "moving"))

    def reversed(self) -> Pair:
        """Return the pair with the roles of the images changed."""
        return Pair(self.moving, self.fixed, self.moving_mask, self.fixed_mask)

    @cached_property
    def grid(self) -> WorkGrid:
        """The finest working grid, over the fixed mask."""
        corners, axes = _corners(self.fixed_mask), orthonormal_axes(self.fixed)
        voxel = float(np.prod(self.fixed.GetSpacing())) ** (1 / 3)
        rough = grid_around(corners, axes, voxel, _MARGIN_MM)
        finest = (float(np.prod(rough.extent_mm + voxel)) / _MOST_VOXELS) ** (1 / 3)
        return grid_around(corners, axes, max(voxel, finest), _MARGIN_MM)

    @cached_property
    def linear_levels(self) -> list[Level]:
        """Levels for the linear map, about twice as coarse as the finest grid; the moving image in its own place."""
        grid = self.grid
        while np.prod(grid.size) > _LINEAR_VOXELS:
            grid = grid.halved()
        moving_grid = grid_around(_corners(self.moving_mask), grid.axes, grid.spacing_mm, _MOVING_MARGIN_MM)
        return pyramid(self._subjects[0], self._subjects[1], grid, moving_grid, _level_count(grid))

    def started(self, progress: Progress) -> LinearFit:
        """Return a coarse rigid fit to begin with."""
        centers = center_of_mass_mm(self.fixed_mask), center_of_mass_mm(self.moving_mask)
        return best_start(self.linear_levels[-1], *centers, progress)

    def linear(self, start: LinearMap, rigid: bool, progress: Progress) -> LinearMap:
        """Return the rigid or affine map near `start`."""
        return fit_linear(self.linear_levels, start, rigid, progress).map

    def field_levels(self, mapping: LinearMap, coarser: bool = False) -> list[Level]:
        """Return the levels for a field after `mapping`, from the finest grid or the next coarser one."""
        grid = self.grid.halved() if coarser else self.grid
        around = grid.widened(int(np.ceil(_MOVING_MARGIN_MM / grid.spacing_mm)))
        return pyramid(*self._subjects, grid, around, _level_count(grid), mapping.transform())

    def field(self, levels: list[Level], progress: Progress) -> tuple[Lattice, Array]:
        """Return the field that brings `levels` together."""
        return deform(levels, progress)

    @cached_property
    def _subjects(self) -> tuple[Subject, Subject]:
        grid = self.grid.halved()
        moving_grid = grid_around(_corners(self.moving_mask), grid.axes, grid.spacing_mm, _MARGIN_MM)
        return subject(self.fixed, self.fixed_mask, grid), subject(self.moving, self.moving_mask, moving_grid)


def _level_count(grid: WorkGrid) -> int:
    return int(np.clip(round(np.log2(max(grid.size) / _COARSEST_LENGTH)) + 1, 1, _MOST_LEVELS))


def _corners(mask: sitk.Image) -> np.ndarray:
    return region_corners(mask, sitk.GetArrayViewFromImage(mask) > 0)


def _usable(image: sitk.Image, mask: sitk.Image | None, name: str) -> sitk.Image:
    mask = body_mask(image) if mask is None else sitk.Cast(mask > 0, sitk.sitkUInt8)
    if not sitk.GetArrayViewFromImage(mask).any():
        raise RegistrationError(f"The mask of the {name} image is empty.", "Check the image, or give another mask.")
    return mask
