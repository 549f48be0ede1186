"""The network: a fully convolutional 3D pyramid of a million weights; a heat map of centres every 4 mm."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

STRIDE = 4
DIVISIBLE_BY = 8
REACH = 56
"""An output depends on no voxel farther away than this: what a part of a volume must be given around it."""
OUTPUTS = 5
"""Logit of the heat map; offset of the centre along k, j, i from the cell's middle, in cells; log of radius / 4 mm."""
_WIDTHS = (24, 48, 64)
_RARE_LOGIT = -4.0


def build_network(normalised: bool = False) -> torch.nn.Module:
    """Return the network with random weights: (batch, 1, *volume) to (batch, 5, *volume / 4).

    The volume's sides must be multiples of 8. Kernels are even where the grid gets coarser, so that the middle of
    cell c lies at voxel 4 c + 1.5, whichever way an axis runs.

    Parameters
    ----------
    normalised : with batch normalisation, for training; without it as it is used (see `folding`)

    References
    ----------
    Zhou X, Wang D, Kraehenbuehl P. Objects as points. arXiv:1904.07850 (2019): the heat map, offsets and sizes.
    """
    import torch
    from torch import nn

    fine, middle, coarse = _WIDTHS

    def layer(before: int, after: int, coarser: bool = False) -> nn.Sequential:
        size, step = (4, 2) if coarser else (3, 1)
        parts: list[nn.Module] = [nn.Conv3d(before, after, size, step, 1, bias=not normalised)]
        if normalised:
            parts.append(nn.BatchNorm3d(after))
        return nn.Sequential(*parts)

    class Residual(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.first, self.second = layer(width, width), layer(width, width)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            added: torch.Tensor = self.second(nn.functional.relu(self.first(values)))
            return nn.functional.relu(values + added)

    class NoduleNetwork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = layer(1, fine, coarser=True)
            self.fine = Residual(fine)
            self.to_middle = layer(fine, middle, coarser=True)
            self.middle = nn.Sequential(Residual(middle), Residual(middle))
            self.to_coarse = layer(middle, coarse, coarser=True)
            self.coarse = Residual(coarse)
            self.joined = layer(middle + coarse, middle)
            self.out = nn.Conv3d(middle, OUTPUTS, 1)
            nn.init.normal_(self.out.weight, std=0.01)
            nn.init.zeros_(self.out.bias)
            # Nodules are rare: without it the first steps would be spent on learning that.
            self.out.bias.data[0] = _RARE_LOGIT

        def forward(self, volume: torch.Tensor) -> torch.Tensor:
            relu = nn.functional.relu
            values = self.fine(relu(self.stem(volume)))
            values = self.middle(relu(self.to_middle(values)))
            around = self.coarse(relu(self.to_coarse(values)))
            around = nn.functional.interpolate(around, scale_factor=2, mode="nearest")
            result: torch.Tensor = self.out(relu(self.joined(torch.cat((values, around), 1))))
            return result

    return NoduleNetwork()
