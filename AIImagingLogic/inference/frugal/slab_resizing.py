"""Up- and downsampling by interpolation some rows at a time: within rows first, then between them."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.inference.frugal.call_record import CallRecord, Reference
from AIImagingLogic.inference.frugal.slab_work import Read, row_size

_WITHIN = {
    ("trilinear", 5): "bilinear",
    ("bilinear", 4): "linear",
    ("nearest", 5): "nearest",
    ("nearest", 4): "nearest",
    ("nearest-exact", 5): "nearest-exact",
    ("nearest-exact", 4): "nearest-exact",
}


class ResizedRows:
    """Rows between rows.

    Parameters
    ----------
    record : of the network
    made, given : numbers of the result and of what is interpolated
    positions : torch float64, of the result's rows among those of what is interpolated
    within : interpolates (rows, channels, ...) within rows
    """

    row_by_row = False

    def __init__(self, record: CallRecord, made: int, given: int, positions: Any, within: Any) -> None:
        rows = record.values[given].shape[2]
        self._given, self._within = given, within
        self._lower = positions.floor().long().clamp(0, rows - 1)
        self._upper = (self._lower + 1).clamp(max=rows - 1)
        self._share = (positions - self._lower).float()
        read, result = row_size(record.values[given].shape), row_size(record.values[made].shape)
        # Two rows between which each lies, and what lies between them.
        self.row_bytes, self.border_bytes = 2 * read + 4 * result, 2 * (read + result)

    def prepare(self, read: Read, rows: int) -> None:
        """Nothing is to be known first."""

    def compute(self, read: Read, start: int, stop: int) -> Any:
        """Return rows of the result."""
        import torch

        lower, upper, share = self._lower[start:stop], self._upper[start:stop], self._share[start:stop]
        first = int(lower.min())
        slab = read(self._given, first, int(upper.max()) + 1, 0.0)[0].transpose(0, 1)
        planes = self._within(slab)
        share = share.view(-1, *(1 for _ in planes.shape[1:]))
        between = planes[lower - first]
        if bool(share.any()):
            between = torch.lerp(between, planes[upper - first], share)
        return between.transpose(0, 1)[None]


def resized_rows(
    record: CallRecord,
    made: int,
    function: Any,
    input: Reference,  # noqa: A002
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> ResizedRows | None:
    """Return an interpolation done some rows at a time; None where it is not a plain one. Parameters as PyTorch's."""
    import torch

    shape = record.values[input.number].shape
    within_mode = _WITHIN.get((mode, len(shape)))
    if within_mode is None or antialias or recompute_scale_factor:
        return None
    axes = len(shape) - 2
    sizes, scales = _each(size, axes), _each(scale_factor, axes)

    def resize(values: Any, part: slice, mode: str) -> Any:
        return torch.nn.functional.interpolate(
            values, sizes[part] if sizes else None, scales[part] if scales else None, mode, align_corners
        )

    line = torch.arange(shape[2], dtype=torch.float64).view(1, 1, -1)
    positions = resize(line, slice(0, 1), "linear" if "linear" in mode else mode)[0, 0]

    def within(rows: Any) -> Any:
        return resize(rows, slice(1, None), within_mode)

    return ResizedRows(record, made, input.number, positions, within)


def _each(value: Any, axes: int) -> list[Any] | None:
    if value is None:
        return None
    return list(value) if isinstance(value, (list, tuple)) else [value] * axes
