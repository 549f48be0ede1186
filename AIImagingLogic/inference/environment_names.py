"""Paths and messages without the name of the person at the computer."""

from __future__ import annotations

import getpass
import re
from pathlib import Path

# Where systems keep people's folders: what follows is a person's name.
_HOMES = re.compile(r"(?i)(?:[a-z]:)?[\\/]+(?:home|users|documents and settings)[\\/]+[^\\/\s'\":;]+")


def without_names(text: str) -> str:
    """Return `text` with the home folder as ``~`` and the user's name, where it is part of a path, as ``USER``."""
    for home in _spellings_of_home():
        text = re.sub(re.escape(home) + r"(?=$|[^\w.-])", "~", text, flags=re.IGNORECASE)
    text = _HOMES.sub("~", text)
    name = _user_name()
    if name:
        text = re.sub(rf"(?i)(?<=[\\/]){re.escape(name)}(?=$|[\\/\s'\":;,)])", "USER", text)
    return text


def _spellings_of_home() -> list[str]:
    try:
        home = Path.home()
    except RuntimeError:
        return []
    spellings = {str(home), home.as_posix(), str(home.resolve()), str(home).replace("\\", "\\\\")}
    return sorted((spelling for spelling in spellings if len(spelling) > 1), key=len, reverse=True)


def _user_name() -> str:
    try:
        return getpass.getuser()
    # What it raises when there is no such user differs by version: KeyError, ImportError, OSError.
    except (KeyError, ImportError, OSError):
        return ""
