"""Findings from a CSV: of LUNA16, of this program, or of another one whose columns say what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from AIImagingLogic.records.boxes import OrientedBox, Vector
from AIImagingLogic.records.coding import CodedConcept, concept
from AIImagingLogic.records.errors import UnreadableImageError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.finding_list import FindingCollection, FindingList
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measurement import Measurement, measurement
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.report.csv_cells import unguarded
from AIImagingLogic.report.csv_file import CsvFile, CsvRow, open_csv, plain_name
from AIImagingLogic.report.finding_csv_writing import measurement_columns
from AIImagingLogic.report.finding_facts import finding_uid, review_of, right_handed, time_of, type_of
from AIImagingLogic.report.placed_columns import PlacedColumns, placed_columns

_SMALLEST_MM = 1.0
_UNCODED = "lung-nodule"


@dataclass
class _Seen:
    """What is collected while the rows are read; `measured` are the columns of measurements that the table has."""

    measured: Mapping[str, tuple[str, str]]
    scans: dict[str, list[Finding]] = field(default_factory=dict)
    uids: set[str] = field(default_factory=set)
    doubts: Counter[str] = field(default_factory=Counter)


def read_findings_csv(path: Path, coordinates: str = "", info: ImageInfo | None = None) -> FindingCollection:
    """Return the findings of a CSV by scan, in the file's order.

    Parameters
    ----------
    path : CSV; Resources/findings/csv_columns.json lists the names of columns that are understood
    coordinates : ``lps``, ``ras`` or ``voxel``: of the columns, where their names and the file's comments do not say
    info : of the image; needed for voxel coordinates

    Returns
    -------
    FindingCollection
        A finding without a diameter has a box of 1 mm. Its uid is the file's where that is a DICOM UID, else made of
        the scan's name and the place: the same file gives the same uids. The notes say what was not understood.

    Raises
    ------
    UnreadableImageError
        The file cannot be read, lacks or doubles a column, a cell is not what it should be (file and line are named),
        or the coordinate system is not known or contradicted.
    """
    table = open_csv(path)
    placed = placed_columns(table, coordinates, info)
    roles = _roles(table)
    measured = {plain_name(column): what for column, what in measurement_columns().items()}
    seen = _Seen({column: what for column, what in measured.items() if column in table.columns})
    for row in table.rows():
        scan = unguarded(row.cells.get(roles.get("scan", ""), "").strip())
        if "scan" in roles and not scan and "uid" not in roles:
            raise UnreadableImageError(f"{row.where}: no {table.columns[roles['scan']]}.", "Correct the line.")
        finding = _finding(row, roles, placed, scan, len(seen.scans.get(scan, ())) + 1, seen)
        seen.scans.setdefault(scan, []).append(finding)
    notes = [*placed.notes, *(f"{doubt} ({count} rows)." for doubt, count in seen.doubts.items())]
    understood = {*roles.values(), *placed.columns, *measured, *_words()}
    unknown = [name for name in table.columns if name not in understood]
    if unknown:
        notes.append(f"Columns that are not understood were left out: {', '.join(table.columns[n] for n in unknown)}.")
    return FindingCollection(
        tuple(FindingList(tuple(found), scan, None, tuple(notes)) for scan, found in seen.scans.items())
        or (FindingList((), "", None, tuple(notes)),)
    )


def _roles(table: CsvFile) -> dict[str, str]:
    """Return the column of each role that the file has, the first name of the list first."""
    roles = load_resource("findings/csv_columns.json")["roles"]
    found = {role: next((name for name in names if name in table.columns), "") for role, names in roles.items()}
    return {role: name for role, name in found.items() if name}


def _words() -> Sequence[str]:
    words: Sequence[str] = load_resource("findings/csv_columns.json")["descriptors"]
    return words


def _finding(row: CsvRow, roles: dict[str, str], placed: PlacedColumns, scan: str, number: int, seen: _Seen) -> Finding:
    def text(role: str) -> str:
        return unguarded(row.cells.get(roles.get(role, ""), "").strip())

    center = placed.place_mm(row)
    diameter = _diameter(row, roles)
    name = text("name") or f"Nodule {number}"
    uid = finding_uid(text("uid"), scan, center, name, seen.uids)
    seen.uids.add(uid)
    made = _measurements(row, seen.measured)
    # Beside a box the diameter says nothing more.
    if diameter is not None and "box_size" not in roles and not any(entry.name == "mean_diameter" for entry in made):
        made = (*made, measurement("mean_diameter", diameter))
    kind = _concept(text("concept"), seen)
    words = {word: unguarded(row.cells.get(word, "").strip()) for word in _words()}
    stated = type_of(text("stated_type"))
    if "stated_type" not in roles and (said := text("type")) and said.lower() != kind.name.lower():
        stated = type_of(said)
        if stated is None:
            seen.doubts[f"The type '{said}' is not known here"] += 1
        elif not words.get("attenuation") and stated.value != "perifissural":
            words["attenuation"] = stated.value
    return Finding(
        uid=uid,
        name=name,
        box=_box(row, roles, center, diameter),
        score=_score(row, roles),
        concept=kind,
        measurements=made,
        descriptors={word: value for word, value in words.items() if value},
        review=review_of(row.where, text("review"), text("class")),
        stated_type=stated,
        reader=text("reader"),
        found=time_of(row.where, text("found")),
        reviewed=time_of(row.where, text("reviewed")),
    )


def _diameter(row: CsvRow, roles: dict[str, str]) -> float | None:
    """Return the diameter in mm; None where the file knows none: no column, an empty cell, or LUNA16's negative one."""
    value = row.number(roles["diameter"]) if "diameter" in roles else None
    if value is None and "radius" in roles:
        radius = row.number(roles["radius"])
        value = None if radius is None else 2 * radius
    return value if value is not None and value > 0 else None


def _score(row: CsvRow, roles: dict[str, str]) -> float:
    value = row.number(roles["score"]) if "score" in roles else None
    if value is not None and not 0 <= value <= 1:
        raise UnreadableImageError(
            f"{row.where}: {value:g} in '{roles['score']}' is not between 0 and 1.", "Give probabilities from 0 to 1."
        )
    return 1.0 if value is None else value


def _measurements(row: CsvRow, columns: Mapping[str, tuple[str, str]]) -> tuple[Measurement, ...]:
    found: dict[str, dict[str, float]] = {}
    for column, (name, end) in columns.items():
        cell = row.cells.get(column, "").strip()
        # An interval may be open: its end is infinite.
        value = float(cell) if end and cell.lstrip("-") == "inf" else row.number(column)
        if value is not None:
            found.setdefault(name, {})[end] = value
    return tuple(
        measurement(name, ends[""], (ends["low"], ends["high"]) if len(ends) == 3 else None)
        for name, ends in found.items()
        if "" in ends
    )


def _concept(key: str, seen: _Seen) -> CodedConcept:
    try:
        return concept(key or _UNCODED)
    except KeyError:
        seen.doubts[f"The concept '{key}' is not known here: taken as a lung nodule"] += 1
        return concept(_UNCODED)


def _box(row: CsvRow, roles: dict[str, str], center: Vector, diameter: float | None) -> OrientedBox:
    size, axes = _numbers(row, roles, "box_size", 3), _numbers(row, roles, "box_axes", 9)
    if not size:
        edge = diameter if diameter is not None else _SMALLEST_MM
        return OrientedBox(center, (edge, edge, edge))
    if min(size) <= 0:
        raise UnreadableImageError(f"{row.where}: the box has no volume.", "Correct the line.")
    sides = (size[0], size[1], size[2])
    if not axes:
        return OrientedBox(center, sides)
    if not right_handed(axes):
        raise UnreadableImageError(
            f"{row.where}: the axes of the box are no right-handed unit vectors.", "Correct the line."
        )
    x, y, z = ((axes[n], axes[n + 1], axes[n + 2]) for n in (0, 3, 6))
    return OrientedBox(center, sides, (x, y, z))


def _numbers(row: CsvRow, roles: dict[str, str], role: str, count: int) -> list[float]:
    cells: list[Any] = row.cells.get(roles.get(role, ""), "").split()
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        values = [0.0] * (count + 1)
    if values and len(values) != count:
        raise UnreadableImageError(f"{row.where}: {role} takes {count} numbers.", "Correct the line.")
    return values
