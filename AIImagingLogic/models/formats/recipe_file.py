"""The recipe in a network.json: the fields of `NetworkRecipe` and the intensity steps, checked one by one."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from AIImagingLogic.inference import intensity
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.models.formats.conformed_range import ConformedRange
from AIImagingLogic.records.errors import ModelError

_STEPS = {
    step.__name__: step
    for step in (
        intensity.Clip,
        intensity.ScaleRange,
        intensity.Standardise,
        intensity.StandardiseImage,
        intensity.ScaleToExtremes,
        intensity.ScaleToPercentiles,
        ConformedRange,
    )
}
_ADVICE = "Correct the network.json of the package, or get the package again."
_MOST_CHANNELS = 4096


def read_recipe(data: Any, place: str) -> NetworkRecipe:
    """Return the recipe that `data` describes.

    Parameters
    ----------
    data : fields of `NetworkRecipe`; `channels` and `output_channels` must be there, all else has its default; `values`
        are 0, 1, ... for softmax and labels, 1, 2, ... for sigmoid; an intensity step is
        ``{"step": "Clip", "low": -1000, "high": 400}``
    place : stands in messages

    Raises
    ------
    ModelError
        A field is unknown, missing, of another kind, or the fields contradict each other; it is named.
    """
    if not isinstance(data, Mapping):
        raise ModelError(f"{place} has no recipe.", _ADVICE)
    given = dict(data)
    if "intensity" in given:
        given["intensity"] = _intensity(given["intensity"], place)
    count = given.get("output_channels")
    if isinstance(count, int) and not 0 < count <= _MOST_CHANNELS:
        raise ModelError(f"{place}: 'output_channels' makes no sense ({count}).", _ADVICE)
    if "values" not in given and isinstance(count, int):
        first = 1 if given.get("output") == "sigmoid" else 0
        given["values"] = list(range(first, first + count))
    recipe: NetworkRecipe = _built(NetworkRecipe, given, place, ready=("intensity",))
    _check(recipe, place)
    return recipe


def _intensity(data: Any, place: str) -> tuple[tuple[Any, ...], ...]:
    if not isinstance(data, list) or not all(isinstance(steps, list) for steps in data):
        raise ModelError(f"{place}: 'intensity' must list the steps of each channel.", _ADVICE)
    return tuple(tuple(_step(item, place) for item in steps) for steps in data)


def _step(data: Any, place: str) -> Any:
    name = data.get("step") if isinstance(data, Mapping) else None
    if name not in _STEPS:
        raise ModelError(f"{place}: there is no intensity step '{name}'.", f"Those there are: {', '.join(_STEPS)}.")
    given = {key: value for key, value in data.items() if key != "step"}
    step = _built(_STEPS[name], given, f"{place}, {name}")
    if getattr(step, "high", 1.0) <= getattr(step, "low", 0.0):
        raise ModelError(f"{place}, {name}: 'high' must be above 'low'.", _ADVICE)
    return step


def _built(kind: Any, given: Mapping[str, Any], place: str, ready: tuple[str, ...] = ()) -> Any:
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if unknown := sorted(set(given) - set(fields)):
        raise ModelError(f"{place}: '{unknown[0]}' is not known.", f"Known: {', '.join(fields)}.")
    missing = [name for name, field in fields.items() if field.default is dataclasses.MISSING and name not in given]
    if missing:
        raise ModelError(f"{place}: '{missing[0]}' is missing.", _ADVICE)
    values = {
        name: value if name in ready else _value(value, hints[name], f"{place}: '{name}'")
        for name, value in given.items()
    }
    return kind(**values)


def _value(value: Any, hint: Any, place: str) -> Any:
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _value(value, next(item for item in arguments if item is not type(None)), place)
    if origin is Literal and value in arguments:
        return value
    if origin is tuple and isinstance(value, list):
        return tuple(_value(item, arguments[0], place) for item in value)
    if hint in (bool, str) and isinstance(value, hint):
        return value
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if number and (hint is float or (hint is int and value == int(value))):
        return hint(value)
    wanted = " or ".join(str(item) for item in arguments) if origin is Literal else getattr(hint, "__name__", str(hint))
    raise ModelError(f"{place} is {str(value)[:60]!r} instead of {wanted}.", _ADVICE)


def _check(recipe: NetworkRecipe, place: str) -> None:
    dimensions = len(recipe.window or recipe.spacing_mm or (0, 0, 0))
    faults = {
        "channels": 0 < recipe.channels <= _MOST_CHANNELS,
        "output_channels": 0 < recipe.output_channels <= _MOST_CHANNELS,
        "values": len(recipe.values) == recipe.output_channels
        and all(0 <= value < 1 << 16 for value in recipe.values)
        and len(set(recipe.values)) == len(recipe.values),
        "axes": recipe.axes == "" or sorted(_pair(letter) for letter in recipe.axes) == [0, 1, 2],
        "spacing_mm": recipe.spacing_mm is None
        or (len(recipe.spacing_mm) in (2, 3) and all(0 < step <= 100 for step in recipe.spacing_mm)),
        "intensity": len(recipe.intensity) in (0, 1, recipe.channels),
        "window": recipe.window is None
        or (len(recipe.window) in (2, 3) and all(0 < size <= 1 << 14 for size in recipe.window)),
        "overlap": 0 <= recipe.overlap < 1,
        "threshold": 0 < recipe.threshold < 1,
        "mirrored_axes": all(0 <= axis < dimensions for axis in recipe.mirrored_axes),
        "divisible_by": 0 < recipe.divisible_by <= 1 << 10,
    }
    if wrong := [name for name, fits in faults.items() if not fits]:
        raise ModelError(f"{place}: '{wrong[0]}' makes no sense ({getattr(recipe, wrong[0])}).", _ADVICE)


def _pair(letter: str) -> int:
    return next((number for number, pair in enumerate(("LR", "PA", "SI")) if letter in pair), -1)
