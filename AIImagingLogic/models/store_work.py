"""What a panel has the worker do with the store: plain arguments in, plain answers out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.listing import stored_card
from AIImagingLogic.models.run_state import PACKAGE
from AIImagingLogic.models.safety.refusals import UntrustedModel
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.models.store.pack import Pack
from AIImagingLogic.records.errors import AIImagingError
from AIImagingLogic.records.progress import Progress

# Reading files again is the longer part of a verification.
_READ = 0.9


def get(card: ModelCard, licence_accepted: bool, progress: Progress, store: ModelStore | None = None) -> dict[str, Any]:
    """Fetch a model; return its ``size`` in bytes.

    Raises
    ------
    ModelError, OutputError, Cancelled
        As `ModelStore.get`.
    """
    stored = (store or ModelStore()).get(card, lambda asked: licence_accepted, progress)
    return {"size": stored.manifest.size}


def take_in(path: str, card: ModelCard, progress: Progress) -> dict[str, Any]:
    """Copy a folder, archive or file into the store as the model of `card`; return its ``size`` in bytes.

    Raises
    ------
    ModelError, OutputError, Cancelled
        As `ModelStore.import_path`.
    """
    return {"size": ModelStore().import_path(Path(path), card, progress).manifest.size}


def verify(model_id: str, progress: Progress) -> dict[str, Any]:
    """Compare a model's files with their hashes, then open it when this version can.

    Returns
    -------
    dict
        ``problems``: what is wrong with the files, one line each. ``refusal``: why it cannot be used, empty when it can
        or was not tried. ``untrusted``: None, or ``what`` of its own code it needs and the ``hash`` to trust.

    Raises
    ------
    ModelError, Cancelled
        As `ModelStore.verify`.
    """
    problems = ModelStore().verify(model_id, progress.part(0.0, _READ))
    answer: dict[str, Any] = {"problems": list(problems), "refusal": "", "untrusted": None}
    card = stored_card(model_id) if not problems else None
    folder = ModelStore().installed(card) if card and card.runs == PACKAGE else None
    if card is None or folder is None:
        return answer
    progress.report(_READ, "Opening it")
    try:
        _open(folder, card)
    except UntrustedModel as error:
        from AIImagingLogic.models.safety.trust import package_hash

        answer["refusal"] = str(error)
        answer["untrusted"] = {
            "what": f"{error.place}: {error.found}",
            "hash": error.package_hash or package_hash(folder),
        }
    except AIImagingError as error:
        answer["refusal"] = str(error)
    return answer


def remove(model_id: str, progress: Progress) -> dict[str, Any]:
    """Delete a model; return how many bytes became ``freed``.

    Raises
    ------
    ModelError, OutputError
        As `ModelStore.remove`.
    """
    return {"freed": ModelStore().remove(model_id, progress)}


def remove_unfinished(progress: Progress) -> dict[str, Any]:
    """Delete what came of broken downloads; return how many bytes became ``freed``."""
    return {"freed": ModelStore().remove_unfinished(progress)}


def export_pack(model_ids: Sequence[str], path: str, progress: Progress) -> dict[str, Any]:
    """Write models into one file; return its ``size`` in bytes.

    Raises
    ------
    ModelError, OutputError, Cancelled
        As `ModelStore.export_pack`.
    """
    ModelStore().export_pack([stored_card(model_id) for model_id in model_ids], Path(path), progress)
    return {"size": Path(path).stat().st_size}


def pack_content(path: str, progress: Progress) -> dict[str, Any]:
    """Return the ``models`` of a pack: id, name, licence, licence_url, and whether that licence was accepted before.

    Raises
    ------
    ModelError
        It is no pack, or damaged.
    """
    progress.report(0.0, "Reading the list of the pack")
    store = ModelStore()
    with Pack(Path(path)) as pack:
        cards = [manifest.card for manifest in pack.manifests]
    fields = ("id", "name", "licence", "licence_url")
    return {
        "models": [
            {**{name: getattr(card, name) for name in fields}, "accepted": store.licence_is_accepted(card)}
            for card in cards
        ]
    }


def import_pack(path: str, accepted: Sequence[str], progress: Progress) -> dict[str, Any]:
    """Take in the models of a pack; return their ``names``.

    Parameters
    ----------
    path : of the pack
    accepted : ids of the models whose licence the user accepted

    Raises
    ------
    ModelError, OutputError, Cancelled
        As `ModelStore.import_pack`.
    """
    stored = ModelStore().import_pack(Path(path), lambda card: card.id in accepted, progress)
    return {"names": [model.card.name for model in stored]}


def _open(folder: Path, card: ModelCard) -> None:
    if card.task == "classify":
        from AIImagingLogic.models.classification_package import open_classification_package

        open_classification_package(folder, card)
    else:
        from AIImagingLogic.models.formats.open_package import open_package

        open_package(folder, card)
