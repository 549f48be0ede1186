"""What the nodule network is to say of a patch, and how far its answer is from that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.nodule_network.architecture import STRIDE
from AIImagingLogic.models.builtin.nodule_network.marks import RADIUS_UNIT_MM, cells_of
from Testing.Training.nodule_patches import BORDER, Sample

if TYPE_CHECKING:
    from torch import Tensor

_SIGMA_SHARE, _SIGMAS = 0.5, (0.45, 2.0)
_NEAR_CENTER = 0.55
_BESIDE_MM = 3.0
_OFFSET_WEIGHT, _RADIUS_WEIGHT = 1.0, 0.5


@dataclass(frozen=True)
class CellTargets:
    """Of one patch, each (k, j, i) of cells, float32.

    Attributes
    ----------
    heat : 1 at the cell of a centre, falling off around it
    judged : 0 where nothing is asked
    offsets : (3, k, j, i) from the cell's middle to the centre, in cells
    radii : logarithm of the radius over 4 mm
    """

    heat: NDArray[np.float32]
    judged: NDArray[np.float32]
    offsets: NDArray[np.float32]
    radii: NDArray[np.float32]


def targets_of(sample: Sample) -> CellTargets:
    """Return what is asked of a patch: cells that hold lung, away from the patch's sides."""
    side = sample.hu.shape[0] // STRIDE
    cells = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij")).astype(float)
    heat, radii = np.zeros((side,) * 3), np.zeros((side,) * 3)
    offsets = np.zeros((3, side, side, side))
    judged = cells_of(sample.depth > 0).astype(float)
    edge = BORDER // STRIDE
    inner = np.zeros_like(judged)
    inner[edge:-edge, edge:-edge, edge:-edge] = 1.0
    judged *= inner
    for *center, diameter, excluded in sample.nodules:
        to_center = (np.array(center) - (STRIDE - 1) / 2).reshape(3, 1, 1, 1) / STRIDE - cells
        apart = np.sqrt((to_center**2).sum(0))
        if excluded:
            judged[apart * STRIDE < diameter / 2 + _BESIDE_MM] = 0.0
            continue
        sigma = float(np.clip(diameter / 2 / STRIDE * _SIGMA_SHARE, *_SIGMAS))
        own = np.exp(-(apart**2) / (2 * sigma**2))
        own[np.abs(to_center).max(0) <= 0.5] = 1.0
        better = own > heat
        heat = np.maximum(heat, own)
        offsets = np.where(better, to_center, offsets)
        radii = np.where(better, np.log(max(diameter, 2.0) / 2 / RADIUS_UNIT_MM), radii)
    return CellTargets(*(part.astype(np.float32) for part in (heat, judged, offsets, radii)))


def loss_of(given: Tensor, heat: Tensor, judged: Tensor, offsets: Tensor, radii: Tensor) -> Tensor:
    """Return the loss of a batch, a patch's mean.

    Parameters
    ----------
    given : (B, 5, k, j, i), as the network answers
    heat, judged, radii : (B, k, j, i)
    offsets : (B, 3, k, j, i)

    References
    ----------
    Law H, Deng J. CornerNet. ECCV 2018: the focal loss that asks less near a centre.
    """
    from torch.nn.functional import logsigmoid

    logit = given[:, 0]
    chance = logit.sigmoid()
    found = -((1 - chance) ** 2) * logsigmoid(logit)
    false = -((1 - heat) ** 4) * chance**2 * logsigmoid(-logit)
    is_center = heat >= 1.0
    classified = (judged * is_center.float() * found).sum() + (judged * (~is_center).float() * false).sum()
    near = judged * heat * (heat > _NEAR_CENTER).float()
    placed = (near[:, None] * (given[:, 1:4] - offsets).abs()).sum()
    sized = (near * (given[:, 4] - radii).abs()).sum()
    return (classified + _OFFSET_WEIGHT * placed + _RADIUS_WEIGHT * sized) / len(given)
