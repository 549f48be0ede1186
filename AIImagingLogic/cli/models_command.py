"""`aiimaging models`: the catalogue, and the models that are on this computer."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from rich.text import Text

from AIImagingLogic.cli.models_finetune import run_corrections, run_finetune
from AIImagingLogic.cli.models_run import run_model
from AIImagingLogic.cli.models_text import card_text, counted, models_table
from AIImagingLogic.cli.models_trust import run_distrust, run_trust
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.card_file import read_card
from AIImagingLogic.models.catalogue import card_fits, card_summaries, model_card
from AIImagingLogic.models.run_state import NOT_YET
from AIImagingLogic.models.store.disk_space import size_text
from AIImagingLogic.models.store.licences import LicenceNotAccepted
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.records.errors import ModelError


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Do one action on the catalogue or the store."""
    return _ACTIONS[arguments.action](arguments, terminal, ModelStore())


def _list(arguments: argparse.Namespace, terminal: Terminal, store: ModelStore) -> dict[str, Any]:
    _refuse_unknown_modality(arguments.modality, store)
    wanted = (arguments.task, arguments.modality, arguments.anatomy)
    listed = {card.id: model_card(card.id) for card in card_summaries(*wanted)}
    stored = {model.card.id: model.manifest.size for model in store.models()}
    for model in store.models():
        if model.card.id not in _catalogue() and card_fits(model.card, *wanted):
            listed[model.card.id] = model.card
    cards = [card for card in listed.values() if not arguments.installed or card.id in stored]
    use = store.disk_use()
    terminal.show(models_table(cards, stored))
    if any(card.runs == NOT_YET for card in cards):
        terminal.show(Text("* can be fetched and kept; this version cannot run it yet"))
    terminal.show(Text(f"On this computer: {size_text(use.size)} in {store.layout.root}"))
    if use.unfinished:
        terminal.show(Text(f"Of these {size_text(use.unfinished)} of broken downloads; 'get' goes on with them."))
    return {
        "models": [
            {
                **{name: getattr(card, name) for name in _LISTED},
                "download_size": card.download_size if card.downloads else 0,
                "installed": card.id in stored,
            }
            for card in cards
        ],
        "folder": str(store.layout.root),
        "size": use.size,
        "unfinished": use.unfinished,
    }


def _refuse_unknown_modality(modality: str | None, store: ModelStore) -> None:
    """Refuse one that no card names: models for any modality fit it too, and their list would read as an answer."""
    own = {model.card.modality for model in store.models()}
    known = sorted(({card.modality for card in card_summaries()} | own) - {""})
    if modality is not None and modality.upper() not in known:
        raise ModelError(
            f"No model is for the modality '{modality}'.",
            f"Those that exist: {', '.join(known)}. Without --modality, models for any are listed too.",
        )


def _show(arguments: argparse.Namespace, terminal: Terminal, store: ModelStore) -> dict[str, Any]:
    card = _card(arguments.model, store)
    stored = store.find(card)
    terminal.show(*card_text(card, stored))
    return {
        "card": card.to_json(),
        "folder": str(stored.folder) if stored else None,
        "sha256": stored.manifest.sha256 if stored else None,
        "origin": stored.manifest.origin if stored else None,
    }


def _get(arguments: argparse.Namespace, terminal: Terminal, store: ModelStore) -> dict[str, Any]:
    accept = _licence_question(arguments, terminal)
    done = []
    for card in [_card(model, store) for model in arguments.models]:
        if store.find(card) is None and card.downloads and not store.licence_is_accepted(card):
            accept(card)
        with terminal.progress() as progress:
            stored = store.get(card, lambda card: True, progress, accept_changed=arguments.accept_changed)
        terminal.show(Text(f"{card.id} {card.version}: {size_text(stored.manifest.size)} in {stored.folder}"))
        done.append({"id": card.id, "folder": str(stored.folder), "sha256": stored.manifest.sha256})
    return {"models": done}


def _import(arguments: argparse.Namespace, terminal: Terminal, store: ModelStore) -> dict[str, Any]:
    card = read_card(arguments.card) if arguments.card else _card(arguments.model, store)
    with terminal.progress() as progress:
        stored = store.import_path(arguments.path, card, progress)
    terminal.show(Text(f"{card.id} {card.version}: {size_text(stored.manifest.size)} in {stored.folder}"))
    return {"id": card.id, "folder": str(stored.folder), "sha256": stored.manifest.sha256}


def _verify(arguments: argparse.Namespace, terminal: Terminal, store: ModelStore) -> dict[str, Any]:
    models = arguments.models or sorted({use.id for use in store.disk_use().packages})
    damaged, answers = [], []
    for model in models:
        with terminal.progress() as progress:
            problems = store.verify(model, progress)
        answers.append({"id": model, "problems": list(problems)})
        for problem in problems:
            terminal.warn(f"{model}: {problem}")
        if problems:
            damaged.append(model)
        else:
            terminal.show(Text(f"{model}: as it was stored"))
    if damaged:
        raise ModelError(f"Damaged: {', '.join(damaged)}.", "Remove them and get them again.")
    return {"models": answers}


def _remove(arguments: argparse.Namespace, terminal: Terminal, store: ModelStore) -> dict[str, Any]:
    if not arguments.models and not arguments.unfinished:
        raise ModelError("Nothing was named to remove.", "Name models, or give --unfinished.")
    with terminal.progress() as progress:
        freed = sum(store.remove(model, progress) for model in arguments.models)
        freed += store.remove_unfinished(progress) if arguments.unfinished else 0
    terminal.show(Text(f"{size_text(freed)} became free."))
    return {"freed": freed}


def _export_pack(arguments: argparse.Namespace, terminal: Terminal, store: ModelStore) -> dict[str, Any]:
    cards = [_card(model, store) for model in arguments.models]
    with terminal.progress() as progress:
        store.export_pack(cards, arguments.output, progress)
    size = arguments.output.stat().st_size
    terminal.show(Text(f"{counted(len(cards))}, {size_text(size)}: {arguments.output}"))
    return {"pack": str(arguments.output), "size": size, "models": [card.id for card in cards]}


def _import_pack(arguments: argparse.Namespace, terminal: Terminal, store: ModelStore) -> dict[str, Any]:
    with terminal.progress() as progress:
        stored = store.import_pack(arguments.path, _licence_question(arguments, terminal), progress)
    for model in stored:
        terminal.show(Text(f"{model.card.id} {model.card.version}: {size_text(model.manifest.size)} in {model.folder}"))
    return {"models": [{"id": model.card.id, "folder": str(model.folder)} for model in stored]}


def _licence_question(arguments: argparse.Namespace, terminal: Terminal) -> Callable[[ModelCard], bool]:
    """Return what asks a person for a licence; where nobody can answer, the error says which argument does."""

    def accept(card: ModelCard) -> bool:
        where = card.licence_url or card.homepage
        if arguments.accept_licence:
            return True
        if not sys.stdin.isatty():
            raise LicenceNotAccepted(
                f"The licence of '{card.id}' was not accepted yet: {card.licence}.",
                f"Read it at {where}, then run again with --accept-licence.",
            )
        terminal.detail(f"'{card.id}' is under the licence {card.licence}: {where}\nDo you accept it? [y/N]")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise LicenceNotAccepted(f"The licence of '{card.id}' was not accepted.", "Nothing was fetched.")
        return True

    return accept


def _card(model_id: str, store: ModelStore) -> ModelCard:
    if model_id in _catalogue():
        return model_card(model_id)
    for model in store.models():
        if model.card.id == model_id:
            return model.card
    return model_card(model_id)


def _catalogue() -> set[str]:
    return {card.id for card in card_summaries()}


_LISTED = ("id", "version", "name", "task", "modality", "anatomy", "licence", "source", "runs", "intended_use")

_ACTIONS: dict[str, Callable[[argparse.Namespace, Terminal, ModelStore], dict[str, Any]]] = {
    "list": _list,
    "show": _show,
    "get": _get,
    "run": run_model,
    "import": _import,
    "verify": _verify,
    "remove": _remove,
    "export-pack": _export_pack,
    "import-pack": _import_pack,
    "trust": run_trust,
    "distrust": run_distrust,
    "corrections": run_corrections,
    "finetune": run_finetune,
}
