"""The sheets of a timeline's workbook, as plain tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from AIImagingLogic.records.measurement import Measurement, measurement_entry
from AIImagingLogic.records.timeline import Change, Lesion, LesionStep, Timeline
from AIImagingLogic.report.chosen_response import ChosenResponse
from AIImagingLogic.report.lesion_rows import kind_of, place_of
from AIImagingLogic.report.number_format import unit_label
from AIImagingLogic.report.response_section import RESPONSE_SIZES, change_from_baseline
from AIImagingLogic.report.segment_courses import courses_of_organs
from AIImagingLogic.report.texts import Texts
from AIImagingLogic.report.visit_interval import days_from_first

Cell = str | int | float | bool | datetime | None
Row = Mapping[str, Cell]


@dataclass(frozen=True)
class SheetTable:
    """One sheet; the first `fixed` columns stay in sight."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    fixed: int = 1


def workbook_tables(timeline: Timeline, texts: Texts, response: ChosenResponse | None = None) -> tuple[SheetTable, ...]:
    """Return the sheets: visits, lesions by visit, changes, organs if outlined, assessments, provenance."""
    organs = _organs(timeline, texts)
    return (
        _table(texts("sheet_visits"), _visits(timeline, texts)),
        _table(texts("sheet_lesions"), _lesions(timeline, texts), fixed=3),
        _table(texts("sheet_changes"), _changes(timeline, texts), fixed=2),
        *((_table(texts("sheet_organs"), organs, fixed=2),) if organs else ()),
        _table(texts("sheet_assessments"), _assessments(timeline, texts, response)),
        _table(texts("sheet_provenance"), _provenance(timeline, texts), fixed=0),
    )


def _table(name: str, rows: Sequence[Row], fixed: int = 1) -> SheetTable:
    """Return a table with the columns of all its rows, in the order in which they come."""
    columns = dict.fromkeys(column for row in rows for column in row)
    return SheetTable(name, tuple(columns), tuple(rows), fixed)


def _visits(timeline: Timeline, texts: Texts) -> list[Row]:
    rows: list[Row] = []
    for visit, days in zip(timeline.visits, days_from_first(timeline), strict=True):
        info = visit.info
        row: dict[str, Cell] = {
            texts("visit"): texts.said(visit.label),
            texts("date"): info.acquired,
            texts("column_days"): days,
            texts("modality"): info.modality,
            texts("column_slice_thickness"): info.slice_thickness_mm,
        }
        row |= {texts("column_spacing", axis=axis): step for axis, step in zip("ijk", info.spacing_mm)}
        row |= {texts("kernel"): info.kernel, texts("findings"): len(visit.findings)}
        row[f"{texts('images')} (SHA-256)"] = info.content_hash
        row[texts("column_notes")] = " ".join(map(texts.said, info.notes))
        rows.append(row)
    return rows


def _lesions(timeline: Timeline, texts: Texts) -> list[Row]:
    names = dict.fromkeys(
        (entry.name, entry.unit, entry.interval_95 is not None)
        for visit in timeline.visits
        for finding in visit.findings
        for entry in finding.measurements
    )
    empty = {column: None for name, unit, bounded in names for column in _measured_columns(name, unit, bounded, texts)}
    rows: list[Row] = []
    for lesion in timeline.lesions:
        for index, visit in enumerate(timeline.visits):
            finding = visit.finding(lesion.observations[index])
            step = lesion.steps[index] if lesion.steps else LesionStep()
            row: dict[str, Cell] = {
                texts("lesion"): lesion.number,
                texts("visit"): texts.said(visit.label),
                texts("date"): visit.info.acquired,
                texts("status"): "" if step.status is None else texts.said(step.status.value),
                texts("column_kind"): "" if finding is None else texts.said(finding.descriptors.get("attenuation", "")),
                texts("column_place"): "" if finding is None else texts.said(place_of(finding)),
                **empty,
            }
            for entry in () if finding is None else finding.measurements:
                row |= _measured(entry, texts)
            row[texts("column_distance")] = step.distance_mm
            row[texts("column_confidence")] = step.confidence
            row[texts("look")] = step.ambiguous and not step.by_hand
            row[texts("column_reason")] = texts.said(step.reason)
            row[texts("column_uid")] = lesion.uid
            row[texts("column_finding_uid")] = lesion.observations[index]
            rows.append(row)
    return rows


def _measured_columns(name: str, unit: str, bounded: bool, texts: Texts) -> list[str]:
    heading = _heading(name, unit, texts)
    more = [texts("column_low", name=heading), texts("column_high", name=heading)]
    return [heading, *more] if bounded else [heading]


def _measured(entry: Measurement, texts: Texts) -> dict[str, Cell]:
    bounds = entry.interval_95 or ()
    columns = _measured_columns(entry.name, entry.unit, bool(bounds), texts)
    return dict(zip(columns, (entry.value, *bounds), strict=True))


def _heading(name: str, unit: str, texts: Texts) -> str:
    label, shown = texts.said(measurement_entry(name)["label"]), unit_label(unit)
    return f"{label} ({shown})" if shown else label


def _changes(timeline: Timeline, texts: Texts) -> list[Row]:
    return [row for lesion in timeline.lesions for row in _changes_of(timeline, lesion, texts)]


def _changes_of(timeline: Timeline, lesion: Lesion, texts: Texts) -> list[Row]:
    """Return a row for each measurement that changed; one without figures for a lesion that has none."""
    growth = lesion.growth
    doubling = None if growth is None else growth.doubling_time_days
    low, high = (None, None) if growth is None else growth.doubling_time_interval_95 or (None, None)
    reasons = (lesion.reason, *(() if growth is None else (growth.reason,)))
    changes: tuple[Change | None, ...] = lesion.changes or (None,)
    rows: list[Row] = []
    for change in changes:
        of_volume = change is not None and change.name == "volume"
        percent_low, percent_high = (None, None) if change is None else change.interval_95_percent or (None, None)
        rows.append(
            {
                texts("lesion"): lesion.number,
                texts("column_measurement"): "" if change is None else _heading(change.name, change.unit, texts),
                texts("column_kind"): texts.said(kind_of(lesion, timeline)),
                texts("status"): texts.said(lesion.status.value),
                texts("column_growth"): "" if growth is None else texts.said(growth.label),
                texts("unit"): "" if change is None else unit_label(change.unit),
                texts("column_before"): None if change is None else change.before,
                texts("column_after"): None if change is None else change.after,
                texts("column_absolute"): None if change is None else change.absolute,
                texts("column_percent"): None if change is None else change.percent,
                texts("column_percent_low"): percent_low,
                texts("column_percent_high"): percent_high,
                texts("column_beyond_error"): None if change is None else change.beyond_error,
                texts("column_doubling"): doubling if of_volume else None,
                texts("column_doubling_low"): low if of_volume else None,
                texts("column_doubling_high"): high if of_volume else None,
                texts("column_reason"): " ".join(map(texts.said, reasons)),
            }
        )
    return rows


def _organs(timeline: Timeline, texts: Texts) -> list[Row]:
    rows: list[Row] = []
    for one in courses_of_organs(timeline):
        since_first = {change.later: change.change for change in one.course.since_first}
        for index, (visit, value) in enumerate(zip(timeline.visits, one.values, strict=True)):
            change = since_first.get(index)
            rows.append(
                {
                    texts("organ"): texts.said(one.segment),
                    texts("visit"): texts.said(visit.label),
                    texts("date"): visit.info.acquired,
                    _heading(one.course.name, one.unit, texts): value,
                    f"{texts('column_absolute')} ({unit_label(one.unit)})": None if change is None else change.absolute,
                    texts("column_percent"): None if change is None else change.percent,
                }
            )
    return rows


def _assessments(timeline: Timeline, texts: Texts, response: ChosenResponse | None) -> list[Row]:
    last = timeline.visits[-1].label
    rows: list[Row] = [
        {
            texts("column_rules"): entry.rules,
            texts("visit"): texts.said(last),
            texts("column_category"): texts.said(entry.category),
            texts("column_next_step"): texts.said(entry.next_step),
            texts("lesion"): entry.lesion_number,
            texts("column_row"): entry.row,
            texts("column_reason"): texts.said(entry.reason),
            texts("column_missing"): "; ".join(map(texts.said, entry.missing)),
            texts("column_source"): entry.source,
        }
        for entry in timeline.assessments
    ]
    for visit, one in zip(timeline.visits, () if response is None else response.assessments):
        rows.append(
            {
                texts("column_rules"): texts.said(one.rules),
                texts("visit"): texts.said(visit.label),
                texts("column_category"): texts.said(one.category),
                texts("column_next_step"): texts.said(one.next_step),
                texts("column_row"): one.row,
                **{texts(name): one.figures[name] for name in RESPONSE_SIZES if name in one.figures},
                f"{texts('from_baseline')} (%)": change_from_baseline(one),
                f"{texts('from_nadir')} (%)": one.figures.get("change_from_nadir_percent"),
                texts("column_reason"): texts.said(one.reason),
                texts("column_missing"): "; ".join(map(texts.said, one.missing)),
                texts("column_source"): one.source,
            }
        )
    return rows


def _provenance(timeline: Timeline, texts: Texts) -> list[Row]:
    made = timeline.provenance
    lines: list[tuple[str, Cell]] = [
        (texts("research_use_short"), ""),
        (texts("created"), f"{made.created:%Y-%m-%d %H:%M %Z}".strip()),
        (texts("device"), made.device),
    ]
    if made.seed is not None:
        lines.append((texts("seed"), made.seed))
    lines += [(texts("model"), f"{use.model_id} {use.version} SHA-256 {use.sha256}") for use in made.models]
    lines += [(texts("version"), f"{name} {version}") for name, version in made.versions.items()]
    lines += [(texts("parameter"), f"{name} {value}") for name, value in made.parameters.items()]
    lines += [(f"{texts('seconds')}, {texts.said(stage.name)}", stage.seconds) for stage in made.stages]
    lines += [(texts("note"), texts.said(note)) for note in dict.fromkeys((*timeline.notes, *made.notes))]
    return [{texts("column_label"): label, texts("column_value"): value} for label, value in lines]
