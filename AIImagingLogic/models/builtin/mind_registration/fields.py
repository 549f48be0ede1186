"""Fields of vectors on the working grid: sampled, integrated from a velocity, smoothed, their Jacobian.

Every field is a tensor (1, 3, z, y, x) on cells of voxels; its vectors are along z, y, x and count *voxels of the
working grid*, whatever the size of the cells, so that one field means the same at each resolution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int, int, int]
# A step of the integration moves nothing further than this share of a cell.
_STEP_CELLS = 0.4
_MOST_HALVINGS = 8
_SLAB, _SAMPLED_CELLS = 8, 100_000


def sampled_at(values: Tensor, field: Tensor, voxels: Shape) -> Tensor:
    """Return `values` (1, c, z, y, x) at the centres of the cells of `field`, moved by it; border values go on outside.

    Parameters
    ----------
    voxels : size of the whole working grid, z, y, x
    """
    import torch

    shape = tuple(field.shape[2:])
    # Slab by slab: the places of the whole and what leads to them would be the peak of memory.
    slab = max(1, _SAMPLED_CELLS // (shape[1] * shape[2]))
    moved = torch.empty((1, values.shape[1], *shape), dtype=values.dtype, device=values.device)
    for start in range(0, shape[0], slab):
        part = field[:, :, start : start + slab]
        places = in_grid_units(part, voxels) + centers(shape, field.device, start, part.shape[2])
        sampled = torch.nn.functional.grid_sample(values, places, padding_mode="border", align_corners=False)
        if part.shape[2] == shape[0]:
            return sampled
        moved[:, :, start : start + slab] = sampled
    return moved


def in_grid_units(field: Tensor, voxels: Shape) -> Tensor:
    """Return a field as `grid_sample` counts it: (1, z, y, x, 3) along x, y, z."""
    import torch

    scale = torch.tensor([2.0 / length for length in reversed(voxels)], device=field.device)
    return field.flip(1).permute(0, 2, 3, 4, 1) * scale


def centers(shape: tuple[int, ...], device: object, first: int = 0, count: int | None = None) -> Tensor:
    """Return the centres of cells as `grid_sample` counts them: (1, z, y, x, 3), -1..1 along x, y, z.

    Parameters
    ----------
    shape : of all cells
    first, count : only these along z; none: to the end
    """
    import torch

    lines = [(torch.arange(length, device=device) + 0.5) * (2.0 / length) - 1 for length in shape]
    lines[0] = lines[0][first:][:count]
    z, y, x = torch.meshgrid(*lines, indexing="ij")
    return torch.stack([x, y, z], -1)[None]


def halvings(velocity: Tensor, voxels: Shape) -> int:
    """Return how often a velocity is halved so that one step of it stays well inside a cell."""
    cell = voxels[0] / velocity.shape[2]
    longest = float(velocity.detach().abs().max()) / (_STEP_CELLS * cell)
    return int(np.clip(np.ceil(np.log2(max(longest, 1.0))), 0, _MOST_HALVINGS))


def exponential(velocity: Tensor, voxels: Shape, count: int) -> Tensor:
    """Return the displacement that a stationary velocity makes in unit time, by scaling and squaring.

    References
    ----------
    V. Arsigny et al., A log-Euclidean framework for statistics on diffeomorphisms, MICCAI 2006.
    """
    field = velocity / 2**count
    for _ in range(count):
        field = sampled_at(field, field, voxels).add_(field)
    return field


def logarithm(field: Tensor, voxels: Shape, iterations: int = 8) -> Tensor:
    """Return a velocity whose exponential is near `field`; the nearest smooth one where `field` folds."""
    velocity = smooth(field)
    for _ in range(iterations):
        velocity = velocity + 0.5 * smooth(field - exponential(velocity, voxels, halvings(velocity, voxels)))
    return velocity


def smooth(values: Tensor) -> Tensor:
    """Return (1, c, z, y, x) convolved along each axis with (1, 4, 6, 4, 1) / 16; the border goes on outside."""
    import torch

    for axis in (2, 3, 4):
        pad = [0] * 6
        pad[2 * (4 - axis)] = pad[2 * (4 - axis) + 1] = 2
        padded = torch.nn.functional.pad(values, pad, mode="replicate")
        length = values.shape[axis]
        near, far = (
            padded.narrow(axis, first, length) + padded.narrow(axis, second, length)
            for first, second in ((1, 3), (0, 4))
        )
        values = values * 0.375 + near * 0.25 + far * 0.0625
    return values


def resized(field: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return a field on cells of another size over the same voxels."""
    import torch

    if tuple(field.shape[2:]) == tuple(shape):
        return field
    return torch.nn.functional.interpolate(field, size=tuple(shape), mode="trilinear", align_corners=False)


def smallest_jacobian(field: Tensor, voxels: Shape) -> Tensor:
    """Return the smallest Jacobian determinant of each corner of each cell: (z - 1, y - 1, x - 1).

    Differences are one-sided, towards each corner of a box of eight cells, so that a fold between two cells that
    central differences step over is seen.
    """
    import torch

    # Slab by slab: 24 differences of the whole field would be the peak of memory.
    starts = range(0, field.shape[2] - 1, _SLAB)
    return torch.cat(
        [_slab_jacobian(field[:, :, start : start + _SLAB + 1], field.shape[2:], voxels) for start in starts]
    )


def _slab_jacobian(slab: Tensor, shape: tuple[int, ...], voxels: Shape) -> Tensor:
    import torch

    cells = torch.tensor([count / length for count, length in zip(shape, voxels, strict=True)], device=slab.device)
    values = slab[0] * cells.reshape(3, 1, 1, 1)
    lengths = [length - 1 for length in values.shape[1:]]
    worst = None
    for corner in np.ndindex(2, 2, 2):
        columns = []
        for axis in range(3):
            there, here = list(corner), list(corner)
            there[axis], here[axis] = 1, 0
            columns.append(_box_of(values, there, lengths) - _box_of(values, here, lengths))
            columns[-1][axis] += 1
        (a, d, g), (b, e, h), (c, f, i) = columns
        determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
        worst = determinant if worst is None else torch.minimum(worst, determinant)
    return worst


def _box_of(values: Tensor, start: list[int], lengths: list[int]) -> Tensor:
    for axis, (first, length) in enumerate(zip(start, lengths, strict=True), start=1):
        values = values.narrow(axis, first, length)
    return values
