"""Cards for tests of the model store."""

from __future__ import annotations

import hashlib
from typing import Any

from AIImagingLogic.models.card import Download, ModelCard
from AIImagingLogic.models.catalogue import model_card


def fetched_card(*downloads: Download, model_id: str = "a-net", **fields: Any) -> ModelCard:
    """Return the card of a model with `downloads`."""
    data = model_card("ct-lungs").to_json()
    data.update(
        id=model_id,
        source="monai-bundle",
        runs="not yet",
        licence="MIT",
        licence_url="https://example.org/licence",
        homepage="https://example.org/",
        downloads=[item.to_json() for item in downloads],
        **fields,
    )
    return ModelCard.from_json(data)


def download_of(url: str, content: bytes, path: str = "model.bin", **fields: Any) -> Download:
    """Return a download with the size and SHA-256 of `content`, unless `fields` say otherwise."""
    stated = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), **fields}
    return Download(url, path, **stated)
