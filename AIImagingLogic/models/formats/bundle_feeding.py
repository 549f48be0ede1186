"""The pre-processing of a bundle, as data: axes, grid and intensities in the order that the bundle asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from AIImagingLogic.inference.intensity import IntensityStep
from AIImagingLogic.inference.recipe import Interpolation
from AIImagingLogic.models.bundle_config.description import Component, Symbol, Unresolved
from AIImagingLogic.models.formats.bundle_intensity import intensity_steps, is_intensity, is_linear, is_pointwise
from AIImagingLogic.models.formats.bundle_refusal import is_no, refused

Steps = tuple[IntensityStep, ...]
# They change neither values nor places of an image that is in memory already.
_WITHOUT_EFFECT = (
    *("LoadImaged", "EnsureChannelFirstd", "ToTensord", "ToNumpyd", "ToDeviced", "FromMetaTensord", "DeleteItemsd"),
    *("SelectItemsd", "Identityd", "ToMetaTensord", "SaveImaged", "AddChanneld", "AsChannelFirstd"),
)
# A picture that a person drew: there for comparison.
_MASK = "label"
_FLOATS = ("", "None", "float", "float32", "float16", "float64", "half", "double")


@dataclass(frozen=True)
class Feeding:
    """What a bundle does to images before its network sees them.

    Attributes
    ----------
    keys : of the images, in the order of the network's channels; one key may stand for several channels
    intensity : steps of each channel; one tuple stands for all
    joint_range : least and greatest value of all channels together become these, after `intensity`; None: they do not
    size : voxels that the image is stretched to, along each axis; None: it is not
    averaged : finer images are averaged when they are stretched
    others : as the fields of `NetworkRecipe`
    """

    keys: tuple[str, ...] = ("image",)
    axes: str = ""
    spacing_mm: tuple[float, ...] | None = None
    interpolation: Interpolation = "linear"
    size: tuple[int, ...] | None = None
    averaged: bool = False
    intensity: tuple[Steps, ...] = ((),)
    intensity_first: bool = False
    joint_range: tuple[float, float] | None = None
    foreground_above: float | None = None
    notes: tuple[str, ...] = ()


def read_feeding(described: Any, identifier: str, channels: int) -> Feeding:
    """Translate a chain of transforms.

    Parameters
    ----------
    described : what `BundleConfig.describe` gave for it; None: there is none
    identifier : of the chain, for messages
    channels : of the network's input

    Raises
    ------
    UntrustedModel
        A transform, or an argument of one, has no counterpart here; it and its place are named.
    """
    reader = _Reader(channels)
    for number, step in enumerate(chain_of(described, identifier)):
        reader.take(step, f"{identifier}::{number}")
    return reader.result()


def chain_of(described: Any, identifier: str) -> list[Any]:
    """Return the steps of a chain, those of chains within it in their place.

    Raises
    ------
    UntrustedModel
        It is outside the safe part of the language.
    """
    if described is None:
        return []
    if isinstance(described, Unresolved):
        raise described.refusal()
    if isinstance(described, Component) and described.name == "Compose":
        described = described.arguments.get("transforms", described.positional[:1] or [])
    elif isinstance(described, Component):
        described = [described]
    if isinstance(described, Unresolved):
        raise described.refusal()
    if not isinstance(described, (list, tuple)):
        raise refused(identifier, "what is there is no chain of transforms")
    steps: list[Any] = []
    for item in described:
        inner = isinstance(item, (list, tuple)) or (isinstance(item, Component) and item.name == "Compose")
        steps.extend(chain_of(item, identifier) if inner else [item])
    return steps


def canonical(name: str) -> str:
    """Return the name of a transform of dictionaries as it ends in d: ``SpacingDict`` is ``Spacingd``."""
    for ending in ("Dict", "D"):
        if name.endswith(ending):
            return name.removesuffix(ending) + "d"
    return name


class _Reader:
    """Takes one transform after the other."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._feeding = Feeding(keys=())
        self._keys: list[str] = []
        # For each key, the steps of its channels.
        self._steps: dict[str, tuple[Steps, ...]] = {}
        self._before: dict[str, tuple[Steps, ...]] | None = None

    def take(self, step: Any, place: str) -> None:
        if isinstance(step, Unresolved):
            raise step.refusal()
        if not isinstance(step, Component):
            raise refused(place, "what is there is no transform")
        name, arguments = canonical(step.name), dict(step.arguments)
        if unresolved := next((value for value in _flat(arguments) if isinstance(value, Unresolved)), None):
            raise unresolved.refusal()
        keys = _names(arguments.get("keys"))
        if name == "LoadImaged":
            self._keys.extend(key for key in keys if key not in (*self._keys, _MASK))
            if _MASK in keys:
                note = "The mask that the bundle loads beside the image plays no part."
                self._feeding = replace(self._feeding, notes=(*self._feeding.notes, note))
        if name in ("EnsureTyped", "CastToTyped"):
            _require_float(arguments, place, name)
        elif name in _WITHOUT_EFFECT:
            pass
        elif is_intensity(name):
            self._intensity(name, keys, arguments, place)
        elif handler := _GEOMETRY.get(name):
            handler(self, arguments, place)
        else:
            raise refused(place, f"the transform '{step.name}' is not among those that are translated")

    def result(self) -> Feeding:
        keys = tuple(self._keys) or ("image",)
        per_key = [self._steps.get(key, ((),)) for key in keys]
        if len(keys) > 1 and any(len(steps) > 1 for steps in per_key):
            raise refused(keys[0], "steps for several channels of one of several images")
        intensity = per_key[0] if len(keys) == 1 else tuple(steps[0] for steps in per_key)
        return replace(self._feeding, keys=keys, intensity=intensity)

    def _intensity(self, name: str, keys: Sequence[str], arguments: dict[str, Any], place: str) -> None:
        feeding = self._feeding
        if feeding.joint_range is not None:
            raise refused(place, f"'{name}' after a scaling of all channels together")
        alone = self._channels == 1 or len(self._keys) > 1
        steps, joint = intensity_steps(name, arguments, place, alone)
        if joint is not None:
            self._feeding = replace(feeding, joint_range=joint)
            return
        if feeding.foreground_above is not None:
            self._feeding = replace(feeding, foreground_above=_moved(feeding.foreground_above, steps, name, place))
        if feeding.intensity_first and not all(is_linear(step) for each in steps for step in each):
            raise refused(place, f"'{name}' after the resampling, where others stand before it")
        for key in keys or self._keys:
            known = self._steps.get(key, ((),))
            count = max(len(known), len(steps))
            pairs = zip(known * (count // len(known)), steps * (count // len(steps)))
            self._steps[key] = tuple((*first, *second) for first, second in pairs)

    def _orientation(self, arguments: dict[str, Any], place: str) -> None:
        axes = arguments.get("axcodes")
        if not isinstance(axes, str) or len(axes) not in (2, 3) or not is_no(arguments.get("as_closest_canonical")):
            raise refused(place, "an Orientationd without axcodes")
        if self._feeding.spacing_mm or self._feeding.size:
            raise refused(place, "Orientationd after the resampling")
        self._feeding = replace(self._feeding, axes=axes.upper())

    def _spacing(self, arguments: dict[str, Any], place: str) -> None:
        pixdim = arguments.get("pixdim")
        steps = tuple(pixdim) if isinstance(pixdim, (list, tuple)) else (pixdim,) * 3
        if not all(isinstance(step, (int, float)) and step > 0 for step in steps):
            raise refused(place, f"Spacingd to {pixdim}")
        if not is_no(arguments.get("diagonal")) or not is_no(arguments.get("scale_extent")):
            raise refused(place, "Spacingd that turns the axes or keeps the extent")
        if arguments.get("min_pixdim") is not None or arguments.get("max_pixdim") is not None:
            raise refused(place, "Spacingd within limits")
        self._resampled(arguments.get("mode", "bilinear"), ("bilinear", 1), place, "Spacingd")
        self._feeding = replace(self._feeding, spacing_mm=tuple(float(step) for step in steps))

    def _resize(self, arguments: dict[str, Any], place: str) -> None:
        size = arguments.get("spatial_size")
        longest = arguments.get("size_mode", "all") != "all"
        if longest or not isinstance(size, (list, tuple)) or not all(isinstance(n, int) and n > 0 for n in size):
            raise refused(place, f"Resized to {size}")
        mode = _single(arguments.get("mode", "area"))
        self._resampled(mode, ("bilinear", "trilinear", "linear", "area"), place, "Resized")
        self._feeding = replace(self._feeding, size=tuple(size), averaged=mode == "area")

    def _crop(self, arguments: dict[str, Any], place: str) -> None:
        source, margin = arguments.get("source_key"), arguments.get("margin", 0)
        if arguments.get("select_fn") is not None or arguments.get("channel_indices") is not None:
            raise refused(place, "CropForegroundd with a rule of its own")
        if arguments.get("k_divisible", 1) not in (None, 1):
            raise refused(place, "CropForegroundd to multiples of a size")
        if source not in (*self._keys, "image") or _single(margin) != 0:
            raise refused(place, f"CropForegroundd by '{source}' with a margin of {margin}")
        self._feeding = replace(self._feeding, foreground_above=0.0)

    def _concatenate(self, arguments: dict[str, Any], place: str) -> None:
        keys, name = _names(arguments.get("keys")), str(arguments.get("name", "image"))
        if any(len(self._steps.get(key, ((),))) > 1 for key in keys):
            raise refused(place, "ConcatItemsd of images of several channels")
        self._steps[name] = tuple(self._steps.get(key, ((),))[0] for key in keys)
        self._keys = [name]

    def _resampled(self, mode: Any, known: Sequence[Any], place: str, name: str) -> None:
        modes = [_single(item) for item in (mode if isinstance(mode, (list, tuple)) else [mode])]
        if any(item not in known for item in modes):
            raise refused(place, f"{name} with the interpolation {modes[0]!r}")
        if self._feeding.spacing_mm or self._feeding.size or self._feeding.foreground_above is not None:
            raise refused(place, f"{name} after another resampling or a crop")
        if self._feeding.joint_range is not None:
            note = "The least and the greatest value are those of the resampled image."
            self._feeding = replace(self._feeding, notes=(*self._feeding.notes, note))
        self._feeding = replace(self._feeding, intensity_first=any(any(steps) for steps in self._steps.values()))


_GEOMETRY = {
    "Orientationd": _Reader._orientation,
    "Spacingd": _Reader._spacing,
    "Resized": _Reader._resize,
    "CropForegroundd": _Reader._crop,
    "ConcatItemsd": _Reader._concatenate,
}


def _moved(above: float, steps: tuple[Steps, ...], name: str, place: str) -> float:
    """Return what a limit becomes when its image's values are changed after it was compared."""
    if len(steps) != 1 or not all(is_pointwise(step) for step in steps[0]):
        raise refused(place, f"'{name}' after the foreground was cut out")
    values = np.array([above - 1e-3, above, above + 1e-3], np.float32)
    for step in steps[0]:
        values = step.apply(values)
    if not values[0] < values[1] < values[2]:
        raise refused(place, f"'{name}' after the foreground was cut out")
    return float(values[1])


def _require_float(arguments: dict[str, Any], place: str, name: str) -> None:
    kind = _single(arguments.get("dtype"))
    word = (kind.name if isinstance(kind, Symbol) else str(kind or "")).rsplit(".", 1)[-1]
    if word not in _FLOATS:
        raise refused(place, f"'{name}' to {word}")


def _names(keys: Any) -> list[str]:
    return [keys] if isinstance(keys, str) else [str(key) for key in keys or ()]


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, (list, tuple)) and value else value


def _flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [item for each in value.values() for item in _flat(each)]
    if isinstance(value, (list, tuple)):
        return [item for each in value for item in _flat(each)]
    return [value]
