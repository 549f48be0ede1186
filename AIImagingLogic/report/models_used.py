"""What the models behind a result are for, and what their cards say of their limits."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.provenance import ModelUse, Provenance

_SHORT_HASH = 12


@dataclass(frozen=True)
class UsedModel:
    """A model of a provenance with its card; `card` is None for a model that this installation does not know."""

    use: ModelUse
    card: ModelCard | None

    @property
    def short_hash(self) -> str:
        """The first digits of the SHA-256, enough to tell packages apart."""
        return self.use.sha256[:_SHORT_HASH]


def models_used(provenance: Provenance) -> tuple[UsedModel, ...]:
    """Return the models of a provenance with their cards.

    The card shown is the installed one; it is left out when its version is not the one that made the result.
    """
    return tuple(UsedModel(use, _card(use)) for use in provenance.models)


def _card(use: ModelUse) -> ModelCard | None:
    try:
        card = model_card(use.model_id)
    except ModelError:
        return None
    return card if card.version == use.version else None
