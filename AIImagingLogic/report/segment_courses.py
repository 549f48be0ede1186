"""Measurements of segments through the visits: organ volumes, uptake, diffusion; as a table and as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from AIImagingLogic.measure.change_over_time import MeasurementCourse, VisitChange, measurement_course
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.measured_segments import MeasuredSegments
from AIImagingLogic.records.measurement import measurement_entry
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.report.csv_tables import Row, write_table
from AIImagingLogic.report.number_format import percent_change, quantity
from AIImagingLogic.report.organ_volumes import organ_volumes_ml
from AIImagingLogic.report.visit_interval import days_from_first

_ORGAN_VOLUME = "organ_volume"
_SINCE = ("last", "first")
_OF_CHANGE = ("change", "percent", "change_per_month", "percent_per_month", "verdict")
_COLUMNS = (
    *("segment", "measurement", "unit", "visit", "days", "value"),
    *(f"{name}_since_{since}" for since in _SINCE for name in _OF_CHANGE),
    *("doubling_time_days_since_first", "reason", "error_source"),
)


@dataclass(frozen=True)
class SegmentCourse(Record):
    """One measurement of one segment through the visits.

    Attributes
    ----------
    segment : its name, the same at every visit
    values : one a visit, in `unit`; None where the segment was not measured
    days : of each visit from the first, None where one is undated
    course : the changes
    """

    segment: str
    unit: str
    values: tuple[float | None, ...]
    days: tuple[float | None, ...]
    course: MeasurementCourse


def courses_of_segments(visits: Sequence[MeasuredSegments], days: Sequence[float | None]) -> tuple[SegmentCourse, ...]:
    """Return the course of every measurement of every segment; segments of one name are the same.

    Parameters
    ----------
    visits : what was measured at each, in order of time
    days : of each visit, counted from any day; None where it is undated

    Raises
    ------
    ValueError
        The dated visits are not in order of time.
    """
    found: dict[tuple[str, str, str], list[float | None]] = {}
    for index, visit in enumerate(visits):
        for row in visit.rows:
            for entry in row.measurements:
                values = found.setdefault((row.segment.name, entry.name, entry.unit), [None] * len(visits))
                values[index] = entry.value
    return tuple(_course(segment, name, unit, values, days) for (segment, name, unit), values in found.items())


def courses_of_organs(timeline: Timeline) -> tuple[SegmentCourse, ...]:
    """Return the course of the volume (ml) of every organ that a follow-up outlined."""
    by_visit = organ_volumes_ml(timeline)
    names = dict.fromkeys(name for volumes in by_visit for name in volumes)
    unit, days = measurement_entry(_ORGAN_VOLUME)["unit"], days_from_first(timeline)
    return tuple(
        _course(name, _ORGAN_VOLUME, unit, [volumes.get(name) for volumes in by_visit], days) for name in names
    )


def write_courses_csv(courses: Sequence[SegmentCourse], path: Path) -> None:
    """Write a row for each segment, measurement and visit: value, change since the last and the first visit measured.

    Changes are in the measurement's unit and in percent, whole and a month; ``verdict`` says whether a change is real,
    within the measurement error, or whether no error is known.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    write_table(path, _COLUMNS, (row for course in courses for row in _rows(course)))


def courses_table(courses: Sequence[SegmentCourse]) -> RenderableType:
    """Return first and last value of each measurement, the change and whether it is real, as a table for a terminal."""
    if not courses:
        return Text("No segments.")
    table = Table("Segment", "Measurement", box=box.SIMPLE)
    for name in ("First", "Last", "Change"):
        table.add_column(name, justify="right")
    table.add_column("Real?")
    before = ""
    for one in courses:
        name = one.course.name
        change = one.course.since_first[-1] if one.course.since_first else None
        known = [quantity(name, value, one.unit) for value in one.values if value is not None]
        table.add_row(
            Text("" if one.segment == before else one.segment),
            Text(measurement_entry(name)["label"]),
            known[0],
            known[-1] if change is not None else "",
            "" if change is None else percent_change(change.change.percent),
            "" if change is None else change.verdict.value.split(":")[0],
        )
        before = one.segment
    return table


def _course(
    segment: str, name: str, unit: str, values: Sequence[float | None], days: Sequence[float | None]
) -> SegmentCourse:
    return SegmentCourse(segment, unit, tuple(values), tuple(days), measurement_course(name, values, days))


def _rows(one: SegmentCourse) -> Iterator[Row]:
    since = {
        "last": {change.later: change for change in one.course.since_last},
        "first": {change.later: change for change in one.course.since_first},
    }
    for index, (value, days) in enumerate(zip(one.values, one.days, strict=True)):
        row: dict[str, str | float | int | None] = {
            "segment": one.segment,
            "measurement": one.course.name,
            "unit": one.unit,
            "visit": index + 1,
            "days": days,
            "value": value,
        }
        for name, changes in since.items():
            if change := changes.get(index):
                row |= {f"{key}_since_{name}": cell for key, cell in zip(_OF_CHANGE, _cells(change), strict=True)}
        if first := since["first"].get(index):
            row["doubling_time_days_since_first"] = first.doubling_time_days
            row |= {"reason": first.reason, "error_source": first.statement_source}
        yield row


def _cells(change: VisitChange) -> tuple[float | str | None, ...]:
    whole = change.change
    return whole.absolute, whole.percent, change.absolute_per_month, change.percent_per_month, change.verdict.value
