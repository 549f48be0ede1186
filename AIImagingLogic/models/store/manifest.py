"""What a stored package consists of, file by file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.store.layout import FILES, MANIFEST
from AIImagingLogic.models.store.safe_path import check_distinct, safe_relative_path
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.progress import Progress

CHUNK = 1 << 20


@dataclass(frozen=True)
class StoredFile(Record):
    """A file of a package: path with ``/``, bytes, SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest(Record):
    """A package as it was stored.

    Attributes
    ----------
    card : of the model
    files : of the package
    origin : ``download``, ``import`` or ``pack``
    """

    card: ModelCard
    files: tuple[StoredFile, ...]
    origin: str

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def sha256(self) -> str:
        """One hash of the whole package: of the sorted lines `<sha256>  <path>`."""
        lines = sorted(f"{file.sha256}  {file.path}\n" for file in self.files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class StoredModel:
    """A model that is on this computer: `folder` holds its files and nothing else."""

    manifest: Manifest
    folder: Path

    @property
    def card(self) -> ModelCard:
        """The card that it was stored with."""
        return self.manifest.card


def read_stored(package: Path) -> StoredModel:
    """Return the package in a folder of the store.

    Raises
    ------
    ModelError
        Its manifest is missing or damaged.
    """
    try:
        data = json.loads((package / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(package) from error
    return StoredModel(checked_manifest(data, package), package / FILES)


def checked_manifest(data: Mapping[str, Any], place: Path) -> Manifest:
    """Return the manifest in `data`, with harmless and distinct names, sizes and hashes of the right form.

    Raises
    ------
    ModelError
        It has not.
    """
    try:
        manifest = Manifest.from_json(data)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise _damaged(place) from error
    for file in manifest.files:
        safe_relative_path(file.path)
        if file.size < 0 or len(file.sha256) != 64 or not set(file.sha256) <= set("0123456789abcdef"):
            raise _damaged(place)
    check_distinct(file.path for file in manifest.files)
    return manifest


def problems_of(stored: StoredModel, progress: Progress) -> tuple[str, ...]:
    """Read every file of a package again and return what is wrong, one line each; empty when all is well."""
    problems = []
    done, whole = 0, max(stored.manifest.size, 1)
    for file in stored.manifest.files:
        path = stored.folder / file.path
        if path.is_symlink() or not path.is_file():
            problems.append(f"{file.path}: missing")
        elif path.stat().st_size != file.size:
            problems.append(f"{file.path}: {path.stat().st_size} bytes instead of {file.size}")
        elif hash_file(path, progress.part(done / whole, (done + file.size) / whole)) != file.sha256:
            problems.append(f"{file.path}: its content changed")
        done += file.size
    known = {file.path for file in stored.manifest.files}
    for path in sorted(stored.folder.rglob("*")):
        name = path.relative_to(stored.folder).as_posix()
        if name not in known and (path.is_symlink() or not path.is_dir()):
            problems.append(f"{name}: does not belong to the package")
    return tuple(problems)


def hash_file(path: Path, progress: Progress) -> str:
    """Return the SHA-256 of a file."""
    digest, done, whole = hashlib.sha256(), 0, max(path.stat().st_size, 1)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            progress.report(done / whole, f"Checking {path.name}")
    return digest.hexdigest()


def _damaged(place: Path) -> ModelError:
    return ModelError(f"The list of files of the model package '{place}' is missing or damaged.", "Fetch it again.")
