"""Models as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.run_state import BUILT_IN, NOT_YET
from AIImagingLogic.models.store.disk_space import size_text
from AIImagingLogic.models.store.manifest import StoredModel

# More labels than a screen holds are counted, not listed; `--json` has them all.
_MOST_LABELS = 40
_CANNOT_RUN = ", cannot be run by this version"


def models_table(cards: Sequence[ModelCard], stored: Mapping[str, int]) -> RenderableType:
    """Return a table of models; `stored` holds the bytes of those that are on this computer, by id."""
    if not cards:
        return Text("No models.")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    # An id is copied from here into the next command: it stays on one line.
    table.add_column("Model", no_wrap=True)
    for title in ("Task", "Mod."):
        table.add_column(title, no_wrap=True)
    table.add_column("Anatomy")
    table.add_column("Size", justify="right", no_wrap=True)
    table.add_column("State", no_wrap=True)
    for card in cards:
        texts = (card.id, card.task, card.modality or "any", card.anatomy, _size(card, stored))
        table.add_row(*(Text(text) for text in (*texts, _short_state(card, card.id in stored))))
    return table


def card_text(card: ModelCard, stored: StoredModel | None) -> tuple[RenderableType, ...]:
    """Return what a terminal shows of a card."""
    return tuple(Text(line) for line in _lines(card, stored))


def counted(models: int) -> str:
    """Return a number of models in words."""
    return f"{models} model" if models == 1 else f"{models} models"


def _lines(card: ModelCard, stored: StoredModel | None) -> Iterator[str]:
    yield f"{card.name} ({card.id} {card.version})"
    yield f"Task: {card.task}; modality: {card.modality or 'any'}; anatomy: {card.anatomy}"
    yield f"State: {_state(card, stored is not None)}"
    if stored:
        yield f"Files: {stored.folder}"
    for number, name in enumerate(card.inputs):
        sequence = f" ({card.sequences[number]})" if card.sequences else ""
        yield f"Input {number + 1}: {name}{sequence}"
    yield f"Use: {card.intended_use}"
    for limit in card.limits:
        yield f"Limit: {limit}"
    yield f"Training data: {card.training_data}"
    yield f"Tested on: {card.tested_on}"
    for figure in card.published:
        yield f"Published: {figure.name} {figure.value:g} on {figure.data} ({figure.source}); not repeated here"
    if card.labels:
        shown = ", ".join(f"{label.value} {label.name}" for label in card.labels[:_MOST_LABELS])
        more = f" and {len(card.labels) - _MOST_LABELS} more" if len(card.labels) > _MOST_LABELS else ""
        yield f"Labels: {shown}{more}"
    yield f"Licence: {card.licence} {card.licence_url}".rstrip()
    if card.homepage:
        yield f"Home page: {card.homepage}"
    for item in card.downloads:
        known = item.sha256 and f"SHA-256 {item.sha256}" or item.published_hash.replace(":", " ", 1)
        checked = known or "no published hash: recorded at the first download, checked ever after"
        size = size_text(item.size) if item.size is not None else "size not published"
        yield f"Download: {item.url} ({size}; {checked})"
    for reference in card.references:
        yield f"Reference: {reference}"
    if card.citation:
        yield f"To cite: {card.citation}"


def _short_state(card: ModelCard, is_stored: bool) -> str:
    return _state(card, is_stored).replace("on this computer", "here").replace(_CANNOT_RUN, " *")


def _size(card: ModelCard, stored: Mapping[str, int]) -> str:
    if card.id in stored:
        return size_text(stored[card.id])
    if not card.downloads:
        return ""
    return size_text(card.download_size) if card.download_size is not None else "?"


def _state(card: ModelCard, is_stored: bool) -> str:
    if card.runs == BUILT_IN:
        return "built in"
    here = "on this computer" if is_stored else "to fetch"
    return f"{here}{_CANNOT_RUN}" if card.runs == NOT_YET else here
