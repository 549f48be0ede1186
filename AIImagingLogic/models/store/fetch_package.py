"""All files of a package from the web, put together in a folder."""

from __future__ import annotations

import contextlib
from pathlib import Path

from AIImagingLogic.models.card import Download, ModelCard
from AIImagingLogic.models.store.disk_space import check_room
from AIImagingLogic.models.store.disk_use import size_of
from AIImagingLogic.models.store.download import Downloader, Fetched
from AIImagingLogic.models.store.known_hashes import known_of, remember
from AIImagingLogic.models.store.layout import Layout
from AIImagingLogic.models.store.lock import locked
from AIImagingLogic.models.store.manifest import StoredFile
from AIImagingLogic.models.store.part_file import PartFile
from AIImagingLogic.models.store.safe_path import check_distinct, safe_relative_path
from AIImagingLogic.models.store.unpack import unpack
from AIImagingLogic.models.store.web import Web
from AIImagingLogic.records.atomic_files import output_error
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress

# Of the progress; the rest is unpacking.
_FETCHING_SHARE = 0.9


def check_downloads(card: ModelCard) -> None:
    """Refuse a card whose files would not lie in a folder of their own.

    Raises
    ------
    ModelError
        A path leads out of the package, or two are one file.
    """
    check_distinct(safe_relative_path(item.path) for item in card.downloads if not item.unpack)
    for item in card.downloads:
        if item.unpack and item.path != ".":
            safe_relative_path(item.path)


def fetch_package(
    card: ModelCard,
    folder: Path,
    layout: Layout,
    web: Web,
    pause_s: float,
    accept_changed: bool,
    progress: Progress,
) -> tuple[StoredFile, ...]:
    """Fetch every download of `card` and put the files into `folder`.

    Files that came whole wait in the store's folder for parts until all have come, so that a run which breaks off
    fetches none of them twice.

    Raises
    ------
    ModelError, OutputError, Cancelled
        As `Downloader.fetch` and `unpack`.
    """
    missing = sum(
        max(item.size - size_of(layout.part(item.url)), 0) for item in card.downloads if item.size is not None
    )
    check_room(layout.root, missing)
    with contextlib.ExitStack() as held:
        # In one order everywhere, so that two processes never wait for each other.
        for url in sorted({item.url for item in card.downloads}):
            held.enter_context(locked(layout.part_lock(url), progress))
        fetched: dict[str, Fetched] = {}
        done, whole = 0.0, card.download_size
        for item in card.downloads:
            share = _FETCHING_SHARE * ((item.size or 0) / whole if whole else 1 / len(card.downloads))
            known = None if accept_changed else known_of(layout, item.url)
            part = PartFile(layout.part(item.url))
            fetched[item.url] = Downloader(item, known, part, web, pause_s).fetch(progress.part(done, done + share))
            done += share
        files: list[StoredFile] = []
        for item in card.downloads:
            part = PartFile(layout.part(item.url))
            files += _placed(item, fetched[item.url], part, folder, progress.part(_FETCHING_SHARE, 1.0))
        check_distinct(file.path for file in files)
        remember(layout, fetched, progress)
    return tuple(files)


def _placed(
    item: Download, fetched: Fetched, part: PartFile, folder: Path, progress: Progress
) -> tuple[StoredFile, ...]:
    if item.unpack:
        try:
            files = unpack(part.path, folder, item.path, progress)
        except ModelError:
            # An archive that cannot be used must not be gone on with.
            part.remove()
            raise
        part.remove()
        return files
    target = folder / safe_relative_path(item.path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.path.replace(target)
    except OSError as error:
        raise output_error(target, error) from error
    part.remove()
    return (StoredFile(item.path, fetched.size, fetched.sha256),)
