"""What calls that can be done some rows at a time have in common. A row is all that lies at one place of the first
spatial axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from AIImagingLogic.inference.frugal.call_record import Reference

# Gives rows first <= row < last of a value of (1, channels, rows, ...); rows outside of it are `fill`.
Read = Callable[[int, int, int, float], Any]


class SlabWork(Protocol):
    """A call done some rows at a time.

    Attributes
    ----------
    row_by_row : whether a row of the result depends on that row of the values alone
    row_bytes : of what is read and made for one row of the result, with copies that PyTorch makes besides
    border_bytes : of what is read besides, however few rows are made
    """

    row_by_row: bool
    row_bytes: int
    border_bytes: int

    def prepare(self, read: Read, rows: int) -> None:
        """Look at the values first, `rows` at a time."""
        ...

    def compute(self, read: Read, start: int, stop: int) -> Any:
        """Return rows start <= row < stop of the result."""
        ...


def is_constant(argument: Any) -> bool:
    """Whether an argument is a tensor of the network's own or none at all, not a value."""
    return not isinstance(argument, Reference)


def per_axis(value: Any, axes: int) -> tuple[int, ...]:
    """Return an argument that may be one number for all spatial axes as one number each."""
    if isinstance(value, Sequence):
        numbers = tuple(int(each) for each in value)
        return numbers if len(numbers) == axes else numbers * axes
    return (int(value),) * axes


def row_size(shape: Sequence[int]) -> int:
    """Return the bytes of a row of a value (1, channels, rows, ...) in single precision."""
    count = 4 * shape[1]
    for side in shape[3:]:
        count *= side
    return count


def padded_rows(take: Callable[[int, int], Any], shape: Sequence[int], first: int, last: int, fill: float) -> Any:
    """Return rows first <= row < last of a value; those beyond it are `fill`.

    Parameters
    ----------
    take : returns rows of the value from one up to another
    shape : (1, channels, rows, ...)
    """
    import torch

    low = min(max(first, 0), shape[2])
    high = max(min(last, shape[2]), low)
    rows = take(low, high)
    if low == first and high == last:
        return rows
    # Rows that lie before and after: the value's own begin at `low`, or none of them are asked for.
    before, after = max(min(-first, last - first), 0), max(min(last - shape[2], last - first), 0)
    sides = [0, 0] * (len(shape) - 3) + [before, after]
    return torch.nn.functional.pad(rows, sides, value=fill)
