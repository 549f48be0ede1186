"""The network: a 3D U-Net of .7 million weights that sees an image, prompts and what was outlined before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

CHANNELS = 5
"""As `network_input` makes them."""
# Few at full resolution, where nearly all of the time goes.
WIDTHS = (8, 24, 48, 96)
DIVISIBLE_BY = 2 ** (len(WIDTHS) - 1)


def build_network() -> torch.nn.Module:
    """Return the network with random weights: (batch, 5, *window) to logits (batch, 1, *window).

    The window's sides must be multiples of 8.
    """
    import torch
    from torch import nn

    def block(before: int, after: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv3d(before, after, 3, padding=1), nn.InstanceNorm3d(after, affine=True), nn.LeakyReLU(0.01)
        )

    class PromptedNetwork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            befores = (CHANNELS, *WIDTHS[:-1])
            self.down = nn.ModuleList(
                nn.Sequential(block(before, width), block(width, width)) for before, width in zip(befores, WIDTHS)
            )
            self.up = nn.ModuleList(
                block(coarse + width, width) for width, coarse in zip(WIDTHS[-2::-1], WIDTHS[:0:-1])
            )
            self.out = nn.Conv3d(WIDTHS[0], 1, 1)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            functional, kept = nn.functional, []
            for number, stage in enumerate(self.down):
                values = stage(values if number == 0 else functional.max_pool3d(values, 2))
                kept.append(values)
            for stage, beside in zip(self.up, kept[-2::-1]):
                coarse = functional.interpolate(values, scale_factor=2, mode="trilinear", align_corners=False)
                values = stage(torch.cat((coarse, beside), 1))
            logits: torch.Tensor = self.out(values)
            return logits

    return PromptedNetwork()
