"""English sentences of rules and results, said in Chinese: by a table of words and of sentences with places in them.

The parts of the program state their reasons in English, once. This module says them again from
Resources/report/phrases_zh.json and never guesses: what the table does not have is not translated.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from AIImagingLogic.records.resources import load_resource

_PLACE = re.compile(r"\{(\w+)([#&!]?)\}")
_NUMBER = r"[-+\u2212\u00b1]?\d[\d.,]*"
# A name ends where its sentence does: what follows is to be said, not kept.
_KINDS = {"#": _NUMBER, "&": r"\d+(?:, \d+)*", "!": r"(?:(?!\. ).)+?"}
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
_SEPARATORS = ((". ", "。"), ("; ", "；"), (" / ", " / "), (" → ", " → "), (", ", "，"))


class _Pattern(NamedTuple):
    pattern: re.Pattern[str]
    chinese: str
    verbatim: frozenset[str]


def said_in_chinese(text: str) -> str | None:
    """Return an English text in Chinese; None where the table does not have all of it.

    A text is looked up whole, then as a sentence with places for a number (``{n#}``), for numbers (``{n&}``), for names
    (``{n!}``) and for texts that are said in Chinese themselves (``{n}``), then in parts: sentences, clauses, items of
    a list. Numbers, units, codes and names of guidelines stay as they are.
    """
    bare = text.strip()
    if not bare:
        return ""
    ended = bare.endswith(".") and not bare.endswith("..")
    said = _whole(bare[:-1] if ended else bare)
    if said is None:
        return None
    return f"{said}。" if ended and not said.endswith("。") else said


@cache
def _whole(text: str) -> str | None:
    words = _table()["words"]
    forms = dict.fromkeys((text, text[:1].lower() + text[1:], text[:1].upper() + text[1:]))
    for known in forms:
        if known in words:
            return str(words[known])
    if not _foreign(text):
        return text
    for pattern in _patterns():
        found = next((match for known in forms if (match := pattern.pattern.fullmatch(known))), None)
        if found is None:
            continue
        parts = {name: _part(name, part, pattern) for name, part in found.groupdict().items()}
        if None not in parts.values():
            return pattern.chinese.format(**parts)
    for separator, chinese in _SEPARATORS:
        if separator in text:
            said = [_whole(part) for part in text.split(separator)]
            if None not in said:
                return chinese.join(part for part in said if part is not None)
    return None


def _part(name: str, text: str, pattern: _Pattern) -> str | None:
    return text if name in pattern.verbatim else _whole(text)


def _foreign(text: str) -> list[str]:
    """Return the words of a text that are no unit, code or name."""
    kept = _kept()
    return [word for word in _WORD.findall(text) if word not in kept]


@cache
def _kept() -> frozenset[str]:
    return frozenset(_table()["kept"])


@cache
def _patterns() -> tuple[_Pattern, ...]:
    """Return the patterns, longest fixed words first: the one that says most is tried first."""
    entries = sorted(_table()["sentences"], key=lambda entry: -len(_PLACE.sub("", entry["en"])))
    return tuple(_compiled(entry["en"], entry["zh"]) for entry in entries)


def _compiled(english: str, chinese: str) -> _Pattern:
    expression, at, verbatim = "", 0, set()
    for place in _PLACE.finditer(english):
        name, kind = place.groups()
        expression += re.escape(english[at : place.start()])
        expression += f"(?P<{name}>{_KINDS.get(kind, '.+?')})"
        if kind:
            verbatim.add(name)
        at = place.end()
    return _Pattern(re.compile(expression + re.escape(english[at:])), chinese, frozenset(verbatim))


def _table() -> dict[str, Any]:
    table: dict[str, Any] = load_resource("report/phrases_zh.json")
    return table
