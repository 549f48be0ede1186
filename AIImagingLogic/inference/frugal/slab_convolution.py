"""Convolutions, transposed or not, some rows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from AIImagingLogic.inference.frugal.call_record import CallRecord, Reference
from AIImagingLogic.inference.frugal.convolution_kernels import Kernel, TransposedKernel
from AIImagingLogic.inference.frugal.slab_work import Read, is_constant, row_size


class ConvolutionRows:
    """A convolution, transposed or not.

    Parameters
    ----------
    record : of the network
    made, given : numbers of the result and of what is convolved
    kernel : of the convolution
    """

    row_by_row = False

    def __init__(self, record: CallRecord, made: int, given: int, kernel: Kernel) -> None:
        self._given, self._kernel = given, kernel
        read, result = row_size(record.values[given].shape), row_size(record.values[made].shape)
        self.row_bytes, self.border_bytes = kernel.needed_bytes(read, result)

    def prepare(self, read: Read, rows: int) -> None:
        """Nothing is to be known first."""

    def compute(self, read: Read, start: int, stop: int) -> Any:
        """Return rows of the result."""
        return self._kernel.rows(read(self._given, *self._kernel.span(start, stop), 0.0), start, stop)


def convolution_rows(
    record: CallRecord, made: int, name: str, function: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> ConvolutionRows | None:
    """Return a convolution done some rows at a time; None where it is not a plain one."""
    kind = TransposedKernel if "transpose" in name else Kernel
    given, named = list(args), dict(kwargs)
    given = given or [named.pop("input", None)]
    weight = given[1] if len(given) > 1 else named.get("weight")
    bias = given[2] if len(given) > 2 else named.get("bias")
    if not isinstance(given[0], Reference) or weight is None or not is_constant(weight) or not is_constant(bias):
        return None
    if len(record.values[given[0].number].shape) != len(weight.shape):
        return None
    kernel = kind(function, *given[1:], **named)
    return ConvolutionRows(record, made, given[0].number, kernel) if kernel.is_plain else None
