"""Opens a classification package: a folder with network.json and weights."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from AIImagingLogic.inference.classification_recipe import ClassificationRecipe
from AIImagingLogic.inference.network import Network
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import card_with_file
from AIImagingLogic.models.classification_classes import DESCRIPTION, read_classes
from AIImagingLogic.models.classification_network import build_network
from AIImagingLogic.models.classification_reading import read_recipe
from AIImagingLogic.models.formats.package_card import card_of_unknown
from AIImagingLogic.models.formats.package_files import file_in_package, file_sha256, package_sha256, read_package_json
from AIImagingLogic.models.safety.weights import fitted, load_state_dict
from AIImagingLogic.records.coding import CodedConcept
from AIImagingLogic.records.errors import ModelError

FORMAT = "state-dict"
NOT_CALIBRATED = "not calibrated"
_TASK = "classify"
_KEPT = 2
_ADVICE = "See the guide on classification for what a network.json holds."
# What the package itself may say on its card.
_STATED = (
    "name",
    "version",
    "modality",
    "anatomy",
    "licence",
    "intended_use",
    "training_data",
    "tested_on",
    "homepage",
)


@dataclass(frozen=True)
class ClassificationPackage:
    """A package that tells images apart, ready to run.

    Attributes
    ----------
    card : of the catalogue where it is known there, else made from what the package says
    networks : several are folds, whose probabilities are averaged
    recipe : how they are fed and read
    classes : in the order of the network's output
    threshold : a class is called from this probability on
    calibration : what the package says of its probabilities, ``not calibrated`` when it says nothing
    sha256 : over all files of the package
    format : such as ``monai-bundle``
    notes : what was assumed or set aside, one sentence each
    """

    card: ModelCard
    networks: tuple[Network, ...]
    recipe: ClassificationRecipe
    classes: tuple[CodedConcept, ...]
    threshold: float
    calibration: str
    sha256: str
    format: str = FORMAT
    notes: tuple[str, ...] = ()


def is_classification_package(path: Path) -> bool:
    """Whether `path` is the folder, or the network.json, of a classification package."""
    folder = path.parent if path.name == DESCRIPTION else path
    return (folder / DESCRIPTION).is_file() and read_package_json(folder, DESCRIPTION).get("task") == _TASK


def open_classification_package(path: Path, card: ModelCard | None = None) -> ClassificationPackage:
    """Open the package at `path`. The last ones stay open until a file of theirs changes. None of its code is run.

    Parameters
    ----------
    path : its folder, or its network.json
    card : of the catalogue or the store; None: found by the hash of its weights, else made from what the package says

    Raises
    ------
    ModelError
        There is no package, a file is missing or damaged, the network is not supported, the weights do not fit it, or
        PyTorch is not installed.
    """
    path = path.expanduser().resolve()
    if not path.exists():
        raise ModelError(f"There is no model package '{path}'.", "Check the path.")
    if not is_classification_package(path):
        raise ModelError(f"'{path.name}' is no classification package that can be read.", _ADVICE)
    if find_spec("torch") is None:
        raise ModelError(
            "Classification needs PyTorch, which is not installed.",
            "In Slicer install it with the PyTorch extension, elsewhere with: pip install torch.",
        )
    folder = path.parent if path.name == DESCRIPTION else path
    files = sorted(item for item in folder.rglob("*") if item.is_file())
    state = tuple((str(item), item.stat().st_size, item.stat().st_mtime_ns) for item in files)
    return _opened(folder, card, state)


@lru_cache(maxsize=_KEPT)
def _opened(folder: Path, card: ModelCard | None, state: tuple[tuple[str, int, int], ...]) -> ClassificationPackage:
    description = read_package_json(folder, DESCRIPTION)
    classes = read_classes(description.get("classes"))
    recipe = read_recipe(description.get("recipe"), len(classes))
    names = description.get("weights")
    files = [file_in_package(folder, name) for name in (names if isinstance(names, list) else [names])]
    if not files:
        raise ModelError(f"The package '{folder.name}' names no weights.", _ADVICE)
    networks, hashes = [], []
    for file in files:
        module = fitted(lambda: build_network(description.get("network")), load_state_dict(file), file.name)
        hashes.append(file_sha256(file))
        networks.append(Network(module, hashes[-1], recipe.dimensions))
    threshold = description.get("threshold", 0.5)
    if not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1 or not math.isfinite(threshold):
        raise ModelError(f"The threshold of the package '{folder.name}' is no probability: {threshold}.", _ADVICE)
    calibration = description.get("calibration") or NOT_CALIBRATED
    card = card or card_with_file(hashes) or _card(folder, description.get("card"), classes)
    return ClassificationPackage(
        card=card,
        networks=tuple(networks),
        recipe=recipe,
        classes=classes,
        threshold=float(threshold),
        calibration=str(calibration),
        sha256=package_sha256(folder),
    )


def _card(folder: Path, stated: Any, classes: tuple[CodedConcept, ...]) -> ModelCard:
    """Return a card of what the package says of itself; it is not checked by anybody."""
    said = stated if isinstance(stated, Mapping) else {}
    card = card_of_unknown(str(said.get("name") or folder.name), FORMAT, 1, [entry.key for entry in classes])
    changes: dict[str, Any] = {key: said[key] for key in _STATED if isinstance(said.get(key), str) and said[key]}
    limits = said.get("limits")
    if isinstance(limits, list) and all(isinstance(limit, str) for limit in limits):
        changes["limits"] = (*card.limits, *limits)
    return dataclasses.replace(card, task=_TASK, **changes)
