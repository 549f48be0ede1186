"""Steps down when memory is short: first those that change no label, then smaller windows, at last another device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from AIImagingLogic.inference.arrangement import Arrangement
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.records.resources import load_resource

# A smaller window stays a multiple of this, which most networks' halvings divide.
_MULTIPLE = 16


def next_rung(arrangement: Arrangement, recipe: NetworkRecipe, backend: str) -> tuple[Arrangement, str] | None:
    """Return the next arrangement that needs less memory and a note that says so; None when there is none.

    Parameters
    ----------
    arrangement : that is too large
    recipe : of the network
    backend : that the network runs on, ``openvino`` or ``torch``
    """
    if not arrangement.sums_on_disk:
        return replace(arrangement, sums_on_disk=True), _NOTES["sums"]
    if not arrangement.volume_on_disk:
        return replace(arrangement, volume_on_disk=True), _NOTES["volume"]
    if arrangement.device != "cpu" and not arrangement.half_precision:
        return replace(arrangement, half_precision=True), _NOTES["half"]
    if backend == "openvino":
        return replace(arrangement, plain=True), _NOTES["plain"]
    if arrangement.device == "cpu" and not arrangement.in_parts:
        return replace(arrangement, in_parts=True), _NOTES["parts"]
    window = arrangement.window or recipe.window
    smaller = _smaller(window, recipe.divisible_by) if window is not None else None
    if smaller is not None:
        return replace(arrangement, window=smaller), _NOTES["window"].format(
            smaller="x".join(map(str, smaller)), window="x".join(map(str, recipe.window or ()))
        )
    if arrangement.device != "cpu":
        return Arrangement("cpu", sums_on_disk=True, volume_on_disk=True), _NOTES["cpu"]
    return None


def is_shortage(error: BaseException) -> bool:
    """Whether an error says that memory, the computer's or a GPU's, did not suffice."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    # PyTorch's allocator for the CPU and OpenVINO have no error of their own for it.
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(phrase in said for phrase in _PHRASES)


def _smaller(window: Sequence[int], divisible_by: int) -> tuple[int, ...] | None:
    """Return the window with its longest sides shortened by about a third; None when it is as small as is useful."""
    multiple = math.lcm(_MULTIPLE, divisible_by)
    longest = max(window)
    shorter = longest * 2 // 3 // multiple * multiple
    if shorter < _LEAST:
        return None
    return tuple(min(side, shorter) if side > shorter else side for side in window)


_NOTES: dict[str, str] = load_resource("inference/ladder.json")["notes"]
_PHRASES: list[str] = load_resource("inference/ladder.json")["shortage_phrases"]
_LEAST: int = load_resource("inference/ladder.json")["least_window"]
