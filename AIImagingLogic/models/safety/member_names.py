"""Names inside archives and packages: relative, plain, and the same file on every system."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from AIImagingLogic.models.safety.limits import limit
from AIImagingLogic.models.safety.refusals import UnsafeModel

# Windows opens a device under these names, whatever the extension.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))}


def checked_member(name: str, archive: str) -> PurePosixPath:
    """Return the relative path of a member, or refuse a name that could lead out of the folder it is unpacked to.

    Parameters
    ----------
    name : str
        As the archive or the package says it.
    archive : str
        Name of the archive or package, for the message.

    Raises
    ------
    UnsafeModel
        The name is absolute, has a drive letter, ``..``, a backslash, a control character, or is too long.
    """
    path = PurePosixPath(name)
    problem = ""
    if not name or path == PurePosixPath("."):
        problem = "an empty name"
    elif "\\" in name or ":" in name or any(ord(character) < 32 for character in name):
        problem = "a backslash, a colon or a control character"
    elif path.is_absolute() or ".." in path.parts:
        problem = "a path that leads out of the package"
    elif len(name) > limit("archive_path_characters") or len(path.parts) > limit("archive_path_parts"):
        problem = "a path that is too long"
    elif any(part.split(".")[0].lower().strip() in _DEVICES or part[-1] in " ." for part in path.parts):
        problem = "a name that Windows cannot hold"
    if problem:
        raise UnsafeModel(f"'{archive}' has a member with {problem}: {name[:80]!r}.", "Do not use this package.")
    return path


def refuse_collisions(names: Iterable[PurePosixPath], archive: str) -> None:
    """Refuse two members that are one file where letter case does not count.

    Raises
    ------
    UnsafeModel
        Two names are equal but for case.
    """
    seen: set[str] = set()
    for name in names:
        key = unicodedata.normalize("NFC", str(name)).casefold()
        if key in seen:
            raise UnsafeModel(f"'{archive}' holds '{name}' twice.", "Do not use this package.")
        seen.add(key)
