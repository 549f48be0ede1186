"""3D convolutions of PyTorch done slab by slab: the same values with less memory besides.

For networks whose calls cannot be recorded (`frugal`): PyTorch shows each convolution when it is called.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from functools import partial
from typing import Any

from AIImagingLogic.inference.frugal.convolution_kernels import Kernel
from AIImagingLogic.inference.frugal.slab_work import padded_rows

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


def _convolution(function: Any, values: Any, weight: Any, *args: Any, **kwargs: Any) -> Any:
    kernel = Kernel(function, weight, *args, **kwargs)
    sides = kernel.result_sides(values.shape[2:]) if values.dim() == 5 and kernel.is_plain else [0]
    count = math.prod((len(values), len(weight), *sides))
    if count < _LEAST_VALUES or sides[0] < PARTS:
        return function(values, weight, *args, **kwargs)
    result = values.new_empty((len(values), len(weight), *sides))
    for number in range(PARTS):
        start, stop = sides[0] * number // PARTS, sides[0] * (number + 1) // PARTS
        first, last = kernel.span(start, stop)
        slab = padded_rows(partial(_rows, values), values.shape, first, last, 0.0)
        result[:, :, start:stop] = kernel.rows(slab, start, stop)
    return result


def _rows(values: Any, low: int, high: int) -> Any:
    return values.narrow(2, low, high - low)
