"""Marks and lesions as CSV, with LUNA16's columns: a row each, world coordinates in LPS mm."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from AIImagingLogic.evaluation.detection import Mark, Target
from AIImagingLogic.records.errors import UnreadableImageError

_SCAN, _PLACE = "seriesuid", ("coordX", "coordY", "coordZ")
_DIAMETER, _SCORE, _TYPE = "diameter_mm", "probability", "type"


@dataclass(frozen=True)
class TrueLesion:
    """A lesion of the truth and what it is, as the file names it; empty when it says nothing."""

    target: Target
    kind: str = ""


def read_lesions(path: Path, excluded: bool = False) -> Mapping[str, Sequence[TrueLesion]]:
    """Return the lesions of each scan.

    Parameters
    ----------
    path : CSV with seriesuid, coordX, coordY, coordZ, diameter_mm, and type if it is known
    excluded : whether they are findings that count neither way

    Raises
    ------
    UnreadableImageError
        The file cannot be read, lacks a column, or a number is not one; the line is named.
    """
    found: dict[str, list[TrueLesion]] = {}
    for line, row in _rows(path, (_SCAN, *_PLACE, _DIAMETER)):
        place = tuple(_number(path, line, row, name) for name in _PLACE)
        target = Target((place[0], place[1], place[2]), _number(path, line, row, _DIAMETER), excluded)
        found.setdefault(row[_SCAN], []).append(TrueLesion(target, (row.get(_TYPE) or "").strip()))
    return found


def read_marks(path: Path) -> Mapping[str, Sequence[Mark]]:
    """Return the marks on each scan.

    Parameters
    ----------
    path : CSV with seriesuid, coordX, coordY, coordZ, probability, and diameter_mm if a hit rule asks for it

    Raises
    ------
    UnreadableImageError
        The file cannot be read, lacks a column, or a number is not one; the line is named.
    """
    found: dict[str, list[Mark]] = {}
    for line, row in _rows(path, (_SCAN, *_PLACE, _SCORE)):
        place = tuple(_number(path, line, row, name) for name in _PLACE)
        diameter = _number(path, line, row, _DIAMETER) if row.get(_DIAMETER) else None
        mark = Mark((place[0], place[1], place[2]), _number(path, line, row, _SCORE), diameter)
        found.setdefault(row[_SCAN], []).append(mark)
    return found


def read_scans(path: Path) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """Return the scans that were looked at, and whose each is where the file says so.

    Parameters
    ----------
    path : a scan a line; or CSV with the column seriesuid, and patient if several scans are of one

    Raises
    ------
    UnreadableImageError
        The file cannot be read, names no scan, or one twice.
    """
    lines = _text(path).splitlines()
    columns = [name.strip() for name in lines[0].split(",")] if lines else []
    if _SCAN in columns:
        rows = [row for _, row in _rows(path, (_SCAN,))]
        scans = [row[_SCAN] for row in rows]
        patients = tuple(row["patient"] for row in rows) if "patient" in columns else None
    else:
        scans, patients = [line.strip() for line in lines if line.strip()], None
    if not scans:
        raise UnreadableImageError(f"'{path}' names no scan.", "Give a scan a line, those without lesions too.")
    twice = next((scan for number, scan in enumerate(scans) if scan in scans[:number]), None)
    if twice is not None:
        raise UnreadableImageError(f"'{path}' names the scan '{twice}' twice.", "Name each scan once.")
    return tuple(scans), patients


def _rows(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(_text(path).splitlines(), skipinitialspace=True)
    missing = [name for name in needed if name not in (reader.fieldnames or ())]
    if missing:
        raise UnreadableImageError(
            f"'{path}' has no column {', '.join(missing)}.", f"Its first line must name {', '.join(needed)}."
        )
    for row in reader:
        if not (row[_SCAN] or "").strip():
            raise UnreadableImageError(f"'{path}', line {reader.line_num}: no {_SCAN}.", "Correct the line.")
        yield reader.line_num, {**row, _SCAN: row[_SCAN].strip()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableImageError(f"'{path}' cannot be read: {error}.", "Give a CSV file in UTF-8.") from error


def _number(path: Path, line: int, row: Mapping[str, str], name: str) -> float:
    try:
        value = float(row[name])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise UnreadableImageError(f"'{path}', line {line}: '{row[name]}' is no {name}.", "Correct the line.")
    return value
