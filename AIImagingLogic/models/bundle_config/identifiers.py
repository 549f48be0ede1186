"""Identifiers of a configuration: ``network_def::channels::0``, written with ``::`` or, as before, with ``#``."""

from __future__ import annotations

import re

SEPARATOR = "::"
REFERENCE = re.compile(r"@(?:\w+)(?:(?:::|#)\w+)*")
_RELATIVE = re.compile(r"([@%])((?:::|#)+)(\w)")
_MACRO = re.compile(r"%(?:(?P<file>[^%]+?\.(?:json|ya?ml))(?:::|#|$))?(?P<id>.*)", re.DOTALL)


def parts_of(identifier: str) -> list[str]:
    """Return the keys of an identifier, from the root."""
    return [part for part in identifier.replace("#", SEPARATOR).split(SEPARATOR) if part]


def joined(parent: str, key: object) -> str:
    """Return the identifier of a child."""
    return f"{parent}{SEPARATOR}{key}" if parent else str(key)


def made_absolute(text: str, here: str) -> str:
    """Return the text with its relative references (``@::sibling``) written from the root."""

    def absolute(match: re.Match[str]) -> str:
        levels = len(re.findall(r"::|#", match[2]))
        above = parts_of(here)[:-levels]
        return match[1] + "".join(part + SEPARATOR for part in above) + match[3]

    return _RELATIVE.sub(absolute, text)


def macro_of(text: str) -> tuple[str, str]:
    """Return file (may be empty) and identifier of a ``%`` macro."""
    match = _MACRO.fullmatch(text)
    return (match["file"] or "", match["id"]) if match else ("", text[1:])
