"""The lesions of a timeline of many visits as CSV: a row a lesion and visit."""

from __future__ import annotations

from pathlib import Path

from AIImagingLogic.followup.changes import changes_between
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.timeline import Change, Lesion, LesionStep, LinkStatus, Timeline
from AIImagingLogic.report.csv_tables import Cell, Row, lesion_columns, measurement_cells, write_table
from AIImagingLogic.report.visit_interval import days_from_first

_CHANGED = ("mean_diameter", "volume")
_DIVIDED = (LinkStatus.SPLIT, LinkStatus.MERGED)
_SINCE = ("last_seen", "first_seen")


def write_timeline_csv(timeline: Timeline, path: Path) -> None:
    """Write a row for each lesion and visit: status and why, place, measurements, change of diameter and volume.

    Changes are against the visit before at which it was seen (``since_last_seen``) and the first one
    (``since_first_seen``). Places are in mm, LPS: of the finding, else where the registration expects it.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    measurements = [entry for visit in timeline.visits for finding in visit.findings for entry in finding.measurements]
    columns = [
        *("lesion", "lesion_uid", "visit", "date", "days", "status", "reason", "confidence", "ambiguous", "by_hand"),
        *("seen", "evaluable", "part_of", "merged_into", "finding_uid", "match_distance_mm"),
        *(f"place_{axis}_mm" for axis in ("left", "posterior", "superior")),
        *lesion_columns(measurements),
        *(f"{name}_percent_since_{since}" for since in _SINCE for name in _CHANGED),
        *(f"{name}_beyond_error_since_{since}" for since in _SINCE for name in _CHANGED),
    ]
    rows = (_row(timeline, lesion, index) for lesion in timeline.lesions for index in range(len(timeline.visits)))
    write_table(path, columns, rows)


def _row(timeline: Timeline, lesion: Lesion, index: int) -> Row:
    visit = timeline.visits[index]
    step = lesion.steps[index] if lesion.steps else LesionStep()
    seen = _comparable(timeline, lesion, index)
    finding = visit.finding(lesion.observations[index])
    place = lesion.expected_mm[index] if finding is None else finding.box.center_mm
    left, posterior, superior = (None, None, None) if place is None else place
    row: dict[str, Cell] = {
        "lesion": lesion.number,
        "lesion_uid": lesion.uid,
        "visit": visit.label,
        "date": None if visit.info.acquired is None else f"{visit.info.acquired:%Y-%m-%d %H:%M:%S}",
        "days": days_from_first(timeline)[index],
        "status": None if step.status is None else step.status.value,
        "reason": step.reason,
        "confidence": step.confidence,
        "ambiguous": step.ambiguous,
        "by_hand": step.by_hand,
        "seen": finding is not None,
        "evaluable": step.evaluable,
        "part_of": lesion.part_of,
        "merged_into": lesion.merged_into,
        "finding_uid": lesion.observations[index],
        "match_distance_mm": step.distance_mm,
        "place_left_mm": left,
        "place_posterior_mm": posterior,
        "place_superior_mm": superior,
    }
    if finding is None:
        return row
    row.update(measurement_cells(finding.measurements))
    for since, other in zip(_SINCE, (seen[-1], seen[0]) if seen else ()):
        for change in _changes(other, finding):
            row[f"{change.name}_percent_since_{since}"] = change.percent
            row[f"{change.name}_beyond_error_since_{since}"] = change.beyond_error
    return row


def _comparable(timeline: Timeline, lesion: Lesion, index: int) -> list[Finding | None]:
    """Return the findings before a visit, in order of time, since it last split or merged: parts are no wholes."""
    divided = [k for k in range(index + 1) if lesion.steps and lesion.steps[k].status in _DIVIDED]
    first = divided[-1] if divided else 0
    uids = lesion.observations[first:index]
    return [timeline.visits[k].finding(uid) for k, uid in enumerate(uids, start=first) if uid is not None]


def _changes(before: Finding | None, after: Finding) -> list[Change]:
    if before is None:
        return []
    changes, _ = changes_between(before, after, None)
    return [change for change in changes if change.name in _CHANGED]
