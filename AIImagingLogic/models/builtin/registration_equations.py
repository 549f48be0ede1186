"""The normal equations of a small displacement, gathered in blocks of voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from AIImagingLogic.models.builtin.registration_grid import Array
from AIImagingLogic.models.builtin.registration_pyramid import Channel

BLOCK_VOXELS = 2
_PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


@dataclass(frozen=True)
class NormalEquations:
    """Gauss-Newton terms of the difference between two images, a block of voxels each.

    Attributes
    ----------
    tensor : (6, z, y, x) zz, zy, zx, yy, yx, xx of the weighted gradient products, summed over the block, times mm3
    pull : (3, z, y, x) z, y, x: what the difference asks for, summed alike
    energy : mean robust difference inside the weight; lower is better
    overlap : 0..1, share of the weight where the moving image is known

    References
    ----------
    B. D. Lucas, T. Kanade, An iterative image registration technique (1981); S. Benhimane, E. Malis (2004) for the
    mean of both gradients, which converges faster than either; D. Geman, S. Geman style weights for outliers.
    """

    tensor: Array
    pull: Array
    energy: float
    overlap: float


def normal_equations(
    fixed: Sequence[Channel],
    fixed_gradients: Sequence[Sequence[Array]],
    moved: Sequence[Array],
    weight: Array,
    spacing_mm: float,
) -> NormalEquations:
    """Return the normal equations of fixed channels and the moving ones warped onto them."""
    known = np.isfinite(moved[0]) & np.isfinite(fixed[0].values)
    whole = float(weight.sum()) + 1e-6
    weight = weight * known
    total = float(weight.sum()) + 1e-6
    blocks = block_shape(weight.shape)
    tensor, pull, energy = np.zeros((6, *blocks), np.float32), np.zeros((3, *blocks), np.float32), 0.0
    for channel, own_gradient, values in zip(fixed, fixed_gradients, moved, strict=True):
        values = np.where(known, values, np.float32(0))
        difference = np.where(known, channel.values - values, np.float32(0)) / np.float32(channel.tolerance)
        squared = difference * difference
        energy += float((weight * np.log1p(squared)).sum()) / total
        trust = weight / (1 + squared) * np.float32(spacing_mm**3 / channel.tolerance)
        other_gradient = np.gradient(values, spacing_mm)
        mean = [np.float32(0.5) * (a + b) for a, b in zip(own_gradient, other_gradient, strict=True)]
        for axis in range(3):
            pull[axis] += _pooled(trust * mean[axis] * difference)
        trust /= np.float32(channel.tolerance)
        for number, (first, second) in enumerate(_PAIRS):
            tensor[number] += _pooled(trust * mean[first] * mean[second])
    return NormalEquations(tensor, pull, energy, total / whole)


def gradients(channels: Sequence[Channel], spacing_mm: float) -> list[list[Array]]:
    """Return the gradient of each channel along z, y, x, per mm; 0 where it is not known."""
    result = []
    for channel in channels:
        result.append([np.nan_to_num(np.asarray(part)) for part in np.gradient(channel.values, spacing_mm)])
    return result


def block_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return how many blocks there are along each axis."""
    return tuple(-(-count // BLOCK_VOXELS) for count in shape)


def _pooled(values: Array) -> Array:
    for axis in range(3):
        if values.shape[axis] % BLOCK_VOXELS:
            values = np.pad(values, [(0, 1 if other == axis else 0) for other in range(3)])
        even = [slice(None)] * 3
        odd = [slice(None)] * 3
        even[axis], odd[axis] = slice(0, None, 2), slice(1, None, 2)
        values = values[tuple(even)] + values[tuple(odd)]
    return values
