"""What came of each address when it was first fetched: where nobody publishes a hash, later downloads must equal it."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.models.store.download import Fetched
from AIImagingLogic.models.store.layout import Layout
from AIImagingLogic.models.store.memory_file import change, remembered
from AIImagingLogic.records.progress import Progress


def known_of(layout: Layout, url: str) -> Fetched | None:
    """Return what came of `url` before; None when it was never fetched here."""
    entry = remembered(layout.hashes).get(url)
    return Fetched(int(entry["size"]), str(entry["sha256"])) if entry else None


def remember(layout: Layout, fetched: dict[str, Fetched], progress: Progress) -> None:
    """Keep what came of each address."""

    def add(data: dict[str, Any]) -> None:
        for url, what in fetched.items():
            data[url] = {"size": what.size, "sha256": what.sha256}

    change(layout.hashes, layout.lock("hashes"), add, progress)
