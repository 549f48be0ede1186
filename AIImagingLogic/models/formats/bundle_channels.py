"""What a bundle does to all channels together, as part of its network: a common range, another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# Below this range an image is even; dividing by it would blow up what is not there.
_LEAST_RANGE = 1e-12


def with_common_range(module: torch.nn.Module, low: float, high: float, dimensions: int) -> torch.nn.Module:
    """Return the network with its input's least and greatest value, of all channels together, scaled to a range."""
    import torch

    wiring = torch.fx.Graph()
    image = wiring.placeholder("image")
    axes = tuple(range(1, dimensions + 2))
    least, greatest = (wiring.call_function(find, (image, axes, True)) for find in (torch.amin, torch.amax))
    extent = wiring.call_function(torch.clamp, (wiring.call_function(torch.sub, (greatest, least)), _LEAST_RANGE))
    share = wiring.call_function(torch.div, (wiring.call_function(torch.sub, (image, least)), extent))
    scaled = wiring.call_function(torch.add, (wiring.call_function(torch.mul, (share, high - low)), low))
    wiring.output(wiring.call_module("network", (scaled,)))
    return torch.fx.GraphModule(torch.nn.ModuleDict({"network": module}), wiring).eval()


def with_channels(module: torch.nn.Module, order: Sequence[int]) -> torch.nn.Module:
    """Return the network with its output's channels in another order."""
    import torch

    wiring = torch.fx.Graph()
    value = wiring.call_module("network", (wiring.placeholder("image"),))
    parts = [wiring.call_function(torch.narrow, (value, 1, number, 1)) for number in order]
    wiring.output(wiring.call_function(torch.cat, (parts, 1)))
    return torch.fx.GraphModule(torch.nn.ModuleDict({"network": module}), wiring).eval()
