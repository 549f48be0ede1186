"""Packages that the user brings as a file or folder: copied into the store, compared with the card where it can be."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

from AIImagingLogic.models.card import Download, ModelCard
from AIImagingLogic.models.store.disk_space import check_room
from AIImagingLogic.models.store.manifest import CHUNK, StoredFile
from AIImagingLogic.models.store.safe_path import check_distinct, safe_relative_path
from AIImagingLogic.models.store.unpack import copy_out, unpack
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress


def take_in(source: Path, card: ModelCard, folder: Path, progress: Progress) -> tuple[StoredFile, ...]:
    """Copy the package at `source` into `folder` and return its files.

    A folder is copied without hidden files and without ``__pycache__``; a zip archive is unpacked; any other file is
    the package by itself. Where the card states a size or hash of a file, it must agree.

    Raises
    ------
    ModelError
        There is nothing, a link, or another file than the card names.
    OutputError
        The disk has no room for it.
    """
    if source.is_dir():
        files = _copy_folder(source, folder, progress)
        _compare(files, card)
        return files
    if not source.is_file():
        raise ModelError(f"'{source}' does not exist.", "Name a folder, a zip archive or a file.")
    whole = [item for item in card.downloads if item.unpack]
    if zipfile.is_zipfile(source) and (whole or source.suffix.lower() == ".zip"):
        below = whole[0].path if len(whole) == 1 else "."
        if len(whole) == 1:
            _compare_archive(source, whole[0], progress)
        return unpack(source, folder, below, progress)
    single = [item for item in card.downloads if not item.unpack]
    path = single[0].path if len(card.downloads) == len(single) == 1 else source.name
    check_room(folder, source.stat().st_size)
    with source.open("rb") as opened:
        files = (copy_out(opened, folder, safe_relative_path(path), source.stat().st_size, progress),)
    _compare(files, card)
    return files


def _copy_folder(source: Path, folder: Path, progress: Progress) -> tuple[StoredFile, ...]:
    paths = _files_of(source)
    if not paths:
        raise ModelError(f"'{source}' holds no file.", "Name the folder of the package.")
    check_distinct(paths)
    sizes = [(source / path).stat().st_size for path in paths]
    check_room(folder, sum(sizes))
    files, done, whole = [], 0, max(sum(sizes), 1)
    for path, size in zip(paths, sizes, strict=True):
        progress.report(done / whole, f"Copying {path.rsplit('/', 1)[-1][:40]}")
        with (source / path).open("rb") as opened:
            files.append(copy_out(opened, folder, path, size, progress))
        done += size
    return tuple(files)


def _files_of(source: Path) -> list[str]:
    paths = []
    for folder, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if not _is_left_out(name))
        for name in folders + sorted(name for name in names if not _is_left_out(name)):
            path = Path(folder) / name
            if path.is_symlink():
                raise ModelError(f"'{path}' is a link.", "Copy the package with its files instead of links.")
            if name in names:
                paths.append(safe_relative_path(path.relative_to(source).as_posix()))
    return paths


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__"


def _compare(files: tuple[StoredFile, ...], card: ModelCard) -> None:
    found = {file.path: file for file in files}
    for item in card.downloads:
        if item.unpack:
            continue
        file = found.get(item.path)
        if file is None:
            raise ModelError(f"'{item.path}' of '{card.id}' is missing.", f"Fetch it from {item.url}.")
        if (item.size is not None and file.size != item.size) or (item.sha256 and file.sha256 != item.sha256):
            raise _another(item.path, card.id)


def _compare_archive(source: Path, item: Download, progress: Progress) -> None:
    kind, _, stated = item.published_hash.partition(":")
    size = source.stat().st_size
    if item.size is not None and size != item.size:
        raise _another(source.name, item.url)
    for name, wanted in (("sha256", item.sha256), (kind, stated)):
        if not wanted:
            continue
        digest = hashlib.new(name, usedforsecurity=False)
        with source.open("rb") as opened:
            while chunk := opened.read(CHUNK):
                progress.check_cancelled()
                digest.update(chunk)
        if digest.hexdigest() != wanted:
            raise _another(source.name, item.url)


def _another(name: str, of: str) -> ModelError:
    return ModelError(f"'{name}' is not the file of '{of}' that the card names.", "Fetch it again from its home page.")
