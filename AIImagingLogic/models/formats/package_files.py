"""The files of a model package: found inside its folder only, read as JSON within limits, hashed as a whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from AIImagingLogic.records.errors import ModelError

_JSON_BYTES = 50_000_000
_CHUNK = 1 << 20


def file_in_package(folder: Path, name: Any) -> Path:
    """Return the file `name` of the package in `folder`.

    Raises
    ------
    ModelError
        There is no such file, or the name leads out of the package.
    """
    if not isinstance(name, str) or not name:
        raise ModelError(f"The package '{folder.name}' names a file that has no name.", "Get the package again.")
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ModelError(f"The package '{folder.name}' names a file outside itself: {name}.", "It is not used.")
    if not path.is_file():
        raise ModelError(f"The package '{folder.name}' lacks its file {name}.", "Get the package again.")
    return path


def read_package_json(folder: Path, name: str) -> dict[str, Any]:
    """Return the object in a JSON file of the package.

    Raises
    ------
    ModelError
        The file is missing, too large, nested too deep, or no JSON object.
    """
    path = file_in_package(folder, name)
    if path.stat().st_size > _JSON_BYTES:
        raise ModelError(f"{name} of the package '{folder.name}' is too large to be a description.", "It is not read.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"{name} of the package '{folder.name}' is no valid JSON ({error}).", "Get it again."
        ) from error
    if not isinstance(data, dict):
        raise ModelError(f"{name} of the package '{folder.name}' holds no JSON object.", "Get the package again.")
    return data


def package_sha256(path: Path) -> str:
    """Return the SHA-256 of a package: of a file's content, or over the relative paths and contents of a folder.

    A folder's hash does not depend on the order in which its files are listed, nor on their dates.
    """
    if path.is_file():
        return file_sha256(path)
    whole = hashlib.sha256()
    for item in sorted(item for item in path.rglob("*") if item.is_file()):
        whole.update(f"{item.relative_to(path).as_posix()}\0{file_sha256(item)}\n".encode())
    return whole.hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    content = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            content.update(chunk)
    return content.hexdigest()
