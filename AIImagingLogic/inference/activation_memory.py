"""How much memory a network needs while it looks at one window, measured on a smaller one."""

from __future__ import annotations

import math
import weakref
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from AIImagingLogic.records.resources import load_resource

# A window is halved for the measurement where that leaves what most networks can divide.
_DIVISIBLE = 32
# Measured with PyTorch 2.13: with fewer input channels a convolution is done as a product of matrices.
_FEW_CHANNELS = 8
_known: weakref.WeakKeyDictionary[Any, dict[tuple[int, ...], ActivationMemory]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class ActivationMemory:
    """Bytes that a pass over one window takes.

    Attributes
    ----------
    weights : of the parameters and buffers
    activations : largest sum of the values that live at once, between the operations of one pass
    reordered : the same while a convolution also holds copies of its input and output in the processor's own order, or
        of all that its kernel covers
    """

    weights: int
    activations: int
    reordered: int


def activation_memory(module: Any, window_shape: Sequence[int]) -> ActivationMemory:
    """Count the values that a network holds at once during a pass.

    Parameters
    ----------
    module : torch.nn.Module, on the CPU
    window_shape : (1, channels, *window)

    Notes
    -----
    Counted on a window of half the size and scaled by the number of voxels, which is right for convolutional networks;
    a network that takes its own window only is counted on that.
    """
    known = _known.setdefault(module, {})
    shape = tuple(window_shape)
    if shape not in known:
        known[shape] = _counted(module, shape)
    return known[shape]


def most_activation_memory(module: Any, window_shape: Sequence[int]) -> ActivationMemory:
    """Return what hardly any network exceeds, without running it. Parameters are those of `activation_memory`."""
    values = math.prod(window_shape[2:]) * load_resource("inference/memory_factors.json")["most_values_per_voxel"]
    return ActivationMemory(weight_bytes(module), 4 * values, 4 * values)


def small_window(window_shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of a smaller window that most networks take as well. Shapes are (1, channels, *window)."""
    return (*window_shape[:2], *(_halved(size) for size in window_shape[2:]))


def weight_bytes(module: Any) -> int:
    """Return the size of a network's parameters and buffers."""
    return sum(each.numel() * each.element_size() for each in [*module.parameters(), *module.buffers()])


def _counted(module: Any, window_shape: tuple[int, ...]) -> ActivationMemory:
    import torch

    small = small_window(window_shape)[2:]
    scale = math.prod(window_shape[2:]) / math.prod(small)
    meter = _meter()
    with torch.inference_mode():
        try:
            window = torch.zeros((*window_shape[:2], *small))
            with meter:
                module(window)
        except (RuntimeError, ValueError, AssertionError):
            scale, meter = 1.0, _meter()
            window = torch.zeros(window_shape)
            with meter:
                module(window)
    return ActivationMemory(weight_bytes(module), int(meter.peak * scale), int(meter.peak_reordered * scale))


def _halved(size: int) -> int:
    return size // 2 if size >= 2 * _DIVISIBLE and size % (2 * _DIVISIBLE) == 0 else max(min(size, _DIVISIBLE * 2), 1)


def _copies(given: Any, weights: Any, result: Any) -> int:
    """Return the bytes that a convolution needs besides what it is given and what it gives."""
    reordered = given.numel() * given.element_size() + result.numel() * result.element_size()
    if given.shape[1] >= _FEW_CHANNELS or given.shape[2:].numel() < result.shape[2:].numel():
        return int(reordered)
    # PyTorch lays out what the kernel covers, once for each voxel, and multiplies matrices.
    return int(max(reordered, given.shape[1] * weights.shape[2:].numel() * result[0, 0].numel() * 4))


def _meter() -> Any:
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class Meter(TorchDispatchMode):
        """Counts the bytes of tensors that are alive."""

        def __init__(self) -> None:
            super().__init__()
            self.live = self.peak = self.peak_reordered = 0
            self._holders: Counter[int] = Counter()
            self._sizes: dict[int, int] = {}

        def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = operation(*args, **(kwargs or {}))
            for tensor in tree_leaves(result):
                if hasattr(tensor, "untyped_storage"):
                    self._hold(tensor)
            self.peak = max(self.peak, self.live)
            copies = _copies(args[0], args[1], result) if "conv" in str(operation) else 0
            self.peak_reordered = max(self.peak_reordered, self.live + copies)
            return result

        def _hold(self, tensor: Any) -> None:
            storage = tensor.untyped_storage()
            key = storage._cdata
            if self._holders[key] == 0:
                self._sizes[key] = storage.nbytes()
                self.live += self._sizes[key]
            self._holders[key] += 1
            weakref.finalize(tensor, self._drop, key)

        def _drop(self, key: int) -> None:
            self._holders[key] -= 1
            if self._holders[key] == 0:
                self.live -= self._sizes.pop(key)

    return Meter()
