"""How a bundle's configuration says that a detection network is fed, and which boxes count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from AIImagingLogic.inference.intensity import IntensityStep, ScaleRange, Standardise, StandardiseImage
from AIImagingLogic.models.bundle_config.description import Component, MethodCall
from AIImagingLogic.models.retinanet.described_detector import plain
from AIImagingLogic.records.errors import ModelError

# Reading a file, and moving or casting an array: done here in any case.
_NOTHING_TO_DO = ("LoadImaged", "EnsureChannelFirstd", "EnsureTyped", "CastToTyped", "AddChanneld", "ToTensord")
# Arguments that count of the calls on a detector, in their order, and what they set here.
_SETTINGS = {
    "score_thresh": "least_score",
    "topk_candidates_per_level": "candidates_per_map",
    "nms_thresh": "overlap_allowed",
    "detections_per_img": "most_boxes",
    "roi_size": "window",
    "overlap": "overlap",
    "weights": "code_weights",
}
_CALLS = {
    "set_box_selector_parameters": tuple(_SETTINGS)[:4],
    "set_sliding_window_inferer": ("roi_size", "sw_batch_size", "overlap"),
    "set_box_coder_weights": ("weights",),
}


@dataclass
class DescribedFeeding:
    """Axes, spacing and intensity of what a network sees."""

    axes: str = ""
    spacing_mm: tuple[float, ...] | None = None
    intensity: list[IntensityStep] = field(default_factory=list)
    intensity_first: bool = False


@dataclass(frozen=True)
class DescribedSelection:
    """Which boxes count; what a configuration leaves open is as MONAI's detector has it."""

    least_score: float = 0.05
    candidates_per_map: int = 1000
    overlap_allowed: float = 0.5
    most_boxes: int = 300
    window: tuple[int, ...] | None = None
    overlap: float = 0.25
    code_weights: tuple[float, ...] = (1.0,) * 6


def read_feeding(transforms: Sequence[Any]) -> DescribedFeeding:
    """Return what a chain of transforms does to an image.

    Raises
    ------
    ModelError
        A transform is not supported; it is named, with its place.
    """
    feeding = DescribedFeeding()
    for place, transform in enumerate(transforms):
        name = _short_name(transform)
        try:
            known = name in _NOTHING_TO_DO or _taken(name, transform.arguments, feeding)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"The step '{name}' (preprocessing::{place}) is set up in a way that is not supported ({error}).",
                "Choose another model.",
            ) from error
        if not known:
            raise ModelError(f"The step '{name}' (preprocessing::{place}) is not supported.", "Choose another model.")
    return feeding


def _short_name(transform: Any) -> str:
    """Return the name of a transform of dictionaries as MONAI's pages write it, whichever of its aliases is used."""
    name = transform.name if isinstance(transform, Component) else type(transform).__name__
    for alias in ("Dict", "D"):
        if name.endswith(alias):
            return name.removesuffix(alias) + "d"
    return name


def _taken(name: str, arguments: Mapping[str, Any], feeding: DescribedFeeding) -> bool:
    """Add what a transform does; False when it is not known."""
    if name == "Orientationd":
        feeding.axes = str(arguments["axcodes"])
    elif name == "Spacingd":
        feeding.spacing_mm = tuple(float(value) for value in arguments["pixdim"])
        feeding.intensity_first = bool(feeding.intensity)
    elif name == "ScaleIntensityRanged":
        low, high = float(arguments["a_min"]), float(arguments["a_max"])
        if low == high:
            raise ValueError("an empty range")
        new_low, new_high = float(arguments.get("b_min", 0.0)), float(arguments.get("b_max", 1.0))
        feeding.intensity.append(ScaleRange(low, high, new_low, new_high, bool(arguments.get("clip", False))))
    elif name == "NormalizeIntensityd":
        feeding.intensity.append(_normalised(arguments))
    else:
        return False
    return True


def read_selection(calls: Sequence[Any]) -> DescribedSelection:
    """Return what the calls on a detector set.

    Raises
    ------
    ModelError
        A call is outside the safe part of the language, or a figure makes no sense.
    """
    found: dict[str, Any] = {}
    for call in map(plain, calls):
        if not isinstance(call, MethodCall):
            continue
        given = {**dict(zip(_CALLS.get(call.method, ()), call.positional)), **call.arguments}
        for key, value in given.items():
            if call.method in _CALLS and key in _SETTINGS:
                found[_SETTINGS[key]] = tuple(value) if isinstance(value, (list, tuple)) else value
    selection = DescribedSelection(**found)
    try:
        sane = _is_sane(selection)
    except TypeError:
        sane = False
    if not sane:
        raise ModelError(f"The detector's settings make no sense: {selection}.", "Get the package again.")
    return selection


def _is_sane(selection: DescribedSelection) -> bool:
    return (
        0 <= selection.least_score < 1
        and 0 < selection.overlap_allowed <= 1
        and 0 <= selection.overlap < 0.9
        and 0 < selection.candidates_per_map <= 100_000
        and 0 < selection.most_boxes <= 10_000
        and len(selection.code_weights) == 6
        and all(weight > 0 for weight in selection.code_weights)
        and (selection.window is None or (len(selection.window) == 3 and all(0 < n <= 4096 for n in selection.window)))
    )


def _normalised(arguments: Mapping[str, Any]) -> IntensityStep:
    mean, deviation = arguments.get("subtrahend"), arguments.get("divisor")
    if arguments.get("channel_wise"):
        raise ValueError("channel by channel")
    if mean is None and deviation is None:
        return StandardiseImage(bool(arguments.get("nonzero", False)))
    if arguments.get("nonzero"):
        raise ValueError("voxels that are not 0 only")
    return Standardise(float(mean), float(deviation))  # type: ignore[arg-type]
