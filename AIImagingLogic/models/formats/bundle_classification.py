"""MONAI bundles that tell images apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from AIImagingLogic.inference.classification_recipe import ClassificationRecipe
from AIImagingLogic.inference.network import Network
from AIImagingLogic.models.bundle_config.description import Component, Unresolved
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.classification_package import NOT_CALIBRATED, ClassificationPackage
from AIImagingLogic.models.formats.bundle_card import bundle_card
from AIImagingLogic.models.formats.bundle_channels import with_common_range
from AIImagingLogic.models.formats.bundle_feeding import Feeding, canonical, chain_of, read_feeding
from AIImagingLogic.models.formats.bundle_network import bundle_network, weights_file
from AIImagingLogic.models.formats.bundle_parts import BundleParts, find_parts
from AIImagingLogic.models.formats.bundle_refusal import refused
from AIImagingLogic.models.formats.bundle_task import bundle_task
from AIImagingLogic.models.formats.package_files import file_sha256, package_sha256
from AIImagingLogic.models.safety.refusals import UntrustedModel
from AIImagingLogic.models.safety.trust import package_hash, trusted
from AIImagingLogic.records.coding import Code, CodedConcept
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

FORMAT = "monai-bundle"
_COLOURS = 3
_THRESHOLD = 0.5


def open_classification_bundle(path: Path, card: ModelCard | None = None) -> ClassificationPackage:
    """Open a MONAI bundle that tells images apart.

    Raises
    ------
    UntrustedModel
        The bundle needs code of its own, or a step that has no counterpart here; its place and its name are given.
    ModelError
        A file is missing, the weights do not fit the network (the keys are named), or it does not classify.
    """
    parts = find_parts(path)
    task = bundle_task(parts)
    if task != "classify":
        raise ModelError(f"The bundle '{parts.name}' does not classify: its task is to {task}.", "Choose another.")
    try:
        return _opened(parts, card)
    except UntrustedModel as error:
        found = package_hash(parts.folder)
        if trusted(found):
            raise ModelError(
                error.what, "Trust does not help: bundles that classify run in our engine only."
            ) from error
        raise error.with_hash(found) from error


def _opened(parts: BundleParts, card: ModelCard | None) -> ClassificationPackage:
    inputs, outputs = parts.channels("inputs"), parts.channels("outputs")
    if inputs not in (1, _COLOURS):
        raise ModelError(
            f"The bundle '{parts.name}' takes {inputs} channels: an image and what a person has drawn on it.",
            "Bundles that classify are run on one image alone, grey or in colour.",
        )
    described = parts.config.describe(parts.preprocessing) if parts.preprocessing else None
    feeding = read_feeding(described, parts.preprocessing, inputs)
    dimensions = parts.dimensions(2)
    notes = list(feeding.notes)
    if feeding.averaged:
        notes.append("The bundle averages over blocks when it stretches an image; here neighbours are weighted.")
    module = bundle_network(parts, trusted(package_hash(parts.folder)), notes)
    if feeding.joint_range is not None:
        module = with_common_range(module, *feeding.joint_range, dimensions)
    weights = file_sha256(weights_file(parts))
    names = [parts.output_names.get(number, f"Class {number + 1}") for number in range(outputs)]
    classes = tuple(_class(name, number) for number, name in enumerate(names))
    card = card or bundle_card(parts, weights, ("image",), 1, [f"{name} class" for name in names], "classify")
    return ClassificationPackage(
        card=card,
        networks=(Network(module, f"{weights}-{feeding.joint_range}", dimensions),),
        recipe=_recipe(feeding, inputs, outputs, dimensions, _output(parts)),
        classes=classes,
        threshold=_THRESHOLD,
        calibration=NOT_CALIBRATED,
        sha256=package_sha256(parts.folder),
        format=FORMAT,
        notes=tuple(notes),
    )


def _recipe(feeding: Feeding, inputs: int, outputs: int, dimensions: int, output: str) -> ClassificationRecipe:
    return ClassificationRecipe(
        channels=inputs,
        classes=outputs,
        dimensions=dimensions,
        axes=feeding.axes,
        spacing_mm=feeding.spacing_mm,
        size=feeding.size,
        smoothed=feeding.averaged,
        intensity=feeding.intensity,
        intensity_first=feeding.intensity_first,
        output=output,  # type: ignore[arg-type]
    )


def _output(parts: BundleParts) -> str:
    """Return what makes probabilities of the network's output; softmax where the bundle takes the largest only."""
    steps: Sequence[Any] = ()
    if parts.postprocessing:
        steps = chain_of(parts.config.describe(parts.postprocessing), parts.postprocessing)
    for number, step in enumerate(steps):
        if isinstance(step, Unresolved):
            raise step.refusal()
        if not isinstance(step, Component):
            raise refused(f"{parts.postprocessing}::{number}", "what is there is no transform")
        if canonical(step.name) == "Activationsd":
            for kind in ("sigmoid", "softmax"):
                if step.arguments.get(kind) is True:
                    return kind
    return "softmax"


def _class(name: str, number: int) -> CodedConcept:
    unknown = load_resource("model_formats/classification.json")["unknown_class"]
    colours = load_resource("terminology/label_names.json")["colours"]
    key = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or f"class-{number + 1}"
    red, green, blue = (int(value) for value in colours[number % len(colours)])
    shown = name.strip() or f"Class {number + 1}"
    category, kind = Code.from_json(unknown["category"]), Code.from_json(unknown["type"])
    return CodedConcept(key, shown, category, kind, None, (red, green, blue))
