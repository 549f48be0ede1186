"""Normalisation some rows at a time: mean and variance first where they are the values' own, then all in place."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.inference.frugal.call_record import CallRecord, Reference
from AIImagingLogic.inference.frugal.slab_work import Read, is_constant, row_size


class NormRows:
    """A value times a scale plus a shift for each channel.

    Parameters
    ----------
    record : of the network
    given : number of what is normalised
    groups : of channels that have mean and variance in common
    mean, variance : of each channel; None: those of the values themselves
    weight, bias : of each channel, or None
    eps : is added to the variance
    """

    row_by_row = True

    def __init__(
        self,
        record: CallRecord,
        given: int,
        groups: int,
        mean: Any,
        variance: Any,
        weight: Any,
        bias: Any,
        eps: float,
    ) -> None:
        self._given, self._groups, self._eps = given, groups, eps
        self._mean, self._variance, self._weight, self._bias = mean, variance, weight, bias
        self._shape = record.values[given].shape
        self._scale: Any = None
        self._shift: Any = None
        self.row_bytes, self.border_bytes = 3 * row_size(self._shape), 0

    def prepare(self, read: Read, rows: int) -> None:
        """Find scale and shift."""
        import torch

        mean, variance = self._mean, self._variance
        if mean is None:
            mean, variance = self._moments(read, rows)
        scale = (variance.double() + self._eps).rsqrt()
        if self._weight is not None:
            scale = scale * self._weight
        shift = -mean.double() * scale
        if self._bias is not None:
            shift = shift + self._bias
        sides = (1, -1, *(1 for _ in self._shape[2:]))
        self._scale, self._shift = scale.to(torch.float32).view(sides), shift.to(torch.float32).view(sides)

    def compute(self, read: Read, start: int, stop: int) -> Any:
        """Return normalised rows."""
        import torch

        return torch.addcmul(self._shift, read(self._given, start, stop, 0.0), self._scale)

    def _moments(self, read: Read, rows: int) -> tuple[Any, Any]:
        """Return mean and variance of each channel.

        References
        ----------
        Chan, Golub, LeVeque: Updating formulae and a pairwise algorithm for computing sample variances, 1979.
        """
        import torch

        count, mean, squares = 0, torch.zeros(self._groups).double(), torch.zeros(self._groups).double()
        for start in range(0, self._shape[2], rows):
            slab = read(self._given, start, min(start + rows, self._shape[2]), 0.0).reshape(self._groups, -1)
            more = slab.shape[1]
            # A first mean takes the values near 0, where single precision does; what it misses is added.
            middle = slab.mean(1, keepdim=True)
            rest = slab - middle
            missed = rest.mean(1).double()
            apart = middle[:, 0].double() + missed - mean
            total = count + more
            squares += rest.square_().sum(1).double() - missed * missed * more
            squares += apart * apart * (count * more / total)
            mean += apart * (more / total)
            count = total
        each = self._shape[1] // self._groups
        return mean.repeat_interleave(each), (squares / count).repeat_interleave(each)


def instance_rows(
    record: CallRecord,
    made: int,
    function: Any,
    input: Reference,  # noqa: A002
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> NormRows | None:
    """Return instance or batch normalisation of one image, done some rows at a time. Parameters as PyTorch's."""
    if not all(map(is_constant, (running_mean, running_var, weight, bias))):
        return None
    if use_input_stats and running_mean is not None:
        return None
    channels = record.values[input.number].shape[1]
    return NormRows(record, input.number, channels, running_mean, running_var, weight, bias, eps)


def group_rows(
    record: CallRecord,
    made: int,
    function: Any,
    input: Reference,  # noqa: A002
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> NormRows | None:
    """Return group normalisation done some rows at a time. Parameters as PyTorch's."""
    if not is_constant(weight) or not is_constant(bias):
        return None
    return NormRows(record, input.number, num_groups, None, None, weight, bias, eps)
