"""Steps down when memory is short: first those that change no label, then smaller windows, at last another device."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from AIImagingLogic.inference.arrangement import Arrangement
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.records.resources import load_resource

# A smaller window stays a multiple of this, which most networks' halvings divide.
_MULTIPLE = 16


def _never() -> bool:
    return False


def next_rung(
    arrangement: Arrangement, recipe: NetworkRecipe, backend: str, can_be_frugal: Callable[[], bool] = _never
) -> Arrangement | None:
    """Return the next arrangement that needs less memory; None when there is none.

    Parameters
    ----------
    arrangement : that is too large
    recipe : of the network
    backend : that the network runs on, ``openvino`` or ``torch``
    can_be_frugal : whether the network can be run call by call; asked only where nothing else is left but its window
    """
    if arrangement.at_once > 1 and backend == "openvino":
        return replace(arrangement, at_once=1)
    if not arrangement.sums_on_disk:
        return replace(arrangement, sums_on_disk=True)
    if not arrangement.volume_on_disk:
        return replace(arrangement, volume_on_disk=True)
    if arrangement.device != "cpu" and not arrangement.half_precision:
        return replace(arrangement, half_precision=True)
    if backend == "openvino":
        return replace(arrangement, plain=True)
    if arrangement.device == "cpu" and not arrangement.in_parts:
        return replace(arrangement, in_parts=True)
    if arrangement.device == "cpu" and not arrangement.frugal and arrangement.window is None and can_be_frugal():
        return replace(arrangement, frugal=True)
    if arrangement.frugal and not arrangement.values_on_disk:
        return replace(arrangement, values_on_disk=True)
    window = arrangement.window or recipe.window
    smaller = _smaller(window, recipe.divisible_by) if window is not None else None
    if smaller is not None:
        return replace(arrangement, window=smaller)
    if arrangement.device != "cpu":
        return Arrangement("cpu", sums_on_disk=True, volume_on_disk=True, off_gpu=True)
    return None


def spared_notes(first: Arrangement, arrangement: Arrangement, recipe: NetworkRecipe) -> tuple[str, ...]:
    """Return a note on each thing that an arrangement spares and the first one did not."""
    spared = {
        "single": first.at_once > 1 and arrangement.at_once == 1 and not arrangement.plain,
        "sums": arrangement.sums_on_disk and not first.sums_on_disk,
        "volume": arrangement.volume_on_disk and not first.volume_on_disk,
        "half": arrangement.half_precision,
        "plain": arrangement.plain,
        "parts": arrangement.in_parts and not arrangement.frugal,
        "frugal": arrangement.frugal and not arrangement.values_on_disk,
        "values": arrangement.values_on_disk,
        "window": arrangement.window is not None,
        "cpu": arrangement.off_gpu,
    }
    words = {
        "smaller": "x".join(map(str, arrangement.window or ())),
        "window": "x".join(map(str, recipe.window or ())),
    }
    return tuple(_NOTES[name].format(**words) for name, is_spared in spared.items() if is_spared)


def is_shortage(error: BaseException) -> bool:
    """Whether an error says that memory, the computer's or a GPU's, did not suffice."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    # PyTorch's allocator for the CPU and OpenVINO have no error of their own for it.
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(phrase in said for phrase in _PHRASES)


def _smaller(window: Sequence[int], divisible_by: int) -> tuple[int, ...] | None:
    """Return the window with its longest side a step shorter; None when it is as small as is useful."""
    multiple = math.lcm(_MULTIPLE, divisible_by)
    shorter = (max(window) - 1) // multiple * multiple
    if shorter < _LEAST:
        return None
    # The first axis of the longest: which one it is does not matter to the network.
    at = window.index(max(window))
    return tuple(shorter if axis == at else side for axis, side in enumerate(window))


_NOTES: dict[str, str] = load_resource("inference/ladder.json")["notes"]
_PHRASES: list[str] = load_resource("inference/ladder.json")["shortage_phrases"]
_LEAST: int = load_resource("inference/ladder.json")["least_window"]
