"""The classification models that are on this computer; cheap enough for a panel that opens."""

from __future__ import annotations

from pathlib import Path

from AIImagingLogic.models.catalogue import card_summaries
from AIImagingLogic.models.classification_classes import DESCRIPTION, read_classes
from AIImagingLogic.models.formats.package_files import read_package_json
from AIImagingLogic.models.store.manifest import StoredModel
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.records.coding import CodedConcept
from AIImagingLogic.records.errors import ModelError

_TASK = "classify"


def installed_classifiers() -> tuple[StoredModel, ...]:
    """Return the classification models of the store, by name; of several versions of one the newest."""
    newest = {stored.card.id: stored for stored in sorted(ModelStore().models(), key=_version) if _usable(stored)}
    return tuple(sorted(newest.values(), key=lambda stored: stored.card.name.lower()))


def find_classifier(model_id: str) -> StoredModel:
    """Return the classification model `model_id` of the store.

    Raises
    ------
    ModelError
        It is not there, or does something else.
    """
    found = next((stored for stored in installed_classifiers() if stored.card.id == model_id), None)
    if found is not None:
        return found
    known = next((card for card in card_summaries() if card.id == model_id), None)
    if known is not None and known.task != _TASK:
        raise ModelError(f"'{model_id}' does not classify: its task is to {known.task}.", "Choose another model.")
    if known is not None:
        raise ModelError(
            f"The model '{model_id}' is not on this computer.", f"Get it: aiimaging models get {model_id}."
        )
    raise ModelError(f"There is no classification model '{model_id}'.", "'aiimaging models list' shows all.")


def classifier_name(model: str) -> str:
    """Return how a classification model is called: of an id its card's name, of a path the folder's.

    Raises
    ------
    ModelError
        There is no such model.
    """
    path = Path(model)
    if path.is_absolute() and path.exists():
        return path.name
    return find_classifier(model).card.name


def classes_of(stored: StoredModel) -> tuple[CodedConcept, ...]:
    """Return the classes of a stored model, none when its description cannot be read: running it says why."""
    try:
        return read_classes(read_package_json(stored.folder, DESCRIPTION).get("classes"))
    except ModelError:
        return ()


def _usable(stored: StoredModel) -> bool:
    return stored.card.task == _TASK and stored.card.runs == "package"


def _version(stored: StoredModel) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in stored.card.version.split("."))
