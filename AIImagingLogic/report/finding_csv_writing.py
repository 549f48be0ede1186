"""Findings as CSV in the columns of LUNA16, with or without what that format has no column for."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.errors import OutputError
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.finding_list import FindingCollection, FindingList
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.report.csv_cells import guarded
from AIImagingLogic.report.csv_kinds import ANNOTATIONS, CANDIDATES, FULL, MARKS
from AIImagingLogic.report.csv_tables import measurement_cells
from AIImagingLogic.report.finding_diameter import finding_diameter_mm

_PLACED = ("seriesuid", "coordX", "coordY", "coordZ")
_ACCEPTED = (ReviewStatus.ACCEPTED, ReviewStatus.EDITED)

Row = dict[str, str]


def write_findings_table(
    collection: FindingCollection, path: Path, kind: str = FULL, scan: str = ""
) -> tuple[str, ...]:
    """Write findings as CSV (RFC 4180, UTF-8), coordinates in mm, LPS, with every digit.

    Parameters
    ----------
    kind : ``full``: everything but outlines and history; ``annotations``: seriesuid, coordX, coordY, coordZ,
        diameter_mm of those that nobody rejected; ``candidates``: with class, 1 accepted or edited, 0 rejected;
        ``marks``: with probability and diameter_mm, as `aiimaging evaluate detection` reads it
    scan : what the column seriesuid says; empty: the series of each image

    Returns
    -------
    tuple of str
        What was left out, one sentence each.

    Raises
    ------
    OutputError
        An image has no series UID or name, and the kind is not ``full``; a finding of candidates was not reviewed; the
        file cannot be written.
    """
    rows, notes = [], []
    make: Callable[[Finding], Row] = {FULL: _full, ANNOTATIONS: _annotation, CANDIDATES: _candidate, MARKS: _mark}[kind]
    for entry in collection.scans:
        name = scan or entry.series_uid
        if not name and kind != FULL and entry.findings:
            raise OutputError(
                f"The column seriesuid of {kind} needs the name of the image, which is not known.",
                "Name it with --scan, or give the DICOM series with --image.",
            )
        kept = _kept(entry, kind)
        if len(kept) < len(entry.findings):
            notes.append(f"{len(entry.findings) - len(kept)} rejected findings were left out of the annotations.")
        rows += [{**_place(finding, name), **make(finding)} for finding in kept]
    columns = list(dict.fromkeys(column for row in rows for column in row)) or [*_PLACED, "diameter_mm"]
    with written_atomically(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
    return (*notes, *(_lost(collection) if kind == FULL else ()))


@cache
def measurement_columns() -> Mapping[str, tuple[str, str]]:
    """Return (name of the measurement, '' or 'low' or 'high') by the column that the full table has for it."""
    found: dict[str, tuple[str, str]] = {}
    for name in load_resource("measurements.json")["measurements"]:
        value, low, high = measurement_cells([measurement(name, 0.0, (0.0, 0.0))])
        found |= {value: (name, ""), low: (name, "low"), high: (name, "high")}
    return found


def _lost(collection: FindingCollection) -> list[str]:
    """Return what the full table has no column for."""
    findings = [finding for entry in collection.scans for finding in entry.findings]
    table = load_resource("measurements.json")["measurements"]
    unnamed = {made.name for finding in findings for made in finding.measurements if made.name not in table}
    words = load_resource("findings/csv_columns.json")["descriptors"]
    others = {word for finding in findings for word in finding.descriptors if word not in words}
    notes = []
    if any(finding.mask is not None for finding in findings):
        notes.append("A CSV holds no outlines: write JSON or DICOM to keep them.")
    if unnamed or others:
        notes.append(f"Left out of the CSV, which has no column for them: {', '.join(sorted(unnamed | others))}.")
    return notes


def _kept(entry: FindingList, kind: str) -> Sequence[Finding]:
    if kind == ANNOTATIONS:
        return [finding for finding in entry.findings if finding.review is not ReviewStatus.REJECTED]
    return entry.findings


def _place(finding: Finding, scan: str) -> Row:
    return dict(zip(_PLACED, (guarded(scan), *map(repr, map(float, finding.box.center_mm))), strict=True))


def _annotation(finding: Finding) -> Row:
    return {"diameter_mm": repr(float(finding_diameter_mm(finding)))}


def _mark(finding: Finding) -> Row:
    return {"probability": repr(float(finding.score)), **_annotation(finding)}


def _candidate(finding: Finding) -> Row:
    if finding.review is ReviewStatus.UNREVIEWED:
        raise OutputError(
            f"'{finding.name}' was not reviewed, so that its class is not known.",
            "Review it, or write marks, whose probability is the detector's.",
        )
    return {"class": "1" if finding.review in _ACCEPTED else "0"}


def _full(finding: Finding) -> Row:
    table = load_resource("findings/csv_columns.json")
    words = {name: finding.descriptors.get(name, "") for name in table["descriptors"]}
    numbers = {name: repr(float(value)) for name, value in measurement_cells(finding.measurements).items()}  # type: ignore[arg-type]
    known = measurement_columns()
    return {
        **_mark(finding),
        "type": "" if finding.type is None else finding.type.value,
        "name": guarded(finding.name),
        "uid": finding.uid,
        "review": finding.review.value,
        "reader": guarded(finding.reader),
        "reviewed": _time(finding.reviewed),
        "found": _time(finding.found),
        "stated_type": "" if finding.stated_type is None else finding.stated_type.value,
        **{name: guarded(word) for name, word in words.items()},
        "concept": finding.concept.key,
        "box_size_mm": " ".join(repr(float(value)) for value in finding.box.size_mm),
        "box_axes_lps": " ".join(repr(float(value)) for axis in finding.box.axes for value in axis),
        **{name: value for name, value in numbers.items() if name in known},
    }


def _time(time: datetime | None) -> str:
    return "" if time is None else time.isoformat()
