"""The card of a bundle: the catalogue's where its weights are known there, else one of what metadata.json says."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.catalogue import card_with_file
from AIImagingLogic.models.formats.bundle_parts import BundleParts
from AIImagingLogic.models.formats.label_segments import is_background
from AIImagingLogic.models.formats.package_card import card_of_unknown


def bundle_card(
    parts: BundleParts, weights: str, keys: Sequence[str], inputs: int, names: Sequence[str], task: str = "segment"
) -> ModelCard:
    """Return the card.

    Parameters
    ----------
    parts : of the bundle
    weights : SHA-256 of its weights
    keys : of the images that its pre-processing reads
    inputs : channels of the network
    names : of its labels or classes
    task : of the card
    """
    known = card_with_file([weights])
    if known is not None:
        return known
    metadata = parts.metadata
    labels = [re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in names if not is_background(name)]
    card = card_of_unknown(parts.name, "monai-bundle", inputs, labels)
    named = tuple(keys) if len(keys) == inputs > 1 else parts.input_names
    version = metadata.get("version")
    limits = [text for key in ("intended_use", "description") if isinstance(text := metadata.get(key), str) and text]
    return dataclasses.replace(
        card,
        task=task,
        version=version if isinstance(version, str) and version else card.version,
        inputs=named if len(named) == inputs else card.inputs,
        limits=(*card.limits, *(f"The package says of itself: {text}" for text in limits[:1])),
    )
