"""Which packages the user trusts to run code: exactly those whose every byte is what it was when trusted."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from AIImagingLogic.models.safety.limits import limit
from AIImagingLogic.models.safety.refusals import UnsafeModel
from AIImagingLogic.records.atomic_files import make_folder, written_atomically
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.user_folders import data_folder

_HASH = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Trusted:
    """A package that the user trusts.

    Attributes
    ----------
    package_hash : as `package_hash` gives it
    what : in the user's words or the package's name
    since : UTC, ISO 8601
    """

    package_hash: str
    what: str
    since: str


def package_hash(package: Path) -> str:
    """Return the SHA-256 of a package: of its files' relative paths, sizes and contents, in the order of their paths.

    Parameters
    ----------
    package : Path
        A folder, or a single file.

    Raises
    ------
    UnsafeModel
        It holds a link: what lies behind it could change unseen.
    ModelError
        It is missing.
    """
    if package.is_file() and not package.is_symlink():
        files = {package.name: package}
    elif package.is_dir():
        files = _files(package)
    else:
        raise ModelError(f"The package '{package}' is missing.", "Import or download it again.")
    digest = hashlib.sha256()
    for name in sorted(files, key=lambda each: each.encode()):
        encoded = name.encode()
        # Lengths before contents: no two packages run together into the same bytes.
        digest.update(f"{len(encoded)}:{files[name].stat().st_size}:".encode() + encoded)
        with files[name].open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def trusted_packages() -> list[Trusted]:
    """Return what the user trusts.

    Raises
    ------
    ModelError
        The list is damaged: nothing is trusted until it is repaired or removed.
    """
    path = _list_path()
    if not path.is_file():
        return []
    try:
        rows: Any = json.loads(path.read_text(encoding="utf-8"))["trusted"]
        return [Trusted(str(row["package_hash"]), str(row["what"]), str(row["since"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"The list of trusted packages '{path}' cannot be read.", "Remove it to trust none."
        ) from error


def trusted(wanted: str) -> bool:
    """Return whether the user trusts the package of this hash."""
    return any(each.package_hash == wanted for each in trusted_packages())


def trust(wanted: str, what: str) -> None:
    """Trust the package of this hash from now on.

    Raises
    ------
    ModelError
        It is no hash of a package.
    OutputError
        The list could not be written.
    """
    if not _HASH.fullmatch(wanted):
        raise ModelError(f"'{wanted[:80]}' is no hash of a package.", "Give the 64 characters that the refusal names.")
    others = [each for each in trusted_packages() if each.package_hash != wanted]
    _write([*others, Trusted(wanted, what, datetime.now(UTC).isoformat(timespec="seconds"))])


def distrust(wanted: str) -> bool:
    """Trust the package of this hash no longer; return whether it was trusted."""
    before = trusted_packages()
    after = [each for each in before if each.package_hash != wanted]
    if len(after) < len(before):
        _write(after)
    return len(after) < len(before)


def _files(package: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for folder, folders, names in os.walk(package):
        for name in (*folders, *names):
            path = Path(folder) / name
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise UnsafeModel(f"The package holds a link or device: '{path}'.", "Do not use this package.")
        files.update({(Path(folder) / name).relative_to(package).as_posix(): Path(folder) / name for name in names})
        if len(files) > limit("archive_members"):
            raise UnsafeModel(f"The package '{package}' holds too many files.", "Do not use this package.")
    return files


def _list_path() -> Path:
    """Return the list beside $AIIMAGING_MODELS' models, else in the user's data folder."""
    folder = os.environ.get("AIIMAGING_MODELS")
    return (Path(folder) if folder else data_folder()) / "trusted_packages.json"


def _write(rows: list[Trusted]) -> None:
    path = _list_path()
    make_folder(path.parent)
    with written_atomically(path) as temporary:
        content = {"schema_version": 1, "trusted": [vars(row) for row in rows]}
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
