"""What is compared across modalities: how alike the neighbours of a voxel are to one another."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

CHANNELS = 12
# Neighbours are this many voxels away, patches reach this many voxels to each side.
_DISTANCE, _RADIUS = 2, 1
# A local variance below this share of the image's own is noise.
_LEAST_VARIANCE = 0.001
# Slices at a time: twelve channels of the whole image at full resolution would be the peak of memory.
_SLAB = 12

_NEIGHBOURS = [np.array(step) * sign for step in np.eye(3, dtype=int) for sign in (-1, 1)]
_EDGES = [
    (first, second)
    for number, first in enumerate(_NEIGHBOURS)
    for second in _NEIGHBOURS[number + 1 :]
    if np.any(first + second)
]


def self_similarity(image: Tensor, cell: int) -> Tensor:
    """Return the self-similarity context of an image, averaged over cells of voxels.

    Parameters
    ----------
    image : (z, y, x), finite; each length a multiple of `cell`
    cell : voxels along an edge of a cell

    Returns
    -------
    (12, z / cell, y / cell, x / cell), 0..1: for twelve pairs of face neighbours, how alike their patches are.
    It does not change with brightness and contrast, nor when they are inverted.

    References
    ----------
    M. P. Heinrich et al., Towards realtime multimodal fusion for image-guided interventions using self-similarities,
    MICCAI 2013, doi 10.1007/978-3-642-40811-3_24.
    """
    import torch

    floor = _LEAST_VARIANCE * _mean_difference(image)
    reach = 2 * _DISTANCE + _RADIUS
    padded = torch.nn.functional.pad(image[None, None], (reach,) * 6, mode="replicate")[0, 0]
    slab = max(cell, _SLAB // cell * cell)
    parts = []
    for start in range(0, image.shape[0], slab):
        count = min(slab, image.shape[0] - start)
        parts.append(pooled(_context(padded[start : start + count + 2 * reach], floor), cell))
    return torch.cat(parts, 1)


def pooled(values: Tensor, cell: int) -> Tensor:
    """Return the means of (c, z, y, x) over cells of `cell` voxels along each axis."""
    if cell == 1:
        return values
    for axis in (3, 2, 1):
        shape = [*values.shape[:axis], values.shape[axis] // cell, cell, *values.shape[axis + 1 :]]
        values = values.reshape(shape).mean(axis + 1)
    return values


def box(values: Tensor) -> Tensor:
    """Return the means over 3 x 3 x 3 along the last three axes; each gets shorter by two."""
    for axis in (-1, -2, -3):
        length = values.shape[axis] - 2
        total = values.narrow(axis, 0, length) + values.narrow(axis, 1, length)
        values = total.add_(values.narrow(axis, 2, length)).div_(3)
    return values


def _context(padded: Tensor, floor: float) -> Tensor:
    """Return the context of the middle of `padded`, which reaches twice the distance and the radius further."""
    import torch

    inner = [length - 2 * (2 * _DISTANCE + _RADIUS) for length in padded.shape]
    distances: dict[tuple[int, ...], Tensor] = {}
    result = torch.empty((CHANNELS, *inner), dtype=padded.dtype, device=padded.device)
    for channel, (first, second) in enumerate(_EDGES):
        # Pairs with one difference vector are one image of distances, seen from two places.
        vector, base = first - second, second
        if tuple(-vector) in distances:
            vector, base = -vector, first
        if tuple(vector) not in distances:
            distances[tuple(vector)] = _patch_distance(padded, vector)
        result[channel] = _cut(distances[tuple(vector)], _DISTANCE + _DISTANCE * base, inner)
    result -= result.min(0, keepdim=True)[0]
    result /= result.mean(0, keepdim=True).clamp_(min=floor)
    return result.neg_().exp_()


def _patch_distance(padded: Tensor, vector: np.ndarray) -> Tensor:
    """Return the mean squared difference of patches at p + distance * vector and p, for p within distance of inside."""
    lengths = [length - 2 * _DISTANCE for length in padded.shape]
    there = _cut(padded, _DISTANCE + _DISTANCE * vector, lengths)
    here = _cut(padded, np.full(3, _DISTANCE), lengths)
    return box((there - here).square_())


def _cut(values: Tensor, start: np.ndarray, lengths: list[int]) -> Tensor:
    for axis, (first, length) in enumerate(zip(start.tolist(), lengths, strict=True)):
        values = values.narrow(axis, first, length)
    return values


def _mean_difference(image: Tensor) -> float:
    """Return the mean squared difference of voxels that are diagonal neighbours, two voxels to each side."""
    total, count = 0.0, 0
    for axis, sign in product(range(3), (1, -1)):
        others = [other for other in range(3) if other != axis]
        first = image.narrow(others[0], _DISTANCE, image.shape[others[0]] - _DISTANCE)
        second = image.narrow(others[0], 0, image.shape[others[0]] - _DISTANCE)
        if sign < 0:
            first, second = second, first
        length = image.shape[others[1]] - _DISTANCE
        difference = first.narrow(others[1], _DISTANCE, length) - second.narrow(others[1], 0, length)
        total += float(difference.square_().mean())
        count += 1
    return max(total / count, 1e-12)
