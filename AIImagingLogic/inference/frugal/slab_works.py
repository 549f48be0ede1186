"""Which calls of a network can be done some rows at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from AIImagingLogic.inference.frugal.call_record import Call, CallRecord, Reference
from AIImagingLogic.inference.frugal.slab_convolution import convolution_rows
from AIImagingLogic.inference.frugal.slab_norm import group_rows, instance_rows
from AIImagingLogic.inference.frugal.slab_pointwise import pointwise_rows
from AIImagingLogic.inference.frugal.slab_pooling import largest_rows, mean_rows
from AIImagingLogic.inference.frugal.slab_resizing import resized_rows
from AIImagingLogic.inference.frugal.slab_work import SlabWork

_CONVOLUTIONS = ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
# Batch and instance normalisation take the same arguments in the same order, the sixth under another name.
_MAKERS: dict[str, Callable[..., SlabWork | None]] = {
    "batch_norm": instance_rows,
    "instance_norm": instance_rows,
    "group_norm": group_rows,
    "max_pool2d": largest_rows,
    "max_pool3d": largest_rows,
    "avg_pool2d": mean_rows,
    "avg_pool3d": mean_rows,
    "interpolate": resized_rows,
}


def slab_work(record: CallRecord, call: Call) -> SlabWork | None:
    """Return how a call is done some rows at a time; None: it is done in one go.

    Parameters
    ----------
    record : of the network
    call : one of its calls
    """
    if len(call.results) != 1 or call.results[0] is None:
        return None
    made = call.results[0]
    shapes = [record.values[number].shape for number in (made, *call.used)]
    if any(len(shape) < 4 or shape[0] != 1 for shape in shapes) or len({len(shape) for shape in shapes}) > 1:
        return None
    if not call.used or not all(record.values[number].is_single for number in (made, *call.used)):
        return None
    if call.changed:
        # In place: the result is what was given first.
        first = call.args[0] if call.args else None
        named = isinstance(first, Reference) and first.number == made
        return pointwise_rows(record, made, call) if named and call.changed == {record.values[made].group} else None
    if record.values[made].group != made:
        return None
    if call.name in _CONVOLUTIONS:
        return convolution_rows(record, made, call.name, call.function, call.args, call.kwargs)
    if call.name in _MAKERS:
        return _bound(_MAKERS[call.name], record, made, call)
    return pointwise_rows(record, made, call)


def _bound(maker: Callable[..., SlabWork | None], record: CallRecord, made: int, call: Call) -> SlabWork | None:
    named: dict[str, Any] = dict(call.kwargs)
    if "training" in named:
        named["use_input_stats"] = named.pop("training")
    given = call.args[0] if call.args else named.get("input")
    if not isinstance(given, Reference):
        return None
    try:
        return maker(record, made, call.function, *call.args, **named)
    except TypeError:
        # Called in a way that is not known here: it is done in one go.
        return None
