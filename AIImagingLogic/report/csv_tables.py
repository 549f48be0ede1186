"""Tables as CSV (RFC 4180, UTF-8): units in the header, one row a finding, lesion or segment, empty when not known."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measured_segments import MeasuredSegments
from AIImagingLogic.records.measurement import Measurement, measurement_entry
from AIImagingLogic.records.timeline import Change, Lesion, Timeline, Visit
from AIImagingLogic.report.lesion_rows import kind_of
from AIImagingLogic.report.number_format import unit_slug
from AIImagingLogic.report.visit_interval import interval_days

Cell = str | int | float | bool | datetime | None
Row = Mapping[str, Cell]

_DESCRIPTORS = ("attenuation", "side", "third", "contact")
# These have a column whether they were measured or not, so that the tables of several patients stack.
_LESION_MEASUREMENTS = (
    *("volume", "long_axis", "short_axis", "mean_diameter", "mean_density", "density_sd", "mass"),
    *("solid_volume", "solid_long_axis", "solid_short_axis", "solid_mean_diameter", "pleura_distance"),
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_SIGNIFICANT_DIGITS = 7


def write_findings_csv(visit: Visit, path: Path) -> None:
    """Write the findings of a visit, one a row, in the visit's order.

    Every measurement of a lesion has its column, measured or not; one that states its 95% interval has two more.
    The centre is in mm, LPS.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    measurements = [entry for finding in visit.findings for entry in finding.measurements]
    columns = [
        *("finding", "uid", "type", *_DESCRIPTORS, "score", "review"),
        *(f"centre_{axis}_mm" for axis in ("left", "posterior", "superior")),
        *lesion_columns(measurements),
    ]
    write_table(path, columns, (_finding_row(finding) for finding in visit.findings))


def write_changes_csv(timeline: Timeline, path: Path) -> None:
    """Write the lesions of a timeline, one a row: both visits' measurements, change, doubling time, category.

    Columns of the visits begin with the visit's label (``baseline_``, ``followup_``). A 95% interval without a limit
    on one side is empty on that side.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    visits = [_prefix(visit.label) for visit in timeline.visits]
    measurements = [entry for visit in timeline.visits for finding in visit.findings for entry in finding.measurements]
    values = [f"{visit}_{column}" for column in lesion_columns(measurements) for visit in visits]
    made = [change for lesion in timeline.lesions for change in lesion.changes]
    units = {name: measurement_entry(name)["unit"] for name in _LESION_MEASUREMENTS}
    units.update({change.name: change.unit for change in made})
    changes = [column for name, unit in units.items() for column in _change_columns(name, unit, made)]
    columns = [
        *("lesion", "status", "growth", "reason", *_DESCRIPTORS, "interval_days", "match_distance_mm"),
        *(f"{visit}_{suffix}" for visit in visits for suffix in ("uid", "date")),
        *values,
        *changes,
        *("doubling_time_days", "doubling_time_low95_days", "doubling_time_high95_days"),
        *(_rules_column(assessment.rules) for assessment in timeline.assessments),
    ]
    write_table(path, columns, (_lesion_row(lesion, timeline) for lesion in timeline.lesions))


def write_measured_segments_csv(measured: MeasuredSegments, path: Path) -> None:
    """Write the measurements of every segment of a segmentation, one segment a row.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    measurements = [entry for row in measured.rows for entry in row.measurements]
    rows = (
        {
            "segment": row.segment.name,
            "label": row.segment.value,
            "type": row.segment.concept.name,
            **measurement_cells(row.measurements),
        }
        for row in measured.rows
    )
    write_table(
        path,
        [
            "segment",
            "label",
            "type",
            *_measurement_columns({entry.name: entry.unit for entry in measurements}, measurements),
        ],
        rows,
    )


def _finding_row(finding: Finding) -> Row:
    left, posterior, superior = finding.box.center_mm
    return {
        "finding": finding.name,
        "uid": finding.uid,
        "type": finding.concept.name,
        **{word: finding.descriptors.get(word) for word in _DESCRIPTORS},
        "score": finding.score,
        "review": finding.review.value,
        "centre_left_mm": left,
        "centre_posterior_mm": posterior,
        "centre_superior_mm": superior,
        **measurement_cells(finding.measurements),
    }


def _lesion_row(lesion: Lesion, timeline: Timeline) -> Row:
    row: dict[str, Cell] = {
        "lesion": lesion.number,
        "status": lesion.status.value,
        "growth": None if lesion.growth is None else lesion.growth.label,
        "reason": lesion.reason,
        "interval_days": interval_days(timeline),
        "match_distance_mm": lesion.match_distance_mm,
    }
    for visit, uid in zip(timeline.visits, lesion.observations, strict=True):
        prefix, finding = _prefix(visit.label), visit.finding(uid)
        row[f"{prefix}_date"] = visit.info.acquired
        row[f"{prefix}_uid"] = uid
        if finding is not None:
            cells = measurement_cells(finding.measurements)
            row.update({f"{prefix}_{column}": value for column, value in cells.items()})
            row.update({word: finding.descriptors.get(word) for word in _DESCRIPTORS})
    row["attenuation"] = kind_of(lesion, timeline)
    for change in lesion.changes:
        row[_column(f"{change.name}_change", change.unit)] = change.absolute
        row[f"{change.name}_change_percent"] = change.percent
        if change.interval_95_percent is not None:
            low, high = change.interval_95_percent
            row[f"{change.name}_change_low95_percent"], row[f"{change.name}_change_high95_percent"] = low, high
        if change.beyond_error is not None:
            row[f"{change.name}_change_beyond_error"] = change.beyond_error
    if lesion.growth is not None:
        row["doubling_time_days"] = lesion.growth.doubling_time_days
        if lesion.growth.doubling_time_interval_95 is not None:
            low, high = lesion.growth.doubling_time_interval_95
            row["doubling_time_low95_days"], row["doubling_time_high95_days"] = low, high
    for assessment in timeline.assessments:
        row[_rules_column(assessment.rules)] = assessment.by_lesion.get(str(lesion.number))
    return row


def _prefix(label: str) -> str:
    return label.replace("-", "").replace(" ", "_")


def _rules_column(rules: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in rules.lower())


def _column(name: str, unit: str) -> str:
    return f"{name}_{unit_slug(unit)}".rstrip("_")


def _change_columns(name: str, unit: str, made: Sequence[Change]) -> list[str]:
    columns = [_column(f"{name}_change", unit), f"{name}_change_percent"]
    if any(change.name == name and change.interval_95_percent is not None for change in made):
        columns += [f"{name}_change_low95_percent", f"{name}_change_high95_percent"]
    if any(change.name == name and change.beyond_error is not None for change in made):
        columns.append(f"{name}_change_beyond_error")
    return columns


def lesion_columns(measurements: Sequence[Measurement]) -> list[str]:
    """Return the columns of a lesion's measurements: those that every table has, and any other that was made."""
    units = {name: measurement_entry(name)["unit"] for name in _LESION_MEASUREMENTS}
    return _measurement_columns(units | {entry.name: entry.unit for entry in measurements}, measurements)


def _measurement_columns(units: Mapping[str, str], measurements: Sequence[Measurement]) -> list[str]:
    with_interval = {entry.name for entry in measurements if entry.interval_95 is not None}
    columns = []
    for name, unit in units.items():
        columns.append(_column(name, unit))
        if name in with_interval:
            columns += [_column(f"{name}_low95", unit), _column(f"{name}_high95", unit)]
    return columns


def measurement_cells(measurements: Iterable[Measurement]) -> dict[str, Cell]:
    """Return the cells of measurements by their columns."""
    cells: dict[str, Cell] = {}
    for entry in measurements:
        cells[_column(entry.name, entry.unit)] = entry.value
        if entry.interval_95 is not None:
            low, high = entry.interval_95
            cells[_column(f"{entry.name}_low95", entry.unit)] = low
            cells[_column(f"{entry.name}_high95", entry.unit)] = high
    return cells


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write a table; a cell without a column is an error of ours, a column without a cell is empty."""
    with written_atomically(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(columns)
        for row in rows:
            if homeless := row.keys() - set(columns):
                raise ValueError(f"No column for {', '.join(sorted(homeless))}.")
            writer.writerow([_cell(row.get(column)) for column in columns])


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, float):
        return f"{value:.{_SIGNIFICANT_DIGITS}g}" if math.isfinite(value) else ""
    if isinstance(value, int):
        return str(value)
    # A spreadsheet would run such a text as a formula; the apostrophe makes it text.
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
