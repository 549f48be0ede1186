"""The card of a package that is opened by its path: the catalogue's where it is known there, else one of its own."""

from __future__ import annotations

import re
from collections.abc import Collection

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import card_summaries, model_card

_BUILTIN = "builtin"


def known_card(hashes: Collection[str]) -> ModelCard | None:
    """Return the card of the catalogue that one of whose files has one of these SHA-256; None when there is none."""
    for summary in card_summaries():
        if summary.source != _BUILTIN:
            card = model_card(summary.id)
            if any(download.sha256 in hashes for download in card.downloads):
                return card
    return None


def card_of_unknown(
    name: str, source: str, inputs: int, labels: Collection[str], modality: str = "", anatomy: str = ""
) -> ModelCard:
    """Return a card for a package that the catalogue does not know: it says what is not known of it."""
    return ModelCard(
        id=re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "package",
        version="0.0.0",
        name=name,
        task="segment",
        modality=modality,
        anatomy=anatomy,
        inputs=("Image",) if inputs == 1 else tuple(f"Image {number}" for number in range(1, inputs + 1)),
        outputs=tuple(labels),
        needs=(),
        licence="LicenseRef-unknown",
        intended_use="Research only; the package does not say what it is intended for.",
        limits=("The catalogue does not know this package: what it was made and tested on is not known here.",),
        training_data="Not stated in the package.",
        tested_on="Not tested by AI Imaging.",
        references=(),
        source=source,
        runs="package",
    )
