"""MONAI bundles that segment: their configuration becomes a recipe, their network runs in our engine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from AIImagingLogic.inference.network import Network
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.models.bundle_config.description import Component
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.formats.bundle_card import bundle_card
from AIImagingLogic.models.formats.bundle_channels import with_channels, with_common_range
from AIImagingLogic.models.formats.bundle_feeding import Feeding, read_feeding
from AIImagingLogic.models.formats.bundle_inferer import Windows, read_windows
from AIImagingLogic.models.formats.bundle_network import bundle_network, weights_file
from AIImagingLogic.models.formats.bundle_parts import BundleParts, find_parts, is_bundle
from AIImagingLogic.models.formats.bundle_reading import Reading, read_reading
from AIImagingLogic.models.formats.bundle_task import bundle_task
from AIImagingLogic.models.formats.bundle_workflow import open_workflow
from AIImagingLogic.models.formats.label_segments import label_segments
from AIImagingLogic.models.formats.package_files import file_sha256, package_sha256
from AIImagingLogic.models.package import LoadedPackage
from AIImagingLogic.models.safety.refusals import UntrustedModel
from AIImagingLogic.models.safety.trust import package_hash, trusted
from AIImagingLogic.records.errors import ModelError

FORMAT = "monai-bundle"
_WHOLE = -1
# A window of a network that takes the whole image is padded to what its strides divide, or to this.
_DIVISIBLE_BY = 16


def is_monai_bundle(path: Path) -> bool:
    """Whether `path` is the folder of a MONAI bundle."""
    return is_bundle(path)


def open_monai_bundle(path: Path, card: ModelCard | None = None) -> LoadedPackage:
    """Open a MONAI bundle that segments.

    Raises
    ------
    UntrustedModel
        The bundle needs code of its own, or a step that has no counterpart here; its place and its name are given.
    ModelError
        A file is missing, the weights do not fit the network (the keys are named), or it does not segment.
    """
    parts = find_parts(path)
    task = bundle_task(parts)
    if task in ("classify", "detect"):
        raise ModelError(f"The bundle '{parts.name}' does not segment: its task is to {task}.", "Choose another.")
    found = package_hash(parts.folder)
    is_trusted = trusted(found)
    try:
        package = _opened(parts, card, is_trusted)
    except UntrustedModel as error:
        if not is_trusted:
            raise error.with_hash(found) from error
        package = open_workflow(parts, card, FORMAT, error.what)
    return dataclasses.replace(package, trusted_as=found if is_trusted else "")


def _opened(parts: BundleParts, card: ModelCard | None, is_trusted: bool) -> LoadedPackage:
    inputs, outputs = parts.channels("inputs"), parts.channels("outputs")
    reading = read_reading(parts.config, parts.postprocessing, outputs)
    feeding = read_feeding(_described(parts, parts.preprocessing), parts.preprocessing, inputs)
    dimensions = parts.dimensions(3)
    windows = read_windows(_described(parts, parts.inferer), parts.inferer, dimensions)
    recipe, notes = _recipe(parts, feeding, windows, reading, inputs, dimensions)
    notes += [*feeding.notes, *windows.notes, *reading.notes]
    module = bundle_network(parts, is_trusted, notes)
    if feeding.joint_range is not None:
        module = with_common_range(module, *feeding.joint_range, dimensions)
    if reading.order != tuple(range(outputs)):
        module = with_channels(module, reading.order)
    weights = file_sha256(weights_file(parts))
    names = _names(parts, reading)
    card = card or bundle_card(parts, weights, feeding.keys, inputs, names)
    return LoadedPackage(
        card=card,
        networks=(Network(module, f"{weights}-{reading.order}-{feeding.joint_range}", dimensions),),
        recipe=recipe,
        segments=label_segments(names, recipe.values, None, card.labels),
        format=FORMAT,
        sha256=package_sha256(parts.folder),
        largest_part_only=reading.largest_part_only,
        largest_part_of=reading.largest_of,
        notes=tuple(notes),
    )


def _described(parts: BundleParts, identifier: str) -> Any:
    return parts.config.describe(identifier) if identifier else None


def _recipe(
    parts: BundleParts, feeding: Feeding, windows: Windows, reading: Reading, inputs: int, dimensions: int
) -> tuple[NetworkRecipe, list[str]]:
    notes = []
    if reading.output not in ("softmax", "sigmoid"):
        raise ModelError(f"The bundle '{parts.name}' does not say how its output becomes labels.", "It is not run.")
    if feeding.averaged:
        raise UntrustedModel(parts.preprocessing, "Resized by averages, of an image whose labels are brought back")
    size = windows.size
    if size is None:
        size = feeding.size or (_WHOLE,) * dimensions
        notes.append("The network sees the whole image at once.")
    if feeding.joint_range is not None and windows.size is not None:
        raise UntrustedModel(parts.preprocessing, "'ScaleIntensityd' of several channels together before windows")
    recipe = NetworkRecipe(
        channels=inputs,
        output_channels=len(reading.order),
        values=reading.values,
        axes=feeding.axes,
        spacing_mm=feeding.spacing_mm,
        size=feeding.size,
        intensity=feeding.intensity,
        intensity_first=feeding.intensity_first,
        window=size,
        overlap=windows.overlap,
        blending=windows.blending,
        output=reading.output,
        threshold=reading.threshold,
        interpolation=feeding.interpolation,
        foreground_above=feeding.foreground_above,
        divisible_by=_divisible_by(parts) if windows.size is None and feeding.size is None else 1,
        padding_value=windows.padding_value,
        resampled="probabilities" if reading.activated else "logits",
    )
    return recipe, notes


def _divisible_by(parts: BundleParts) -> int:
    component = parts.network_component
    strides = component.arguments.get("strides") if isinstance(component, Component) else None
    found = 1
    for stride in strides if isinstance(strides, (list, tuple)) else ():
        found *= max(stride) if isinstance(stride, (list, tuple)) else int(stride)
    return found if strides else _DIVISIBLE_BY


def _names(parts: BundleParts, reading: Reading) -> list[str]:
    """Return the name of each painted channel."""
    known = parts.output_names
    return [known.get(number, f"Label {value}") for number, value in zip(reading.order, reading.values)]
