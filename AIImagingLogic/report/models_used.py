"""What the models behind a result are for, and what their cards say of their limits."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.provenance import ModelUse, Provenance
from AIImagingLogic.records.resources import load_resource

_SHORT_HASH = 12


@dataclass(frozen=True)
class CardWords:
    """What a card says, in one language."""

    name: str
    intended_use: str
    training_data: str
    tested_on: str
    limits: tuple[str, ...]


@dataclass(frozen=True)
class UsedModel:
    """A model of a provenance with its card; `card` is None for a model that this installation does not know.

    `words` are the card's in the language of the report; `foreign` says that they are in English all the same.
    """

    use: ModelUse
    card: ModelCard | None
    words: CardWords | None = None
    foreign: bool = False

    @property
    def name(self) -> str:
        """The model's name in the language of the report, its id where there is no card."""
        return self.use.model_id if self.words is None else self.words.name

    @property
    def short_hash(self) -> str:
        """The first digits of the SHA-256, enough to tell packages apart."""
        return self.use.sha256[:_SHORT_HASH]


def models_used(provenance: Provenance, language: str = "en") -> tuple[UsedModel, ...]:
    """Return the models of a provenance with their cards, in the language of the report where a card is translated.

    The card shown is the installed one; it is left out when its version is not the one that made the result.
    """
    return tuple(_used(use, language) for use in provenance.models)


def _used(use: ModelUse, language: str) -> UsedModel:
    card = _card(use)
    if card is None:
        return UsedModel(use, None)
    said = load_resource("report/cards_zh.json")["cards"].get(use.model_id) if language == "zh" else None
    if said is not None and said["version"] == card.version:
        fields = (said["name"], said["intended_use"], said["training_data"], said["tested_on"])
        return UsedModel(use, card, CardWords(*fields, tuple(said["limits"])))
    words = CardWords(card.name, card.intended_use, card.training_data, card.tested_on, tuple(card.limits))
    return UsedModel(use, card, words, language != "en")


def _card(use: ModelUse) -> ModelCard | None:
    try:
        card = model_card(use.model_id)
    except ModelError:
        return None
    return card if card.version == use.version else None
