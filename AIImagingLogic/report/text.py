"""Results as text for a terminal: tables and summaries that stay readable without colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from AIImagingLogic.records.measured_segments import MeasuredSegments
from AIImagingLogic.records.measurement import measurement_entry
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.timeline import Assessment, Timeline, Visit
from AIImagingLogic.report.lesion_rows import LesionAtVisit, LesionRow, graded_rules, lesion_rows, place_of
from AIImagingLogic.report.number_format import measured, rounded
from AIImagingLogic.report.registration_words import registration_sentences
from AIImagingLogic.report.visit_interval import interval_days

if TYPE_CHECKING:
    from AIImagingLogic.images.series import SeriesSummary

# Keep sizes, intervals and status on one line in a terminal of 80 columns.
_MOST_COLUMNS = 6
_LESION_WIDTH, _VISIT_WIDTH, _CHANGE_WIDTH, _STATUS_WIDTH = 14, 9, 19, 13


def follow_up_summary(timeline: Timeline) -> tuple[RenderableType, ...]:
    """Return what a terminal shows of a follow-up: conclusions, change table, registration, notes."""
    parts: list[RenderableType] = [_visits_line(timeline), ""]
    for assessment in timeline.assessments:
        parts.append(_assessment_text(assessment))
    parts += ["", _change_table(timeline)]
    parts += [registration_line(entry) for entry in timeline.registrations if entry is not None]
    parts += [Text(f"Note: {note}") for note in timeline.notes]
    parts.append(Text("Research use; not a medical device.", style="dim"))
    return tuple(parts)


def findings_table(visit: Visit) -> RenderableType:
    """Return the findings of one visit as a table, or a sentence when there are none."""
    if not visit.findings:
        return Text("No findings.")
    table = _table(f"Findings, {visit.label}", ("Finding", "Type", "Place"), ("Mean diameter", "Volume", "Score"))
    for finding in visit.findings:
        table.add_row(
            Text(finding.name),
            Text(finding.descriptors.get("attenuation", "")),
            Text(place_of(finding)),
            Text(measured(finding.measurement("mean_diameter"))),
            Text(measured(finding.measurement("volume"))),
            rounded(finding.score, 2),
        )
    return table


def measured_segments_table(measured_segments: MeasuredSegments) -> RenderableType:
    """Return the measurements of every segment as a table, or a sentence when there are none."""
    if not measured_segments.rows:
        return Text("No segments.")
    names = dict.fromkeys(entry.name for row in measured_segments.rows for entry in row.measurements)
    if len(names) > _MOST_COLUMNS:
        return _long_table(measured_segments)
    table = _table(None, ("Segment",), tuple(measurement_entry(name)["label"] for name in names))
    for row in measured_segments.rows:
        by_name = {entry.name: entry for entry in row.measurements}
        table.add_row(Text(row.segment.name), *(Text(measured(by_name.get(name))) for name in names))
    return table


def _long_table(measured_segments: MeasuredSegments) -> RenderableType:
    """Return a row a measurement: more than a few columns of figures do not fit a terminal."""
    table = _table(None, ("Segment", "Measurement"), ("Value",))
    for row in measured_segments.rows:
        for number, entry in enumerate(row.measurements):
            name = row.segment.name if number == 0 else ""
            table.add_row(Text(name), Text(measurement_entry(entry.name)["label"]), Text(measured(entry)))
    return table


def registration_line(registration: Registration) -> RenderableType:
    """Return how good a registration is, in one paragraph."""
    return Text(f"Registration ({registration.kind}): {' '.join(registration_sentences(registration))}")


def series_table(series: Sequence[SeriesSummary]) -> RenderableType:
    """Return the series of a folder or file, each with its geometry, UID and problems, or a sentence for none."""
    if not series:
        return Text("No images found.")
    return Text("\n").join(_series_lines(entry) for entry in series)


def _visits_line(timeline: Timeline) -> Text:
    words = []
    for visit in timeline.visits:
        date = "undated" if visit.info.acquired is None else f"{visit.info.acquired:%Y-%m-%d}"
        words.append(f"{visit.label} {date}, {len(visit.findings)} findings")
    days = interval_days(timeline)
    if len(timeline.visits) > 1:
        words.append("interval unknown" if days is None else f"{days} days")
    sentence = f"{'; '.join(words)}."
    return Text(sentence[:1].upper() + sentence[1:])


def _series_lines(entry: SeriesSummary) -> Text:
    name = " ".join(word for word in (entry.modality, entry.description or "(no description)") if word)
    facts = [f"{entry.files} files" if entry.files != 1 else "1 file"]
    if entry.size is not None:
        facts.append(" × ".join(str(count) for count in entry.size) + " voxels")
    if entry.spacing_mm is not None:
        facts.append(" × ".join(f"{step:.2f}" for step in entry.spacing_mm) + " mm")
    if entry.acquired is not None:
        facts.append(f"{entry.acquired:%Y-%m-%d %H:%M}")
    text = Text(name, style="bold" if entry.readable else "")
    text.append(f"\n    {', '.join(facts)}", style="not bold")
    if entry.uid:
        text.append(f"\n    {entry.uid}", style="not bold dim")
    for problem in entry.problems:
        text.append(f"\n    ! {problem}", style="not bold yellow" if entry.readable else "not bold red")
    return text


def _assessment_text(assessment: Assessment) -> Text:
    text = Text()
    text.append(f"{assessment.rules}: {assessment.category}", style="bold")
    if assessment.next_step != assessment.category:
        text.append(f" — {assessment.next_step}")
    text.append(f"\n  {assessment.reason}")
    if assessment.missing:
        text.append(f"\n  Not known: {'; '.join(assessment.missing)}")
    return text


def _change_table(timeline: Timeline) -> RenderableType:
    rows = lesion_rows(timeline)
    if not rows:
        return Text("No lesions at either visit.")
    visits = tuple(visit.label.capitalize() for visit in timeline.visits)
    table = _table(None, ("",), leading=1)
    table.add_column("Lesion", min_width=_LESION_WIDTH)
    for name in visits:
        table.add_column(name, justify="right", width=_VISIT_WIDTH)
    table.add_column("Change", justify="right", width=_CHANGE_WIDTH)
    rules = graded_rules(timeline)
    table.add_column("\n".join(("Status", *rules)), width=_STATUS_WIDTH)
    for row in rows:
        table.add_row(
            Text(str(row.number), style=f"bold {row.colour}"),
            Text(_joined_lines([row.kind, row.place])),
            *(Text(_visit_cell(visit)) for visit in row.visits),
            Text(_change_cell(row)),
            Text(_joined_lines([row.growth or row.status, *(row.categories[name] for name in rules)])),
        )
    return table


def _visit_cell(visit: LesionAtVisit) -> str:
    """Return sizes alone, to fit 80 columns; their intervals stand in the report and the CSV tables."""
    solid = f"{visit.solid_part}\nsolid" if visit.solid_part else ""
    return visit.absent or _joined_lines([visit.mean_diameter, visit.volume, solid])


def _change_cell(row: LesionRow) -> str:
    return _joined_lines(
        [row.diameter_change, row.volume_change, row.volume_change_interval, row.doubling, row.doubling_interval]
    )


def _joined_lines(lines: Iterable[str]) -> str:
    return "\n".join(line for line in lines if line)


def _table(
    title: str | None, words: Sequence[str], numbers: Sequence[str] = (), last: Sequence[str] = (), leading: int = 0
) -> Table:
    table = Table(
        title=title,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        pad_edge=False,
        show_edge=False,
        leading=leading,
    )
    for name in words:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", overflow="fold")
    for name in last:
        table.add_column(name, overflow="fold")
    return table
