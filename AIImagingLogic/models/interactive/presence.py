"""Which interactive models are on this computer, and what they are licensed under; nothing heavy is imported."""

from __future__ import annotations

import enum
import hashlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.formats.bundle_parts import bundle_config_file, bundle_folder
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.provenance import ModelUse

_WEIGHTS_FOLDER = "NNINTERACTIVE_MODEL_DIR"
_OFFICIAL_LICENCE = "CC BY-NC-SA 4.0"
_UNSTATED = "licence not stated"
_NN_SOURCE = "https://github.com/MIC-DKFZ/nnInteractive#license"


class Kind(enum.Enum):
    """Whose interactive model it is."""

    NNINTERACTIVE = "nninteractive"
    VISTA3D = "vista3d"
    DEEPEDIT = "deepedit"


@dataclass(frozen=True)
class InteractiveModel:
    """An interactive model that the user has.

    Attributes
    ----------
    id : for `open_interactive`
    kind : which adapter runs it
    name : for people
    licence : of the weights
    licence_source : where that is said
    folder : of the package
    """

    id: str
    kind: Kind
    name: str
    licence: str
    licence_source: str
    folder: Path

    def use(self) -> ModelUse:
        """Return how a provenance names it: by the hash of the names, sizes and times of its files."""
        digest = hashlib.sha256()
        for file in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            state = file.stat()
            digest.update(f"{file.relative_to(self.folder)} {state.st_size} {state.st_mtime_ns}\n".encode())
        return ModelUse(self.id, self.folder.name, digest.hexdigest())

    def card(self) -> ModelCard:
        """Return a card that says what is known of it."""
        return ModelCard(
            id=self.id,
            version=self.folder.name,
            name=self.name,
            task="refine",
            modality="",
            anatomy="",
            inputs=("Image",),
            outputs=(),
            needs=(),
            licence=self.licence,
            intended_use="Research: outlines and corrects one object by what a person shows of it.",
            limits=("It is the user's own model; AI Imaging did not measure it.",),
            training_data="See its makers.",
            tested_on="Not measured here.",
            references=(),
            source=self.kind.value,
            licence_url=self.licence_source,
        )


def interactive_models() -> tuple[InteractiveModel, ...]:
    """Return the models that can be used: their packages are installed and their weights are here."""
    found = list(_of_nninteractive()) if _installed("nnInteractive") else []
    if _installed("torch") and _installed("monai"):
        found += _bundles()
    return tuple(found)


def find_interactive(model_id: str) -> InteractiveModel:
    """Return a model that can be used.

    Raises
    ------
    ModelError
        It cannot; what is missing is said, and what to do.
    """
    for model in interactive_models():
        if model.id == model_id:
            return model
    kind = model_id.partition(":")[0]
    needed = ("nnInteractive",) if kind == Kind.NNINTERACTIVE.value else ("torch", "monai")
    missing = [name for name in needed if not _installed(name)]
    if missing:
        raise ModelError(
            f"'{model_id}' needs {' and '.join(missing)}, which is not installed.",
            "Install it where Slicer's Python finds it, or choose another engine.",
        )
    advice = "Import its bundle in AI Models."
    if kind == Kind.NNINTERACTIVE.value:
        advice = f"Download the weights (nninteractive-download-model); they are licensed {_OFFICIAL_LICENCE}."
    raise ModelError(f"The weights of '{model_id}' are not on this computer.", advice)


def weights_folder() -> Path:
    """Return where nnInteractive keeps its weights."""
    return Path(os.environ.get(_WEIGHTS_FOLDER) or Path.home() / ".nninteractive").expanduser() / "models"


def _of_nninteractive() -> list[InteractiveModel]:
    root = weights_folder()
    folders = sorted(root.iterdir()) if root.is_dir() else []
    return [
        InteractiveModel(
            f"{Kind.NNINTERACTIVE.value}:{folder.name}",
            Kind.NNINTERACTIVE,
            folder.name.replace("_", " "),
            *_licence(folder),
            folder,
        )
        for folder in folders
        if folder.is_dir() and any(folder.glob("fold_*"))
    ]


def _licence(folder: Path) -> tuple[str, str]:
    """Return the licence of weights and where that is said: by their folder, else by the makers."""
    file = folder / "LICENSE"
    if file.is_file():
        lines = [line.strip() for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
        return next((line for line in lines if line), _UNSTATED), str(file)
    return f"{_OFFICIAL_LICENCE} (official weights; this folder does not say)", _NN_SOURCE


def _bundles() -> list[InteractiveModel]:
    found = []
    for stored in ModelStore().models():
        kind = bundle_kind(stored.folder)
        if kind is not None:
            card: Any = stored.card
            found.append(
                InteractiveModel(
                    f"{kind.value}:{card.id}",
                    kind,
                    card.name,
                    card.licence or _UNSTATED,
                    card.licence_url,
                    stored.folder,
                )
            )
    return found


def bundle_kind(path: Path) -> Kind | None:
    """Return whether a package is a bundle that is corrected by clicks, by what its configuration names; or None."""
    folder = bundle_folder(path)
    file = None if folder is None else bundle_config_file(folder)
    if file is None:
        return None
    text = file.read_text(encoding="utf-8", errors="replace")
    if "AddGuidanceSignalDeepEditd" in text:
        return Kind.DEEPEDIT
    return Kind.VISTA3D if "vista3d" in text else None


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
