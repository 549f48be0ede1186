"""Instance optimisation: the velocity that lowers the difference of two images, by Adam, smooth at each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from AIImagingLogic.models.builtin.mind_registration.fields import (
    Shape,
    centers,
    exponential,
    halvings,
    in_grid_units,
    smooth,
)
from AIImagingLogic.records.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor

# Cells that count for less are left out: the rim of a mask.
_LEAST_WEIGHT = 0.05
_LAST_RATE = 0.2
_DECAYS, _LEAST_SIZE = (0.9, 0.99), 1e-8
_PART = 16384


def descend(
    velocity: Tensor,
    fixed: Tensor,
    moving: Tensor,
    weight: Tensor,
    voxels: Shape,
    stiffness: float,
    iterations: int,
    rate: float,
    progress: Progress,
) -> Tensor:
    """Return a velocity (1, 3, z, y, x; voxels) whose exponential brings the features of two images together.

    Parameters
    ----------
    velocity : to begin with, on cells of any size
    fixed, moving : (c, z, y, x), means over cells
    weight : (z, y, x) 0..1, how much a cell of the fixed image counts
    voxels : size of the working grid
    stiffness : weight of the squared gradient of the velocity against the difference of the features
    iterations, rate : of Adam; the rate counts voxels and falls to a fifth
    progress : asked for cancellation at each iteration

    References
    ----------
    H. Siebert, C. Grossbroehmer, L. Hansen, M. P. Heinrich, ConvexAdam: self-configuring dual-optimisation-based 3D
    multitask medical image registration, IEEE Trans. Med. Imaging 44 (2025).
    """
    import torch

    cell = voxels[0] / velocity.shape[2]
    # Only cells that count are sampled.
    chosen = torch.nonzero(weight.reshape(-1) > _LEAST_WEIGHT)[:, 0]
    wanted = weight.reshape(-1)[chosen]
    wanted = wanted / wanted.sum().clamp(min=1e-6)
    flat = fixed.reshape(len(fixed), -1)
    places = centers(weight.shape, weight.device).reshape(-1, 3)[chosen]
    parameters = velocity.clone().requires_grad_(True)
    mean, square = torch.zeros_like(velocity), torch.zeros_like(velocity)
    count = halvings(velocity, voxels)
    for iteration in range(iterations):
        progress.report(iteration / iterations, "Instance optimisation")
        parameters.grad = None
        current = smooth(parameters)
        field = in_grid_units(exponential(current, voxels, count), voxels).permute(0, 4, 1, 2, 3)
        leaf = field.detach().requires_grad_(True)
        # Part by part, or what backward needs of all channels at once would be the peak of memory.
        for place, share, part in zip(places.split(_PART), wanted.split(_PART), chosen.split(_PART), strict=True):
            moved = _at(leaf, place).T
            ((_at(moving[None], place + moved) - flat[:, part]).square().sum(0) * share).sum().backward()
        torch.autograd.backward([field, stiffness * roughness(current / cell)], [leaf.grad, None])
        step = rate * _LAST_RATE ** (iteration / iterations)
        with torch.no_grad():
            parameters -= step * _direction(parameters.grad, mean, square, iteration + 1)
    return smooth(parameters.detach())


def _direction(gradient: Tensor, mean: Tensor, square: Tensor, number: int) -> Tensor:
    """Return where Adam goes at step `number` (from 1); the running `mean` and `square` of the gradient are renewed.

    Written out: PyTorch's own brings its compiler with it, 75 MB and a second for nothing.

    References
    ----------
    D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1.
    """
    first, second = _DECAYS
    mean.mul_(first).add_(gradient, alpha=1 - first)
    square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
    return (mean / (1 - first**number)) / ((square / (1 - second**number)).sqrt_() + _LEAST_SIZE)


def _at(values: Tensor, places: Tensor) -> Tensor:
    """Return `values` (1, c, z, y, x) at places (n, 3) as `grid_sample` counts them: (c, n)."""
    import torch

    return torch.nn.functional.grid_sample(
        values, places[None, None, None], padding_mode="border", align_corners=False
    )[0, :, 0, 0]


def roughness(field: Tensor) -> Tensor:
    """Return the mean squared difference between neighbouring cells, summed over components and axes."""
    return sum(field.diff(dim=axis).square().mean() * 3 for axis in (2, 3, 4))
