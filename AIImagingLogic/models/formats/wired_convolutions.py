"""Flat convolutional networks wired from named layers, so that their weights bear the names that files give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Pair = int | tuple[int, int]


class Wiring:
    """Layers and how they follow each other. `image` is the input; every method returns a value of the graph."""

    def __init__(self) -> None:
        import torch

        self._graph = torch.fx.Graph()
        self._modules: dict[str, torch.nn.Module] = {}
        self._unused: dict[str, torch.nn.Module] = {}
        self.image = self._graph.placeholder("image")

    def convolution(
        self, value: Any, name: str, given: int, made: int, kernel: Pair, stride: int = 1, padding: Pair = 0
    ) -> Any:
        """Convolve without a bias, from `given` to `made` channels."""
        from torch import nn

        return self._layer(name, nn.Conv2d(given, made, kernel, stride, padding, bias=False), value)

    def normalised(self, value: Any, name: str, channels: int, least: float = 1e-5) -> Any:
        """Normalise by the figures of the training."""
        from torch import nn

        return self._layer(name, nn.BatchNorm2d(channels, eps=least), value)

    def rectified(self, value: Any) -> Any:
        """Put 0 in place of values below it."""
        return self._call("relu", value)

    def greatest(self, value: Any, kernel: int, stride: int, padding: int = 0) -> Any:
        """Take the greatest value under a kernel."""
        return self._call("max_pool2d", value, kernel, stride, padding)

    def averaged(self, value: Any, kernel: int, stride: int, padding: int) -> Any:
        """Average under a kernel, zeros beyond the border counted."""
        return self._call("avg_pool2d", value, kernel, stride, padding)

    def averaged_whole(self, value: Any) -> Any:
        """Average each channel over all places."""
        return self._call("adaptive_avg_pool2d", value, 1)

    def summed(self, first: Any, second: Any) -> Any:
        """Add two values."""
        import torch

        return self._graph.call_function(torch.add, (first, second))

    def joined(self, values: Sequence[Any]) -> Any:
        """Put the channels of values one after the other."""
        import torch

        return self._graph.call_function(torch.cat, (list(values), 1))

    def rescaled(self, value: Any, factors: Sequence[float], offsets: Sequence[float]) -> Any:
        """Multiply each channel by a factor and add an offset."""
        import torch

        parts = []
        for number, (factor, offset) in enumerate(zip(factors, offsets, strict=True)):
            channel = self._graph.call_function(torch.narrow, (value, 1, number, 1))
            scaled = self._graph.call_function(torch.mul, (channel, factor))
            parts.append(self._graph.call_function(torch.add, (scaled, offset)))
        return self.joined(parts)

    def last_layer(self, value: Any, name: str, given: int, made: int, as_convolution: bool, bias: bool) -> Any:
        """Give `made` figures for each image."""
        from torch import nn

        if as_convolution:
            value = self._layer(name, nn.Conv2d(given, made, 1, bias=bias), value)
            return self._graph.call_method("flatten", (value, 1))
        return self._layer(name, nn.Linear(given, made, bias), self._graph.call_method("flatten", (value, 1)))

    def without_use(self, name: str, module: torch.nn.Module) -> None:
        """Add a layer that plays no part in prediction but stands in files of weights."""
        self._unused[name] = module

    def finished(self, value: Any) -> torch.nn.Module:
        """Return the network that gives this value, in evaluation mode."""
        import torch

        self._graph.output(value)
        network = torch.fx.GraphModule(self._modules, self._graph)
        for name, module in self._unused.items():
            network.add_submodule(name, module)
        return network.eval()

    def _layer(self, name: str, module: torch.nn.Module, value: Any) -> Any:
        self._modules[name] = module
        return self._graph.call_module(name, (value,))

    def _call(self, name: str, *arguments: Any) -> Any:
        import torch

        return self._graph.call_function(getattr(torch.nn.functional, name), arguments)
