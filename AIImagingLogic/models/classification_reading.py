"""The recipe in a classification package's network.json: read field by field, each checked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, get_args

from AIImagingLogic.inference import intensity
from AIImagingLogic.inference.classification_recipe import ClassificationRecipe, ClassOutput, Fit, SliceRule
from AIImagingLogic.inference.intensity import IntensityStep
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

_STEPS: dict[str, Callable[..., IntensityStep]] = {
    "Clip": intensity.Clip,
    "ScaleRange": intensity.ScaleRange,
    "Standardise": intensity.Standardise,
    "StandardiseImage": intensity.StandardiseImage,
    "ScaleToExtremes": intensity.ScaleToExtremes,
    "ScaleToPercentiles": intensity.ScaleToPercentiles,
}
_WORDS: dict[str, tuple[str, ...]] = {
    "output": get_args(ClassOutput),
    "fit": get_args(Fit),
    "slices": get_args(SliceRule),
}
_ADVICE = "See the guide on classification for what a network.json holds."


def read_recipe(described: Any, classes: int) -> ClassificationRecipe:
    """Return the recipe that a package describes.

    Parameters
    ----------
    described : the object ``recipe`` of its network.json; its names are those of `ClassificationRecipe`
    classes : that the package names

    Raises
    ------
    ModelError
        A field is missing, unknown, or makes no sense; the message names it.
    """
    if not isinstance(described, Mapping):
        raise ModelError("The package does not say how its network is fed.", _ADVICE)
    known = {field.name for field in dataclasses.fields(ClassificationRecipe)} - {"classes"}
    if unknown := sorted(set(described) - known):
        raise ModelError(f"The package's recipe has '{unknown[0]}', which is not known.", _ADVICE)
    values = dict(described)
    for name, allowed in (("channels", (1, 3)), ("dimensions", (2, 3))):
        if values.get(name) not in allowed:
            raise _wrong(name, values.get(name))
    for name, words in _WORDS.items():
        if name in values and values[name] not in words:
            raise _wrong(name, values[name])
    for name in ("size", "spacing_mm"):
        if values.get(name) is not None:
            values[name] = _numbers(name, values[name], values["dimensions"], whole=name == "size")
    if values.get("copies", 1) not in (1, 3) or values["channels"] * values.get("copies", 1) > 3:
        raise _wrong("copies", values["copies"])
    for name, kind in (("axes", str), ("smoothed", bool), ("intensity_first", bool)):
        if name in values and not isinstance(values[name], kind):
            raise _wrong(name, values[name])
    if "padding_value" in values and not _is_number(values["padding_value"]):
        raise _wrong("padding_value", values["padding_value"])
    values["intensity"] = _intensity(values.get("intensity", []), values["channels"])
    return ClassificationRecipe(classes=classes, **values)


def _numbers(name: str, value: Any, count: int, whole: bool) -> tuple[float, ...]:
    largest = load_resource("model_formats/classification.json")["largest_number"]
    kinds = int if whole else (int, float)
    fits = isinstance(value, list) and len(value) == count
    if not fits or not all(isinstance(item, kinds) and 0 < item <= largest for item in value):
        raise _wrong(name, value)
    return tuple(value)


def _intensity(described: Any, channels: int) -> tuple[tuple[IntensityStep, ...], ...]:
    """Return the steps of each channel; a plain list of steps stands for all channels."""
    if not isinstance(described, list):
        raise _wrong("intensity", described)
    if not described:
        return ()
    lists = described if isinstance(described[0], list) else [described]
    if len(lists) not in (1, channels):
        raise ModelError(f"The package describes the intensities of {len(lists)} channels.", _ADVICE)
    return tuple(tuple(_step(step) for step in steps) for steps in lists)


def _step(described: Any) -> IntensityStep:
    name = described.get("step") if isinstance(described, Mapping) else None
    if name not in _STEPS:
        raise ModelError(f"The intensity step '{name}' is not supported.", f"Those that are: {', '.join(_STEPS)}.")
    arguments = {key: value for key, value in described.items() if key != "step"}
    try:
        if not all(isinstance(value, bool) or _is_number(value) for value in arguments.values()):
            raise TypeError("its values must be numbers")
        return _STEPS[name](**arguments)
    except TypeError as error:
        raise ModelError(f"The intensity step '{name}' is not described well: {error}.", _ADVICE) from error


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _wrong(name: str, value: Any) -> ModelError:
    return ModelError(f"The package's recipe says {name} = {value!r}, which makes no sense.", _ADVICE)
