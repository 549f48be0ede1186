"""3D convolutions of PyTorch done slab by slab: the same values with less memory besides."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

PARTS = 8
# Results of fewer values are made in one go.
_LEAST_VALUES = 1 << 16


@contextlib.contextmanager
def convolutions_in_parts() -> Iterator[None]:
    """Let PyTorch compute 3D convolutions in parts along their first axis until the block ends, in this thread.

    A convolution needs copies of what it is given and gives, or of all that its kernel covers, while it runs. These are
    so made for a part at a time.
    """
    with _mode():
        yield


def _mode() -> Any:
    import torch
    from torch.overrides import TorchFunctionMode

    class Parts(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if function is torch.conv3d:
                return _convolution(function, *args, **kwargs)
            return function(*args, **kwargs)

    return Parts()


def _convolution(
    function: Any,
    values: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    import torch

    if isinstance(padding, str) or values.dim() != 5:
        return function(values, weight, bias, stride, padding, dilation, groups)
    strides, pads, dilations = (_triple(each) for each in (stride, padding, dilation))
    sizes = [
        (size + 2 * pad - step * (side - 1) - 1) // by + 1
        for size, pad, step, side, by in zip(values.shape[2:], pads, dilations, weight.shape[2:], strides)
    ]
    result = values.new_empty((len(values), len(weight), *sizes))
    if result.numel() < _LEAST_VALUES or sizes[0] < PARTS:
        return function(values, weight, bias, stride, padding, dilation, groups)
    reach = dilations[0] * (weight.shape[2] - 1) + 1
    for number in range(PARTS):
        start, end = sizes[0] * number // PARTS, sizes[0] * (number + 1) // PARTS
        first, last = start * strides[0] - pads[0], (end - 1) * strides[0] - pads[0] + reach
        part = values[:, :, max(first, 0) : min(last, values.shape[2])]
        outside = (max(-first, 0), max(last - values.shape[2], 0))
        if any(outside):
            part = torch.nn.functional.pad(part, (0, 0, 0, 0, *outside))
        result[:, :, start:end] = function(part, weight, bias, strides, (0, *pads[1:]), dilations, groups)
    return result


def _triple(value: Any) -> tuple[int, int, int]:
    if isinstance(value, Sequence):
        first, second, third = value if len(value) == 3 else tuple(value) * 3
        return int(first), int(second), int(third)
    return int(value), int(value), int(value)
