"""Names of files that come from outside: archives, packs, cards. None may lead out of its folder."""

from __future__ import annotations

import re
from collections.abc import Iterable

from AIImagingLogic.records.errors import ModelError

_LONGEST = 240
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


def safe_relative_path(name: str) -> str:
    """Return `name` when it names a file inside its folder on every platform.

    Raises
    ------
    ModelError
        It is absolute, climbs out, holds a drive, a backslash or a control character, or is a device of Windows.
    """
    parts = name.split("/")
    harmless = 0 < len(name) <= _LONGEST and not _FORBIDDEN.search(name)
    if not (harmless and all(_harmless_part(part) for part in parts)):
        raise ModelError(f"The file name {name[:80]!r} is not allowed in a model package.", "Do not use this package.")
    return name


def check_distinct(names: Iterable[str]) -> None:
    """Refuse names that are one file on some platform: the same but for case, or a file that is also a folder.

    Raises
    ------
    ModelError
        Two of them collide.
    """
    files: set[str] = set()
    for name in names:
        folded = name.casefold()
        if folded in files:
            raise ModelError(f"The package names the file {name[:80]!r} twice.", "Do not use this package.")
        files.add(folded)
    for name in files:
        parts = name.split("/")
        if any("/".join(parts[:count]) in files for count in range(1, len(parts))):
            raise ModelError(f"The package uses a file as a folder: {name[:80]!r}.", "Do not use this package.")


def safe_id(model_id: str, version: str) -> None:
    """Refuse an id or version that could not be a folder's name.

    Raises
    ------
    ModelError
        It has other characters than a card's id or version has.
    """
    if not _ID.fullmatch(model_id) or len(model_id) > 80 or _DEVICES.fullmatch(model_id):
        raise ModelError(f"{model_id[:80]!r} is not a model id.", "Use small letters, digits and single hyphens.")
    if not _VERSION.fullmatch(version) or len(version) > 40:
        raise ModelError(f"{version[:40]!r} is not a version.", "Use three numbers, such as 1.0.0.")


def _harmless_part(part: str) -> bool:
    return bool(part) and part.strip(". ") != "" and part[-1] not in ". " and not _DEVICES.fullmatch(part)
