"""The card of a package that is opened by its path and that the catalogue does not know."""

from __future__ import annotations

import re
from collections.abc import Collection

from AIImagingLogic.models.card import ModelCard


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
