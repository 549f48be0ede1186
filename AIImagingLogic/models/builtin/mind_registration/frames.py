"""Two images on one isotropic working grid, as tensors: where it lies, what is known there, what counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.models.builtin.mind_registration.features import pooled, self_similarity
from AIImagingLogic.models.builtin.registration_grid import (
    WorkGrid,
    grid_around,
    orthonormal_axes,
    region_corners,
    sampled,
)

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Frame:
    """One image on the working grid.

    Attributes
    ----------
    features : (12, z, y, x), means over cells of two voxels
    weight : (z, y, x) 0..1 of the same cells: inside the mask, and known
    """

    features: Tensor
    weight: Tensor

    def coarser(self, factor: int) -> Frame:
        """Return it on cells `factor` times as large."""
        return Frame(pooled(self.features, factor), pooled(self.weight[None], factor)[0])


# A velocity fades over this many times its longest vector, so that it does not fold there; in cells, at least and most.
_FADE_PER_LENGTH = 3.0
_LEAST_FADE, _MOST_FADE = 4, 24
_SLAB = 8
CELL = 2
"""Voxels along the edge of the finest cells that features are kept on."""


def working_grid(
    image: sitk.Image, mask: sitk.Image, spacing_mm: float, margin_mm: float, most: float, cell: int
) -> WorkGrid:
    """Return the isotropic grid along the axes of `image` that holds `mask`.

    Parameters
    ----------
    spacing_mm : wished; it is not finer than the voxels of `image`, and coarser where the grid would grow too large
    margin_mm : around the mask
    most : voxels at most, about
    cell : each length of the grid is a multiple of it
    """
    corners, axes = region_corners(mask, sitk.GetArrayViewFromImage(mask) > 0), orthonormal_axes(image)
    voxel = float(np.prod(image.GetSpacing())) ** (1 / 3)
    rough = grid_around(corners, axes, spacing_mm, margin_mm)
    coarsest_needed = (float(np.prod(rough.extent_mm + spacing_mm)) / most) ** (1 / 3)
    grid = grid_around(corners, axes, max(voxel, spacing_mm, coarsest_needed), margin_mm)
    size = [-(-length // cell) * cell for length in grid.size]
    return WorkGrid(grid.origin_mm, axes, grid.spacing_mm, (size[0], size[1], size[2]))


def frame(
    image: sitk.Image, mask: sitk.Image | None, grid: WorkGrid, transform: sitk.Transform | None, device: str
) -> Frame:
    """Return `image` on `grid`.

    Parameters
    ----------
    mask : > 0 where to look; none: everywhere that is known
    grid : each length a multiple of `CELL`
    transform : takes points of `grid` to points of `image`; none: both lie in one space
    device : of torch
    """
    import torch

    values = sampled(image, grid, transform)
    known = np.isfinite(values)
    # What lies outside the field of view looks like the darkest that was seen, as air does.
    filled = torch.from_numpy(np.where(known, values, np.float32(values[known].min() if known.any() else 0))).to(device)
    inside = known.astype(np.float32)
    if mask is not None:
        inside *= np.clip(np.nan_to_num(sampled(mask, grid, transform)), 0, 1)
    weight = pooled(torch.from_numpy(inside).to(device)[None], CELL)[0]
    return Frame(self_similarity(filled, CELL), weight)


def field_transform(field: Tensor, grid: WorkGrid) -> sitk.Transform:
    """Return a field (1, 3, z, y, x; voxels along z, y, x of `grid`) as a transform of points, LPS mm."""
    count = np.array(field.shape[2:])[::-1]
    cell = np.array(grid.size) / count
    image = sitk.Image(count.tolist(), sitk.sitkVectorFloat64)
    # Slab by slab: copies of the whole in double precision would be the peak of memory.
    for start in range(0, int(count[2]), _SLAB):
        slab = field[0, :, start : start + _SLAB].double().cpu().numpy()
        vectors = np.moveaxis(slab, 0, -1)[..., ::-1] * grid.spacing_mm @ grid.axes.T
        part = sitk.GetImageFromArray(np.ascontiguousarray(vectors), isVector=True)
        image[:, :, start : start + len(vectors)] = part
    image.SetSpacing((cell * grid.spacing_mm).tolist())
    image.SetOrigin((grid.origin_mm + grid.axes @ ((cell - 1) / 2 * grid.spacing_mm)).tolist())
    image.SetDirection(grid.axes.ravel().tolist())
    return sitk.DisplacementFieldTransform(image)


def faded(velocity: Tensor, grid: WorkGrid) -> tuple[Tensor, WorkGrid]:
    """Return a velocity that fades to nothing around `grid`, and the wider grid it lies on.

    Parameters
    ----------
    velocity : (1, 3, z, y, x), voxels of `grid`, on cells of `CELL` voxels
    """
    import torch

    count = int(np.clip(np.ceil(_FADE_PER_LENGTH * float(velocity.abs().max()) / CELL), _LEAST_FADE, _MOST_FADE))
    wide = torch.nn.functional.pad(velocity, (count,) * 6, mode="replicate")
    for axis, length in enumerate(velocity.shape[2:]):
        ramp = 0.5 - 0.5 * torch.cos(torch.linspace(0, np.pi, count + 1, device=velocity.device)[:-1])
        line = torch.cat([ramp, torch.ones(length, device=velocity.device), ramp.flip(0)])
        wide = wide * line.reshape([-1 if other == axis + 2 else 1 for other in range(5)])
    return wide, grid.widened(count * CELL)
