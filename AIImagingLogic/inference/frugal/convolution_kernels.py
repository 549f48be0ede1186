"""Convolutions, transposed or not: what they read for some rows of their result, and how those are computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from AIImagingLogic.inference.frugal.slab_work import per_axis

# Measured with PyTorch 2.13: with fewer input channels a convolution is done as a product of matrices.
_FEW_CHANNELS = 8


class Kernel:
    """A convolution.

    Parameters
    ----------
    function : of PyTorch
    weight, bias, stride, padding, dilation, groups : as called

    Attributes
    ----------
    is_plain : whether as much is padded before as behind; others cannot be done by rows here
    """

    def __init__(
        self,
        function: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> None:
        axes = len(weight.shape) - 2
        self.function, self.weight, self.bias, self.groups = function, weight, bias, groups
        self.strides, self.dilations = per_axis(stride, axes), per_axis(dilation, axes)
        self.is_plain = True
        if isinstance(padding, str):
            # More is padded behind than before where a side is even.
            self.is_plain = all(side % 2 for side in weight.shape[2:])
            sides = zip(self.dilations, weight.shape[2:])
            padding = [step * (side - 1) // 2 if padding == "same" else 0 for step, side in sides]
        self.pads = per_axis(padding, axes)
        self.reach = self.dilations[0] * (weight.shape[2] - 1)

    def result_sides(self, given_sides: Sequence[int]) -> list[int]:
        """Return the sides of the result for those of what is given."""
        axes = zip(given_sides, self.pads, self.dilations, self.weight.shape[2:], self.strides)
        return [(side + 2 * pad - step * (size - 1) - 1) // stride + 1 for side, pad, step, size, stride in axes]

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Return the first row, and the one after the last, that rows start <= row < stop of the result depend on."""
        first = start * self.strides[0] - self.pads[0]
        return first, first + (stop - 1 - start) * self.strides[0] + self.reach + 1

    def rows(self, slab: Any, start: int, stop: int) -> Any:
        """Return rows of the result; `slab` are those of `span`, 0 beyond the value."""
        pads = (0, *self.pads[1:])
        return self.function(slab, self.weight, self.bias, self.strides, pads, self.dilations, self.groups)

    def needed_bytes(self, read: int, result: int) -> tuple[int, int]:
        """Return the bytes for a row, and for the borders, when rows of such sizes are read and made."""
        row = 2 * (read * self.strides[0] + result)
        if self.weight.shape[1] < _FEW_CHANNELS:
            # PyTorch lays out what the kernel covers, once for each voxel.
            covered = self.weight.shape[1] * self.groups * math.prod(self.weight.shape[2:])
            row += result // self.weight.shape[0] * covered
        return row, 2 * read * (self.reach + 1 - self.strides[0])


class TransposedKernel(Kernel):
    """A transposed convolution. Parameters are those of `Kernel`, and `output_padding` as called."""

    def __init__(
        self,
        function: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> None:
        super().__init__(function, weight, bias, stride, padding, dilation, groups)
        self._more = per_axis(output_padding, len(self.strides))

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Return all rows that are spread over those asked for; beyond the value they are 0 and add nothing."""
        step, pad = self.strides[0], self.pads[0]
        return (start + pad - self.reach) // step, -((1 - stop - pad) // step) + 1

    def rows(self, slab: Any, start: int, stop: int) -> Any:
        """Return rows of the result; `slab` are those of `span`, 0 beyond the value."""
        pads, more = (0, *self.pads[1:]), (0, *self._more[1:])
        spread = self.function(slab, self.weight, self.bias, self.strides, pads, more, self.groups, self.dilations)
        first, _ = self.span(start, stop)
        return spread.narrow(2, start + self.pads[0] - first * self.strides[0], stop - start)

    def needed_bytes(self, read: int, result: int) -> tuple[int, int]:
        """Return the bytes for a row, and for the borders, when rows of such sizes are read and made."""
        row = 2 * (math.ceil(read / self.strides[0]) + result)
        return row, 2 * (read * (2 + self.reach // self.strides[0]) + result * (self.reach + 1))
