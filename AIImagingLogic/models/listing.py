"""The models as a list shows them: of the catalogue, and those that the user brought; cheap when a panel opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from AIImagingLogic.models.catalogue import CardSummary, card_fits, card_summaries, model_card
from AIImagingLogic.models.run_state import BUILT_IN, PACKAGE
from AIImagingLogic.models.store.layout import Layout, default_folder
from AIImagingLogic.models.store.whereabouts import find_stored, installed_sizes, package_folders
from AIImagingLogic.records.errors import ModelError

if TYPE_CHECKING:
    from AIImagingLogic.models.card import ModelCard


@dataclass(frozen=True)
class ListedModel:
    """A model in a list.

    Attributes
    ----------
    card : in short
    size : bytes on this computer; None when it is not there
    other_version : True when only another version of it is on this computer
    damaged : True when its package is on this computer, but not whole
    own : True when the user brought it: the catalogue does not know it
    """

    card: CardSummary
    size: int | None
    other_version: bool
    damaged: bool
    own: bool

    @property
    def here(self) -> bool:
        """True for a built-in model and for one that is on this computer."""
        return self.card.runs == BUILT_IN or self.size is not None

    @property
    def usable(self) -> bool:
        """True when a task can run it now, as far as files go: a package may need PyTorch."""
        return self.here and self.card.runs in (BUILT_IN, PACKAGE)


def listed_models(
    task: str | None = None, modality: str | None = None, anatomy: str | None = None
) -> tuple[ListedModel, ...]:
    """Return the built-in models, those of the catalogue, and those that the user brought, in this order.

    Parameters
    ----------
    task, modality
        Only models with exactly these; a model for any modality fits every one.
    anatomy
        Only models whose anatomy or name contains this word.
    """
    sizes = installed_sizes()
    stored = {model_id for model_id, _ in sizes}
    folders = {(path.parent.name, path.name) for path in package_folders(Layout(default_folder()))}
    known = {card.id for card in card_summaries()}
    listed = []
    for card in card_summaries(task, modality, anatomy):
        key = (card.id, card.version)
        other = key not in sizes and card.id in stored
        listed.append(ListedModel(card, sizes.get(key), other, key in folders and key not in sizes, own=False))
    for model_id in sorted(stored - known):
        summary = _summary(stored_card(model_id))
        if card_fits(summary, task, modality, anatomy):
            size = sizes[summary.id, summary.version]
            listed.append(ListedModel(summary, size, other_version=False, damaged=False, own=True))
    return tuple(listed)


def listed_card(model_id: str) -> ModelCard:
    """Return the card of a listed model: of the catalogue, else as it was stored.

    Raises
    ------
    ModelError
        It is in neither.
    """
    known = any(card.id == model_id for card in card_summaries())
    own = not known and any(stored_id == model_id for stored_id, _ in installed_sizes())
    return stored_card(model_id) if own else model_card(model_id)


def stored_card(model_id: str) -> ModelCard:
    """Return the card with which a model was stored; of several versions the newest.

    Raises
    ------
    ModelError
        It is not on this computer.
    """
    layout = Layout(default_folder())
    versions = [version for stored_id, version in installed_sizes() if stored_id == model_id]
    for version in sorted(versions, key=_numbers, reverse=True):
        stored = find_stored(layout, model_id, version)
        if stored:
            return stored.card
    raise ModelError(f"The model '{model_id}' is not on this computer.", "Get or import it in AI Models.")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


def _summary(card: ModelCard) -> CardSummary:
    return CardSummary(**{field: getattr(card, field) for field in CardSummary.__dataclass_fields__})
