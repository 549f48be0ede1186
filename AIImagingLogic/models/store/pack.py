"""Offline packs: models in one zip file, made on one computer and used on another."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from AIImagingLogic.models.store.disk_space import check_room
from AIImagingLogic.models.store.manifest import (
    CHUNK,
    Manifest,
    StoredFile,
    StoredModel,
    checked_manifest,
    hash_file,
)
from AIImagingLogic.models.store.unpack import copy_out, safe_members
from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress

_LIST = "aiimaging-pack.json"
_FORMAT = 1
# The list of a pack is read into memory; one with 20 000 files has about 4 MB.
_LONGEST_LIST = 32 << 20


def write_pack(models: Sequence[StoredModel], path: Path, progress: Progress) -> None:
    """Write `models` with their hashes into the zip file `path`; it appears whole or not at all.

    Raises
    ------
    ModelError
        A file of a model is no longer what was stored.
    OutputError
        `path` cannot be written, or its disk has no room.
    """
    whole = max(sum(model.manifest.size for model in models), 1)
    check_room(path.parent, whole)
    done = 0
    with written_atomically(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        data = {"pack": _FORMAT, "models": [model.manifest.to_json() for model in models]}
        archive.writestr(_LIST, json.dumps(data, indent=1, ensure_ascii=False))
        for model in models:
            for file in model.manifest.files:
                _add(archive, model, file, progress.part(done / whole, (done + file.size) / whole))
                done += file.size


def _add(archive: zipfile.ZipFile, model: StoredModel, file: StoredFile, progress: Progress) -> None:
    source = model.folder / file.path
    if not source.is_file() or source.is_symlink() or hash_file(source, progress) != file.sha256:
        raise ModelError(f"'{file.path}' of '{model.card.id}' is damaged.", "Remove the model and get it again.")
    # Files are stored as they are: weights do not get smaller.
    info = zipfile.ZipInfo(_name(model.manifest, file))
    with source.open("rb") as opened, archive.open(info, "w", force_zip64=True) as target:
        while chunk := opened.read(CHUNK):
            progress.check_cancelled()
            target.write(chunk)


class Pack:
    """A pack that is read. Use as a context manager.

    Raises
    ------
    ModelError
        It is no pack, is damaged, or holds what no package may hold.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise ModelError(f"'{path}' cannot be read as a pack: {error}.", "Copy it again.") from error
        try:
            self._members = {info.filename: info for info in safe_members(self._archive, path)}
            self.manifests = self._read_list()
        except BaseException:
            self._archive.close()
            raise

    def __enter__(self) -> Pack:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def unpack(self, manifest: Manifest, folder: Path, progress: Progress) -> None:
        """Write the files of one model into `folder`; each must have the size and hash of the pack's list.

        Raises
        ------
        ModelError
            One has not.
        OutputError
            The disk has no room.
        """
        check_room(folder, manifest.size)
        done, whole = 0, max(manifest.size, 1)
        for file in manifest.files:
            progress.report(done / whole, f"Unpacking {file.path.rsplit('/', 1)[-1][:40]}")
            try:
                with self._archive.open(self._members[_name(manifest, file)]) as source:
                    found = copy_out(source, folder, file.path, file.size, progress)
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
                raise self._damaged(f"{file.path}: {error}") from error
            if found != file:
                raise self._damaged(f"{file.path} is not what the list says")
            done += file.size

    def _read_list(self) -> tuple[Manifest, ...]:
        info = self._members.get(_LIST)
        if info is None or info.file_size > _LONGEST_LIST:
            raise self._damaged("its list of models is missing or too long")
        try:
            with self._archive.open(info) as opened:
                data: Any = json.loads(opened.read(_LONGEST_LIST + 1))
            models = list(data["models"])
            version = int(data["pack"])
        except (ValueError, TypeError, KeyError, RecursionError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise self._damaged("its list of models cannot be read") from error
        if version > _FORMAT:
            raise ModelError(f"'{self._path.name}' was made by a newer version.", "Update AI Imaging.")
        manifests = tuple(checked_manifest(entry, self._path) for entry in models)
        self._compare(manifests)
        return manifests

    def _compare(self, manifests: tuple[Manifest, ...]) -> None:
        listed = {_name(manifest, file): file.size for manifest in manifests for file in manifest.files}
        if len(listed) != sum(len(manifest.files) for manifest in manifests):
            raise self._damaged("it names a model twice")
        there = {name: info.file_size for name, info in self._members.items() if name != _LIST}
        for name in sorted(set(listed) ^ set(there)):
            raise self._damaged(f"{name[:80]} {'is missing' if name in listed else 'is not on its list'}")
        for name, size in listed.items():
            if there[name] != size:
                raise self._damaged(f"{name[:80]} has another size than its list says")

    def _damaged(self, how: str) -> ModelError:
        return ModelError(f"The pack '{self._path.name}' is damaged: {how}.", "Copy it again, or make it anew.")


def _name(manifest: Manifest, file: StoredFile) -> str:
    return f"{manifest.card.id}/{manifest.card.version}/{file.path}"
