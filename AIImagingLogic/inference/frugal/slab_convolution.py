"""Convolutions, transposed or not, some rows at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from AIImagingLogic.inference.frugal.call_record import CallRecord, Reference
from AIImagingLogic.inference.frugal.slab_work import Read, is_constant, per_axis, row_size

# Measured with PyTorch 2.13: with fewer input channels a convolution is done as a product of matrices.
_FEW_CHANNELS = 8


class ConvolutionRows:
    """A convolution.

    Parameters
    ----------
    record : of the network
    made : number of the result
    function, given, weight, bias, stride, padding, dilation, groups : as called
    """

    row_by_row = False

    def __init__(
        self,
        record: CallRecord,
        made: int,
        function: Any,
        given: Reference,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> None:
        axes = len(weight.shape) - 2
        self._function, self._given = function, given.number
        self._weight, self._bias, self._groups = weight, bias, groups
        self._strides, self._dilations = per_axis(stride, axes), per_axis(dilation, axes)
        if isinstance(padding, str):
            sides = zip(self._dilations, weight.shape[2:])
            padding = [step * (side - 1) // 2 if padding == "same" else 0 for step, side in sides]
        self._pads = per_axis(padding, axes)
        self._reach = self._dilations[0] * (weight.shape[2] - 1) + 1
        read, result = row_size(record.values[self._given].shape), row_size(record.values[made].shape)
        self.row_bytes = 2 * (read * self._strides[0] + result)
        if weight.shape[1] < _FEW_CHANNELS:
            # PyTorch lays out what the kernel covers, once for each voxel.
            covered = weight.shape[1] * groups * math.prod(weight.shape[2:])
            self.row_bytes += result // weight.shape[0] * covered
        self.border_bytes = 2 * read * (self._reach - self._strides[0])

    def prepare(self, read: Read, rows: int) -> None:
        """Nothing is to be known first."""

    def compute(self, read: Read, start: int, stop: int) -> Any:
        """Return rows of the result."""
        first = start * self._strides[0] - self._pads[0]
        slab = read(self._given, first, first + (stop - 1 - start) * self._strides[0] + self._reach, 0.0)
        pads = (0, *self._pads[1:])
        return self._function(slab, self._weight, self._bias, self._strides, pads, self._dilations, self._groups)


class TransposedRows:
    """A transposed convolution. Parameters are those of `ConvolutionRows`, and `output_padding` as called."""

    row_by_row = False

    def __init__(
        self,
        record: CallRecord,
        made: int,
        function: Any,
        given: Reference,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> None:
        axes = len(weight.shape) - 2
        self._function, self._given = function, given.number
        self._weight, self._bias, self._groups = weight, bias, groups
        self._strides, self._dilations = per_axis(stride, axes), per_axis(dilation, axes)
        self._pads, self._more = per_axis(padding, axes), per_axis(output_padding, axes)
        self._reach = self._dilations[0] * (weight.shape[2] - 1)
        read, result = row_size(record.values[self._given].shape), row_size(record.values[made].shape)
        self.row_bytes = 2 * (math.ceil(read / self._strides[0]) + result)
        self.border_bytes = 2 * (read * (2 + self._reach // self._strides[0]) + result * (self._reach + 1))

    def prepare(self, read: Read, rows: int) -> None:
        """Nothing is to be known first."""

    def compute(self, read: Read, start: int, stop: int) -> Any:
        """Return rows of the result."""
        step, pad = self._strides[0], self._pads[0]
        # All rows that are spread over those asked for; beyond the value they are 0 and add nothing.
        first = (start + pad - self._reach) // step
        last = -((1 - stop - pad) // step)
        slab = read(self._given, first, last + 1, 0.0)
        pads, more = (0, *self._pads[1:]), (0, *self._more[1:])
        spread = self._function(
            slab, self._weight, self._bias, self._strides, pads, more, self._groups, self._dilations
        )
        return spread.narrow(2, start + pad - first * step, stop - start)


def convolution_rows(
    record: CallRecord, made: int, name: str, function: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> ConvolutionRows | TransposedRows | None:
    """Return a convolution done some rows at a time; None where it is not a plain one."""
    kind = TransposedRows if "transpose" in name else ConvolutionRows
    given, named = list(args), dict(kwargs)
    given = given or [named.pop("input", None)]
    weight = given[1] if len(given) > 1 else named.get("weight")
    bias = given[2] if len(given) > 2 else named.get("bias")
    if not isinstance(given[0], Reference) or weight is None or not is_constant(weight) or not is_constant(bias):
        return None
    if len(record.values[given[0].number].shape) != len(weight.shape):
        return None
    padding = given[4] if len(given) > 4 else named.get("padding", 0)
    if isinstance(padding, str) and any(side % 2 == 0 for side in weight.shape[2:]):
        return None
    return kind(record, made, function, *given, **named)
