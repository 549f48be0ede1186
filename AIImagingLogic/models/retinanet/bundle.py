"""Opens a MONAI bundle whose network is a RetinaNet, such as lung_nodule_ct_detection; no code of it is run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from AIImagingLogic.inference.detection.recipe import DetectionRecipe
from AIImagingLogic.inference.network import Network
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.models.bundle_config.config import BundleConfig
from AIImagingLogic.models.bundle_config.description import Component
from AIImagingLogic.models.bundle_config.reading import read_config
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import card_with_file
from AIImagingLogic.models.formats.label_segments import label_segments
from AIImagingLogic.models.formats.package_card import card_of_unknown
from AIImagingLogic.models.formats.package_files import file_in_package, file_sha256, package_sha256
from AIImagingLogic.models.retinanet.described_detector import DescribedDetector, plain, read_detector, unwrapped
from AIImagingLogic.models.retinanet.described_feeding import (
    DescribedFeeding,
    DescribedSelection,
    read_feeding,
    read_selection,
)
from AIImagingLogic.models.retinanet.detector_package import DetectorPackage
from AIImagingLogic.models.retinanet.network import build_retinanet
from AIImagingLogic.models.safety.weights import fit, load_state_dict
from AIImagingLogic.records.coding import CodedConcept, concept
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

FORMAT = "monai-bundle"
_DETECTOR = "RetinaNetDetector"
_CONFIGS = ("configs/inference.json", "configs/inference.yaml", "configs/inference.yml")
_WEIGHTS = ("models/model.safetensors", "models/model.pt")


def is_retinanet_bundle(path: Path) -> bool:
    """Whether `path` is the folder of a bundle with a RetinaNet, or one folder above it."""
    config = _config(path)
    return config is not None and _key_of(read_config(config), _DETECTOR) is not None


def open_retinanet_bundle(path: Path, card: ModelCard | None = None) -> DetectorPackage:
    """Open a bundle with a RetinaNet. Its configuration is read as data and its weights are loaded as data.

    Parameters
    ----------
    path : folder of the bundle, or one folder above it
    card : of the catalogue; None: found by the hash of its weights, else made from what the package says

    Raises
    ------
    ModelError
        A file is missing or damaged, the configuration asks for what is not built here or is outside the safe part of
        the language (the place is named), or the weights do not fit.
    UnsafeModel
        The configuration is absurd, or the weights would run code.
    """
    config_path = _config(path)
    content = read_config(config_path) if config_path is not None else {}
    key = _key_of(content, _DETECTOR)
    if config_path is None or key is None:
        raise ModelError(f"'{path.name}' is no bundle with a RetinaNet detector.", "Choose another model.")
    folder = config_path.parent.parent
    file_in_package(folder, config_path.relative_to(folder).as_posix())
    config = BundleConfig(config_path, folder)
    detector = read_detector(config.describe(key))
    calls = [call for name in _lists_of_calls(content) for call in config.describe(name)]
    selection = read_selection(calls)
    feeding, notes = _feeding(config, content)
    weights = _weights(folder)
    module = build_retinanet(detector.architecture)
    fit(module, load_state_dict(weights), weights.name)
    card = card or card_with_file([file_sha256(weights)])
    metadata = _metadata(folder)
    found = _what_it_finds(detector.architecture.classes, card, metadata)
    if card is None:
        card = _own_card(folder, metadata, found, detector.architecture.channels)
    concepts = _concepts(detector.architecture.classes, card, found)
    recipe, more = _recipe(detector, selection, feeding, tuple(item.name for item in concepts))
    sha256 = package_sha256(folder)
    return DetectorPackage(
        card,
        Network(module, sha256),
        recipe,
        concepts,
        found.get("needs", ""),
        found.get("outline", ""),
        max(load_resource("model_formats/detection.json")["shown_score"], recipe.least_score),
        FORMAT,
        sha256,
        (*notes, *more),
    )


def _config(path: Path) -> Path | None:
    """Return the configuration of the bundle in a folder, or in its only subfolder that has one."""
    if not path.is_dir():
        return None
    folders = [path, *sorted(item for item in path.iterdir() if item.is_dir() and not item.is_symlink())]
    found = [folder / name for folder in folders for name in _CONFIGS if (folder / name).is_file()]
    return found[0] if found else None


def _key_of(content: Any, name: str) -> str | None:
    """Return the key of the first component of that name."""
    if not isinstance(content, Mapping):
        return None
    targets = {key: value.get("_target_") for key, value in content.items() if isinstance(value, Mapping)}
    return next((str(key) for key, target in targets.items() if str(target).rsplit(".", 1)[-1] == name), None)


def _lists_of_calls(content: Mapping[str, Any]) -> list[str]:
    """Return the keys of lists of expressions that set up the detector."""
    return [
        str(key)
        for key, value in content.items()
        if isinstance(value, list) and any(isinstance(item, str) and ".set_" in item for item in value)
    ]


def _feeding(config: BundleConfig, content: Mapping[str, Any]) -> tuple[DescribedFeeding, list[str]]:
    for key, value in content.items():
        transforms = value.get("transforms") if isinstance(value, Mapping) else None
        if not isinstance(transforms, list) or not any(_target(item) == "LoadImaged" for item in transforms):
            continue
        described = unwrapped(config.describe(str(key)))
        feeding = read_feeding(described.arguments["transforms"] if isinstance(described, Component) else ())
        switched_off = next((place for place, item in enumerate(transforms) if _target(item) == "Spacingd"), None)
        if feeding.spacing_mm is not None or switched_off is None:
            return feeding, []
        place = f"{key}::transforms::{switched_off}::pixdim"
        feeding.spacing_mm = _lengths(plain(config.describe(place)), place)
        return feeding, ["The package resamples only images that it calls raw; here every image is resampled."]
    raise ModelError("The bundle does not say how its network is fed.", "Get the package again.")


def _lengths(value: Any, place: str) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != 3 or not all(isinstance(n, (int, float)) and n > 0 for n in value):
        raise ModelError(f"The spacing {value!r} ({place}) makes no sense.", "Get the package again.")
    return tuple(float(length) for length in value)


def _target(item: Any) -> str:
    return str(item.get("_target_", "")).rsplit(".", 1)[-1] if isinstance(item, Mapping) else ""


def _weights(folder: Path) -> Path:
    found = next((name for name in _WEIGHTS if (folder / name).is_file()), None)
    if found is None:
        raise ModelError(f"The bundle '{folder.name}' has no weights ({' or '.join(_WEIGHTS)}).", "Get it again.")
    return file_in_package(folder, found)


def _metadata(folder: Path) -> Mapping[str, Any]:
    path = folder / "configs" / "metadata.json"
    content = read_config(path) if path.is_file() else {}
    return content if isinstance(content, Mapping) else {}


def _what_it_finds(classes: int, card: ModelCard | None, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the entry of the table for what a detector of one class finds; empty when it is not known."""
    said = f"{card.name if card else ''} {metadata.get('name', '')} {metadata.get('task', '')}".lower()
    table = load_resource("model_formats/detection.json")["findings"]
    entries = [entry for entry in table if classes == 1 and all(word in said for word in entry["words"])]
    return entries[0] if entries else {}


def _concepts(classes: int, card: ModelCard, found: Mapping[str, Any]) -> tuple[CodedConcept, ...]:
    if found:
        return (concept(found["concept"]),)
    names = {label.value: label.name for label in card.labels}
    named = [names.get(number, f"Class {number + 1}") for number in range(classes)]
    coded = [dataclasses.replace(label, value=label.value + 1) for label in card.labels]
    return tuple(item.concept for item in label_segments(named, range(1, classes + 1), coded=coded))


def _own_card(folder: Path, metadata: Mapping[str, Any], found: Mapping[str, Any], channels: int) -> ModelCard:
    made = card_of_unknown(
        str(metadata.get("name", folder.name)),
        FORMAT,
        channels,
        (found["concept"],) if found else (),
        modality=found.get("modality", ""),
        anatomy=found.get("anatomy", ""),
    )
    intended = str(metadata.get("intended_use", "")) or made.intended_use
    version = str(metadata.get("version", made.version))
    return dataclasses.replace(made, task="detect", version=version, intended_use=intended)


def _recipe(
    detector: DescribedDetector, selection: DescribedSelection, feeding: DescribedFeeding, labels: tuple[str, ...]
) -> tuple[DetectionRecipe, list[str]]:
    table = load_resource("model_formats/detection.json")
    window, notes = selection.window, []
    if window is None or any(size > most for size, most in zip(window, table["largest_window"], strict=True)):
        asked = "the whole image" if window is None else " x ".join(str(size) for size in window)
        window = tuple(table["window"])
        notes = [f"The package asks for windows of {asked}; the network saw {' x '.join(map(str, window))}."]
    architecture = detector.architecture
    fed = NetworkRecipe(
        channels=architecture.channels,
        output_channels=architecture.classes,
        values=tuple(range(1, architecture.classes + 1)),
        axes=feeding.axes,
        spacing_mm=feeding.spacing_mm,
        intensity=(tuple(feeding.intensity),),
        intensity_first=feeding.intensity_first,
        window=window,
        overlap=selection.overlap,
    )
    recipe = DetectionRecipe(
        fed,
        detector.anchors,
        labels,
        detector.divisible_by,
        selection.least_score,
        selection.candidates_per_map,
        selection.overlap_allowed,
        selection.most_boxes,
        selection.code_weights,
    )
    return recipe, notes
