"""MONAI's transforms of intensities as steps of our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from AIImagingLogic.inference import intensity
from AIImagingLogic.inference.intensity import IntensityStep
from AIImagingLogic.models.formats.bundle_refusal import is_no, refused

Steps = tuple[IntensityStep, ...]
Arguments = Mapping[str, Any]
_POINTWISE = (intensity.Clip, intensity.ScaleRange, intensity.Standardise)


def is_intensity(name: str) -> bool:
    """Whether a transform of this name changes intensities in a way that is known here."""
    return name in _STEPS


def is_pointwise(step: IntensityStep) -> bool:
    """Whether a voxel's new value depends on its old one alone."""
    return isinstance(step, _POINTWISE)


def is_linear(step: IntensityStep) -> bool:
    """Whether it gives the same before and after a linear interpolation."""
    return isinstance(step, intensity.Standardise) or (isinstance(step, intensity.ScaleRange) and not step.clip)


def intensity_steps(
    name: str, arguments: Arguments, place: str, alone: bool
) -> tuple[tuple[Steps, ...], tuple[float, float] | None]:
    """Return the steps of each channel (one tuple for all), and the range that all channels together are scaled to.

    Parameters
    ----------
    name : of the transform, ending in d
    arguments : its arguments
    place : stands in messages
    alone : the transform sees one channel at a time

    Raises
    ------
    UntrustedModel
        An argument has no counterpart here.

    References
    ----------
    MONAI, Transforms (dictionary): Intensity. https://docs.monai.io/en/stable/transforms.html
    """
    channel_wise = alone or bool(arguments.get("channel_wise"))
    if name == "ScaleIntensityd" and not channel_wise:
        return ((),), _range(arguments, place, name)
    if name in _WHOLE_IMAGE and not channel_wise and arguments.get("subtrahend") is None:
        raise refused(place, f"'{name}' of several channels together")
    return _STEPS[name](arguments, place), None


def _scale_range(arguments: Arguments, place: str) -> tuple[Steps, ...]:
    low, high = (_number(arguments, key, place) for key in ("a_min", "a_max"))
    if not high > low:
        raise refused(place, f"ScaleIntensityRanged from {low} to {high}")
    if arguments.get("b_min") is None or arguments.get("b_max") is None:
        return ((intensity.ScaleRange(low, high),),)
    new_low, new_high = (_number(arguments, key, place) for key in ("b_min", "b_max"))
    return ((intensity.ScaleRange(low, high, new_low, new_high, arguments.get("clip") is True),),)


def _scale(arguments: Arguments, place: str) -> tuple[Steps, ...]:
    return ((intensity.ScaleToExtremes(*_range(arguments, place, "ScaleIntensityd")),),)


def _range(arguments: Arguments, place: str, name: str) -> tuple[float, float]:
    if arguments.get("factor") is not None or arguments.get("minv", 0) is None or arguments.get("maxv", 1) is None:
        raise refused(place, f"'{name}' by a factor")
    return _number({"minv": 0.0, **arguments}, "minv", place), _number({"maxv": 1.0, **arguments}, "maxv", place)


def _normalise(arguments: Arguments, place: str) -> tuple[Steps, ...]:
    means, deviations = arguments.get("subtrahend"), arguments.get("divisor")
    nonzero = arguments.get("nonzero") is True
    if means is None and deviations is None:
        return ((intensity.StandardiseImage(nonzero),),)
    if means is None or deviations is None or nonzero:
        raise refused(
            place, "NormalizeIntensityd with one figure given and the other measured, or voxels of 0 left out"
        )
    pairs = zip(*([item] if isinstance(item, (int, float)) else list(item) for item in (means, deviations)))
    return tuple((intensity.Standardise(float(mean), float(deviation)),) for mean, deviation in pairs)


def _percentiles(arguments: Arguments, place: str) -> tuple[Steps, ...]:
    if not is_no(arguments.get("relative")) or arguments.get("b_min") is None or arguments.get("b_max") is None:
        raise refused(place, "ScaleIntensityRangePercentilesd without limits, or with relative ones")
    lower, upper, low, high = (_number(arguments, key, place) for key in ("lower", "upper", "b_min", "b_max"))
    return ((intensity.ScaleToPercentiles(lower, upper, low, high, arguments.get("clip") is True),),)


def _threshold(arguments: Arguments, place: str) -> tuple[Steps, ...]:
    limit = _number(arguments, "threshold", place)
    if _number({"cval": 0.0, **arguments}, "cval", place) != limit:
        raise refused(place, "ThresholdIntensityd that puts another value than its threshold")
    largest = 3.4e38
    above = arguments.get("above", True) is True
    return ((intensity.Clip(limit, largest) if above else intensity.Clip(-largest, limit),),)


def _number(arguments: Arguments, key: str, place: str) -> float:
    value = arguments.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise refused(place, f"'{key}' is {value!r}, no number")
    return float(value)


_STEPS: dict[str, Callable[[Arguments, str], tuple[Steps, ...]]] = {
    "ScaleIntensityRanged": _scale_range,
    "ScaleIntensityd": _scale,
    "NormalizeIntensityd": _normalise,
    "ScaleIntensityRangePercentilesd": _percentiles,
    "ThresholdIntensityd": _threshold,
}
_WHOLE_IMAGE = ("NormalizeIntensityd", "ScaleIntensityRangePercentilesd")
