"""Pooling some rows at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from AIImagingLogic.inference.frugal.call_record import CallRecord, Reference
from AIImagingLogic.inference.frugal.slab_work import Read, per_axis, row_size


class PoolingRows:
    """Largest or mean value of boxes.

    Parameters
    ----------
    record : of the network
    made, given : numbers of the result and of what is pooled
    function : of PyTorch, called with rows and the padding of the axes
    kernel, stride, padding, dilation : one number for each axis
    fill : of what lies outside
    """

    row_by_row = False

    def __init__(
        self,
        record: CallRecord,
        made: int,
        given: int,
        function: Callable[[Any, tuple[int, ...]], Any],
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
        fill: float,
    ) -> None:
        self._given, self._function, self._fill = given, function, fill
        self._stride, self._padding = stride[0], padding
        self._reach = dilation[0] * (kernel[0] - 1) + 1
        read, result = row_size(record.values[given].shape), row_size(record.values[made].shape)
        # Pooling gives, or works with, places as well as values.
        self.row_bytes = 2 * read * self._stride + 3 * result
        self.border_bytes = 2 * read * max(self._reach - self._stride, 0)

    def prepare(self, read: Read, rows: int) -> None:
        """Nothing is to be known first."""

    def compute(self, read: Read, start: int, stop: int) -> Any:
        """Return rows of the result."""
        first = start * self._stride - self._padding[0]
        slab = read(self._given, first, first + (stop - 1 - start) * self._stride + self._reach, self._fill)
        return self._function(slab, (0, *self._padding[1:]))


def largest_rows(
    record: CallRecord,
    made: int,
    function: Any,
    input: Reference,  # noqa: A002
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> PoolingRows | None:
    """Return max pooling done some rows at a time; None where it is not a plain one. Parameters as PyTorch's."""
    import torch

    if ceil_mode or return_indices:
        return None
    axes = len(record.values[made].shape) - 2
    pool = (torch.max_pool1d, torch.max_pool2d, torch.max_pool3d)[axes - 1]
    kernel, pads, dilations = (per_axis(each, axes) for each in (kernel_size, padding, dilation))
    strides = per_axis(stride, axes) if stride else kernel

    def pooled(slab: Any, pads: tuple[int, ...]) -> Any:
        return pool(slab, kernel, strides, pads, dilations)

    return PoolingRows(record, made, input.number, pooled, kernel, strides, pads, dilations, -math.inf)


def mean_rows(
    record: CallRecord,
    made: int,
    function: Any,
    input: Reference,  # noqa: A002
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> PoolingRows | None:
    """Return mean pooling done some rows at a time; None where it is not a plain one. Parameters as PyTorch's."""
    axes = len(record.values[made].shape) - 2
    kernel, pads = per_axis(kernel_size, axes), per_axis(padding, axes)
    if ceil_mode or (pads[0] and not count_include_pad):
        return None
    strides = per_axis(stride, axes) if stride else kernel

    def pooled(slab: Any, pads: tuple[int, ...]) -> Any:
        return function(slab, kernel, strides, pads, False, count_include_pad, divisor_override)

    return PoolingRows(record, made, input.number, pooled, kernel, strides, pads, (1,) * axes, 0.0)
