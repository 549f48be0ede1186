"""A RetinaNet as a bundle's configuration describes it: nothing of it is built here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from AIImagingLogic.inference.detection.recipe import AnchorShapes, Triple
from AIImagingLogic.models.bundle_config.description import Component, MethodCall, Unresolved
from AIImagingLogic.models.retinanet.architecture import RetinaNetArchitecture
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

_ADVICE = "This version does not run it; choose another model."
_DETECTOR = ("network", "anchor_generator", "box_overlap_metric", "spatial_dims", "num_classes", "size_divisible")
_NETWORK = ("spatial_dims", "num_classes", "num_anchors", "feature_extractor", "size_divisible", "use_list_output")
_EXTRACTOR = ("backbone", "spatial_dims", "pretrained_backbone", "returned_layers", "trainable_backbone_layers")
_ANCHORS = ("feature_map_scales", "base_anchor_shapes", "indexing")
# Arguments of a backbone that say nothing of its layers.
_NO_LAYERS = ("pretrained", "progress", "num_classes", "feed_forward", "no_max_pool")
# Moves and modes of a module: the engine sees to them.
_MOVES = ("to", "cuda", "cpu", "eval", "float")


@dataclass(frozen=True)
class DescribedDetector:
    """What a detector is made of, and what divides its windows."""

    architecture: RetinaNetArchitecture
    anchors: AnchorShapes
    divisible_by: Triple


def read_detector(described: Any) -> DescribedDetector:
    """Return what the description of a ``RetinaNetDetector`` says.

    Raises
    ------
    ModelError
        A part is not one that is built here (named), or figures are missing, absurd or contradict each other.
    """
    detector = _arguments(described, "RetinaNetDetector", _DETECTOR)
    network = _arguments(detector.get("network"), "RetinaNet", _NETWORK)
    extractor = _arguments(network.get("feature_extractor"), "resnet_fpn_feature_extractor", _EXTRACTOR)
    anchors = _arguments(detector.get("anchor_generator"), "AnchorGeneratorWithAnchorShape", _ANCHORS)
    limits = load_resource("model_formats/detection.json")["limits"]
    if anchors.get("indexing", "ij") != "ij":
        raise ModelError(f"The detector's anchors are indexed '{anchors['indexing']}'.", _ADVICE)
    base = tuple(
        (float(first), float(second), float(third))
        for first, second, third in (_numbers(shape, 3, "an anchor") for shape in anchors.get("base_anchor_shapes", ()))
    )
    levels = tuple(int(level) for level in extractor.get("returned_layers", (1, 2, 3)))
    if not levels or list(levels) != sorted(set(levels)) or not 1 <= levels[0] <= levels[-1] <= 4:
        raise ModelError(f"The detector's feature pyramid stands on the layers {list(levels)}.", _ADVICE)
    count = _whole(network, "num_anchors", limits["anchors"])
    classes = _whole(network, "num_classes", limits["classes"])
    if len(base) != count or _whole(detector, "num_classes", limits["classes"]) != classes:
        raise ModelError("The detector and its network differ in anchors or classes.", "Get the package again.")
    architecture = _architecture(extractor.get("backbone"), classes, count, levels)
    scales = tuple(float(scale) for scale in anchors.get("feature_map_scales", (1, 2, 4, 8)))
    largest = max((edge * scale for shape in base for edge in shape for scale in scales), default=0.0)
    if len(scales) != len(architecture.steps) or not 0 < largest <= limits["anchor_voxels"]:
        raise ModelError(f"The detector's anchors have the scales {list(scales)}.", "Get the package again.")
    divisible_by = _triple(detector.get("size_divisible", 1), "size_divisible", 1024)
    if any(size % step for size, step in zip(divisible_by, architecture.steps[-1], strict=True)):
        raise ModelError(
            f"The detector's windows are multiples of {list(divisible_by)}, its coarsest map has steps of "
            f"{list(architecture.steps[-1])}.",
            "Get the package again.",
        )
    return DescribedDetector(architecture, AnchorShapes(base, scales, architecture.steps), divisible_by)


def _architecture(described: Any, classes: int, anchors: int, levels: tuple[int, ...]) -> RetinaNetArchitecture:
    table = load_resource("model_formats/detection.json")
    backbone = unwrapped(described)
    if not isinstance(backbone, Component) or backbone.name not in table["backbones"] or backbone.positional:
        name = backbone.name if isinstance(backbone, Component) else type(backbone).__name__
        raise ModelError(f"The detector stands on '{name}'.", f"Known: {', '.join(table['backbones'])}.")
    arguments = {key: plain(value) for key, value in backbone.arguments.items()}
    limits = table["limits"]
    block, blocks = table["backbones"][backbone.name]
    _require_3d(arguments.pop("spatial_dims", 3))
    made = RetinaNetArchitecture(
        block=block,
        blocks=tuple(blocks),
        channels=_whole(arguments, "n_input_channels", limits["channels"], 3),
        classes=classes,
        anchors=anchors,
        levels=levels,
        first_kernel=_triple(arguments.pop("conv1_t_size", 7), "conv1_t_size", limits["kernel"]),
        first_stride=_triple(arguments.pop("conv1_t_stride", 1), "conv1_t_stride", limits["stride"]),
        shortcut_bias=bool(arguments.pop("bias_downsample", True)),
    )
    arguments.pop("n_input_channels", None)
    if arguments.pop("shortcut_type", "B") != "B" or set(arguments) - set(_NO_LAYERS):
        odd = sorted(set(arguments) - set(_NO_LAYERS)) or ["shortcut_type"]
        raise ModelError(f"The argument '{odd[0]}' of {backbone.name} is not supported.", _ADVICE)
    return made


def unwrapped(described: Any) -> Any:
    """Return what is described, without moves to a device."""
    while isinstance(described, MethodCall) and described.method in _MOVES:
        described = described.on
    return plain(described)


def plain(described: Any) -> Any:
    """Return what is described.

    Raises
    ------
    ModelError
        It is outside the safe part of the language. Trust would not help: the network is built from what is described.
    """
    if isinstance(described, Unresolved):
        raise ModelError(f"{described.place}: {described.what}.", _ADVICE)
    return described


def _arguments(described: Any, name: str, order: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of the component `name` by name."""
    found = unwrapped(described)
    if not isinstance(found, Component) or found.name != name:
        said = found.name if isinstance(found, Component) else type(found).__name__
        raise ModelError(f"The detector has '{said}' where {name} is supported.", _ADVICE)
    arguments = {**dict(zip(order, found.positional, strict=False)), **found.arguments}
    arguments = {key: plain(value) for key, value in arguments.items()}
    if "spatial_dims" in arguments:
        _require_3d(arguments["spatial_dims"])
    return arguments


def _require_3d(dimensions: Any) -> None:
    if dimensions != 3:
        raise ModelError(f"The detector is for images of {dimensions} dimensions.", _ADVICE)


def _whole(arguments: Mapping[str, Any], key: str, most: int, default: int | None = None) -> int:
    value = arguments.get(key, default)
    if not isinstance(value, int) or not 0 < value <= most:
        raise ModelError(f"The detector's {key} is {value!r}.", "Get the package again.")
    return value


def _triple(value: Any, key: str, most: int) -> Triple:
    first, second, third = _numbers([value] * 3 if isinstance(value, int) else value, 3, key)
    sizes = (int(first), int(second), int(third))
    if any(not 0 < size <= most for size in sizes):
        raise ModelError(f"The detector's {key} is {value!r}.", "Get the package again.")
    return sizes


def _numbers(value: Any, count: int, key: str) -> list[float]:
    if not isinstance(value, (list, tuple)) or len(value) != count or not all(_positive(item) for item in value):
        raise ModelError(f"The detector's {key} is {value!r}.", "Get the package again.")
    return list(value)


def _positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and 0 < value < 1e6
