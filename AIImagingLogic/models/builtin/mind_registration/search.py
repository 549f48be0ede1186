"""The dense search: every displacement of a lattice is tried everywhere, then the best smooth field is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from AIImagingLogic.models.builtin.mind_registration.features import box, pooled
from AIImagingLogic.models.builtin.mind_registration.fields import Shape, sampled_at
from AIImagingLogic.records.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor

# How strongly the choice at a cell is bound to its surroundings, from pass to pass.
_COUPLING = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_CONSISTENT_PASSES = 15
# Blocks at a time: a second copy of all costs would be the peak of memory.
_COLUMNS = 1024


def dense_search(
    fixed: Tensor, moving: Tensor, weight: Tensor, factor: int, reach: int, stride: int, progress: Progress
) -> Tensor:
    """Return the field (1, 3, z, y, x; in cells of the features) that best brings features together and is smooth.

    The field has one vector in each block of `factor` cells; blocks are compared whole, yet moved cell by cell.

    Parameters
    ----------
    fixed, moving : (c, z, y, x), means over cells; each length a multiple of `factor`
    weight : (z, y, x) 0..1, how much a cell of the fixed image counts
    factor : odd; cells along the edge of a block
    reach, stride : 2 * reach + 1 displacements along each axis are tried, `stride` cells apart
    progress : asked for cancellation at each plane of displacements

    References
    ----------
    M. P. Heinrich, B. W. Papiez, J. A. Schnabel, H. Handels, Non-parametric discrete registration with convex
    optimisation, WBIR 2014.
    """
    import torch

    steps = stride * torch.arange(-reach, reach + 1, device=fixed.device, dtype=fixed.dtype)
    tried = torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij")).reshape(3, -1)
    blocks, block_weight = pooled(fixed, factor), pooled(weight[None], factor)[0]
    shape = block_weight.shape
    # Blocks without weight in reach cost nothing anywhere: what surrounds them decides.
    counted = torch.nonzero(_smoothed(block_weight[None], shape).reshape(-1) > 0)[:, 0]
    cost = _costs(blocks, moving, block_weight, counted, factor, reach, stride, progress)
    # Couplings count blocks, so that they mean the same at each resolution.
    unit = factor**-2
    squared = unit * tried.square().sum(0)[:, None]
    field = torch.zeros((1, 3, *shape), dtype=fixed.dtype, device=fixed.device)
    for strength in _COUPLING:
        progress.check_cancelled()
        flat = field.reshape(3, -1)
        chosen = stride * (flat / stride).round_().clamp_(-reach, reach)
        for part, places in zip(cost.split(_COLUMNS, 1), counted.split(_COLUMNS), strict=True):
            # |tried - field|^2 less what is the same for all that are tried.
            bound = torch.addmm(squared, tried.T, flat[:, places], alpha=-2 * unit).mul_(strength)
            chosen[:, places] = tried[:, bound.add_(part).argmin(0)]
        field = _smoothed(chosen, shape)[None]
    return field


def made_consistent(forth: Tensor, back: Tensor, voxels: Shape) -> tuple[Tensor, Tensor]:
    """Return two fields brought nearer to being each other's inverse; where they contradict, both give way."""
    for _ in range(_CONSISTENT_PASSES):
        forth, back = (
            0.5 * (forth - sampled_at(back, forth, voxels)),
            0.5 * (back - sampled_at(forth, back, voxels)),
        )
    return forth, back


def _costs(
    blocks: Tensor,
    moving: Tensor,
    weight: Tensor,
    counted: Tensor,
    factor: int,
    reach: int,
    stride: int,
    progress: Progress,
) -> Tensor:
    """Return the cost of each displacement of each `counted` block, averaged over its neighbours.

    (displacements, blocks), in half precision: it is the largest array of all, and costs differ by more.
    """
    import torch

    shape, width, far = blocks.shape[1:], 2 * reach + 1, reach * stride
    padded = moving.new_empty((len(moving), *(length + 2 * far for length in moving.shape[1:])))
    # Channel by channel: blurring all at once would be the peak of memory.
    for channel, values in zip(padded, moving, strict=True):
        blurred = _blurred(values[None], factor)
        channel.copy_(torch.nn.functional.pad(blurred[None], (far,) * 6, mode="replicate")[0, 0])
    cost = torch.empty((width**3, len(counted)), dtype=torch.float16, device=blocks.device)
    part = torch.empty((width**2, *shape), dtype=blocks.dtype, device=blocks.device)
    difference = torch.empty_like(blocks)
    # The middle cell of a block stands for it: there lies the block's mean.
    first = factor // 2
    lines = [
        [
            slice(first + stride * step, first + stride * step + factor * (length - 1) + 1, factor)
            for step in range(width)
        ]
        for length in shape
    ]
    for first, z in enumerate(lines[0]):
        progress.report(first / width, "Dense search")
        number = 0
        for y in lines[1]:
            rows = padded[:, z, y].contiguous()
            for x in lines[2]:
                torch.sub(blocks, rows[:, :, :, x], out=difference)
                torch.sum(difference.square_(), 0, out=part[number])
                number += 1
        part *= weight
        means = box(torch.nn.functional.pad(part[None], (1,) * 6, mode="replicate")[0])
        cost[first * width**2 : (first + 1) * width**2] = means.reshape(width**2, -1)[:, counted]
    return cost


def _blurred(values: Tensor, factor: int) -> Tensor:
    """Return the means over `factor` cells along each axis, of each cell and those around it."""
    import torch

    reach = factor // 2
    padded = torch.nn.functional.pad(values[None], (reach,) * 6, mode="replicate")[0]
    for axis in (1, 2, 3):
        length = padded.shape[axis] - 2 * reach
        total = padded.narrow(axis, 0, length).clone()
        for step in range(1, factor):
            total += padded.narrow(axis, step, length)
        padded = total.div_(factor)
    return padded


def _smoothed(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return the means (c, z, y, x) of values (c, ...) over each cell and those around it."""
    import torch

    return box(torch.nn.functional.pad(values.reshape(1, -1, *shape), (1,) * 6, mode="replicate"))[0]
