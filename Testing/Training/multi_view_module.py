"""The network of `multi_view_network` as a module of PyTorch, to be trained; its weights are those that NumPy runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from AIImagingLogic.models.builtin.multi_view_network import CONVOLUTIONS, DENSE, SIDE, SPACINGS_MM

if TYPE_CHECKING:
    import torch

_CHANNELS = (8, 16, 24)
_VIEW, _JOINT = 24, 12
_DROPPED = 0.25


def build_module() -> torch.nn.Module:
    """Return the module; it maps (N, V, C, SIDE, SIDE), 0..1, to log odds (N,)."""
    import torch
    from torch.nn import functional

    class Module(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            before = len(SPACINGS_MM)
            for name, channels in zip(CONVOLUTIONS, _CHANNELS, strict=True):
                setattr(self, name, torch.nn.Conv2d(before, channels, 3, padding=1))
                before = channels
            flat = _CHANNELS[-1] * (SIDE // 2 ** len(CONVOLUTIONS)) ** 2
            for name, sizes in zip(DENSE, ((flat, _VIEW), (2 * _VIEW, _JOINT), (_JOINT, 1)), strict=True):
                setattr(self, name, torch.nn.Linear(*sizes))
            for name in (*CONVOLUTIONS, *DENSE):
                # Without it nothing is learnt in the first hundreds of steps: there is no normalisation.
                torch.nn.init.kaiming_normal_(getattr(self, name).weight, nonlinearity="relu")
                torch.nn.init.zeros_(getattr(self, name).bias)

        def forward(self, patches: torch.Tensor) -> torch.Tensor:
            values = patches.flatten(0, 1)
            for name in CONVOLUTIONS:
                values = functional.max_pool2d(functional.relu(getattr(self, name)(values)), 2)
            flat = functional.dropout(values.flatten(1), _DROPPED, self.training)
            each = functional.relu(getattr(self, DENSE[0])(flat)).unflatten(0, patches.shape[:2])
            joint = functional.relu(getattr(self, DENSE[1])(torch.cat([each.mean(1), each.amax(1)], 1)))
            answer: torch.Tensor = getattr(self, DENSE[2])(joint)[:, 0]
            return answer

    return Module()
