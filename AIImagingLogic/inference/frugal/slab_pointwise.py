"""Functions of each voxel's own values, some rows at a time."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.inference.frugal.call_record import Call, CallRecord, Reference
from AIImagingLogic.inference.frugal.slab_work import Read, row_size

_OF_ONE = (
    "relu relu6 leaky_relu prelu elu selu celu gelu silu mish hardtanh hardswish hardsigmoid softplus sigmoid tanh "
    "exp abs neg clamp square sqrt logsigmoid threshold"
)
_OF_TWO = "add sub mul div iadd isub imul itruediv radd rsub rmul truediv"
_NAMES = frozenset((_OF_ONE + " " + _OF_TWO).split())


class PointwiseRows:
    """A call whose result has the rows of what it is given."""

    row_by_row = True

    def __init__(self, record: CallRecord, made: int, call: Call) -> None:
        self._call = call
        self._rows = record.values[made].shape[2]
        self._sides = {number: record.values[number].shape[2] for number in call.used}
        given = sum(row_size(record.values[number].shape) for number in call.used)
        self.row_bytes, self.border_bytes = given + 2 * row_size(record.values[made].shape), 0

    def prepare(self, read: Read, rows: int) -> None:
        """Nothing is to be known first."""

    def compute(self, read: Read, start: int, stop: int) -> Any:
        """Return rows of the result."""
        from torch.utils._pytree import tree_map

        def rows_of(leaf: Any) -> Any:
            if not isinstance(leaf, Reference):
                return leaf
            alike = self._sides[leaf.number] == self._rows
            return read(leaf.number, start, stop, 0.0) if alike else read(leaf.number, 0, 1, 0.0)

        args, kwargs = tree_map(rows_of, (self._call.args, self._call.kwargs))
        return self._call.function(*args, **kwargs)


def pointwise_rows(record: CallRecord, made: int, call: Call) -> PointwiseRows | None:
    """Return a call done some rows at a time; None where it may look at more than each voxel's own values."""
    import torch
    from torch.utils._pytree import tree_leaves

    shape = record.values[made].shape
    for leaf in tree_leaves((call.args, call.kwargs)):
        if isinstance(leaf, Reference):
            given = record.values[leaf.number].shape
            if len(given) != len(shape) or given[2] not in (1, shape[2]):
                return None
        elif isinstance(leaf, torch.Tensor) and leaf.numel() > 1 and call.name != "prelu":
            return None
    if call.name == "softmax":
        axis = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim")
        return PointwiseRows(record, made, call) if axis in (1, 1 - len(shape)) else None
    return PointwiseRows(record, made, call) if call.name in _NAMES and "out" not in call.kwargs else None
