"""The manifest of a reader study, JSON or CSV, and its checks."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from AIImagingLogic.records.errors import UnreadableImageError
from AIImagingLogic.records.reading import ReadingMode
from AIImagingLogic.records.reading_study import ReadingCase, ReadingDesign, ReadingStudy

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_CASE_COLUMNS = ("case", "image", "findings", "series", "patient")


def read_manifest(path: Path, stated: Mapping[str, Any] | None = None) -> ReadingStudy:
    """Return the study of a manifest.

    Parameters
    ----------
    path : JSON with ``study``, ``seed``, ``readers``, ``modes``, ``cases`` (each with ``case``, ``image`` and, where
        AI marks are shown, ``findings``; also ``series``, ``patient``) and, if wanted, ``design``, ``washout_days``,
        ``idle_seconds``, ``question``. Or CSV with a row a case in the columns case, image, findings, series, patient;
        then the rest must be stated. Paths are from the manifest's folder
    stated : what is not in the file, or is to take its place

    Raises
    ------
    UnreadableImageError
        It cannot be read, lacks something, or contradicts itself.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableImageError(f"'{path}' cannot be read: {error}.", "Give a JSON or CSV file in UTF-8.") from error
    content: dict[str, Any] = {"cases": _rows(path, text)} if path.suffix.lower() == ".csv" else _json(path, text)
    content.update({name: value for name, value in (stated or {}).items() if value is not None})
    missing = [name for name in ("seed", "readers", "modes", "cases") if content.get(name) in (None, "", [])]
    if missing:
        raise UnreadableImageError(f"'{path}' does not say: {', '.join(missing)}.", "State it there or as an option.")
    try:
        study = ReadingStudy(
            study=str(content.get("study") or path.stem),
            seed=int(content["seed"]),
            readers=tuple(str(reader) for reader in content["readers"]),
            modes=tuple(ReadingMode(str(mode)) for mode in content["modes"]),
            cases=tuple(_case(case) for case in content["cases"]),
            design=ReadingDesign(content.get("design", "crossed")),
            washout_days=float(content.get("washout_days", 0.0)),
            idle_seconds=float(content.get("idle_seconds", 60.0)),
            question=str(content.get("question") or ReadingStudy.question),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableImageError(f"'{path}' is no manifest of a reader study: {error}.", _FORM) from error
    _check(path, study)
    return study


def _json(path: Path, text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise UnreadableImageError(f"'{path}' is not JSON: {error}.", "Correct it.") from error
    if not isinstance(content, dict):
        raise UnreadableImageError(f"'{path}' is no manifest of a reader study.", _FORM)
    known = {*(field.name for field in fields(ReadingStudy)), "schema_version", "record"}
    strange = sorted(set(content) - known)
    if strange:
        raise UnreadableImageError(f"'{path}' says '{strange[0]}', which no study has.", _FORM)
    return content


def _rows(path: Path, text: str) -> list[dict[str, str]]:
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    names = reader.fieldnames or ()
    for wanted in ("case", "image"):
        if wanted not in names:
            raise UnreadableImageError(f"'{path}' has no column {wanted}.", f"Name {', '.join(_CASE_COLUMNS)} first.")
    return [{name: (row.get(name) or "").strip() for name in _CASE_COLUMNS} for row in reader]


def _case(content: Mapping[str, Any]) -> ReadingCase:
    if not content.get("case") or not content.get("image"):
        raise ValueError("a case has no code or no image")
    return ReadingCase(**{name: str(content.get(name) or "") for name in _CASE_COLUMNS})


def _check(path: Path, study: ReadingStudy) -> None:
    codes = [case.case for case in study.cases]
    for what, names in (("case", codes), ("reader", study.readers)):
        strange = next((name for name in names if not _CODE.fullmatch(name)), None)
        if strange is not None:
            raise UnreadableImageError(
                f"'{path}': '{strange}' is no code of a {what}.", "Use up to 64 letters, digits, - and _; no names."
            )
        # Windows tells no capitals in the names of files.
        twice = _twice(name.casefold() for name in names)
        if twice is not None:
            raise UnreadableImageError(f"'{path}' names the {what} '{twice}' twice.", "Name each once.")
    if _twice(mode.value for mode in study.modes) is not None:
        raise UnreadableImageError(f"'{path}' names a mode twice.", "Name each once.")
    if study.washout_days < 0 or study.idle_seconds <= 0:
        raise UnreadableImageError(f"'{path}': the wash-out or the idle limit is negative or nothing.", "Correct it.")
    bare = next((case.case for case in study.cases if not case.findings), None)
    shown = next((mode.value for mode in study.modes if mode.shows_ai), None)
    if bare is not None and shown is not None:
        raise UnreadableImageError(
            f"'{path}': the case '{bare}' has no findings file, and the mode '{shown}' shows the AI's marks.",
            "Name one for every case; it may hold no finding.",
        )


def _twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


_FORM = "See Docs/reading.md for its form."
