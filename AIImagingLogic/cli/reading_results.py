"""`aiimaging reading results`: the readings of all readers as tables, and each way of reading ready to be scored."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.evaluation.detection_files import TrueLesion, read_lesions
from AIImagingLogic.evaluation.detection_study import study_detection
from AIImagingLogic.evaluation.hit_rules import HitRule, hit_rule
from AIImagingLogic.evaluation.reading_folder import STUDY_FILE
from AIImagingLogic.evaluation.reading_results import ArmReading, ReadingResults, arms, merged_readings, scored_marks
from AIImagingLogic.evaluation.reading_tables import ALL_READERS, ArmFigures, Estimate, reading_figures
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.json_form import save_record
from AIImagingLogic.records.reading_study import ReadingStudy
from AIImagingLogic.report.reading_files import scan_names, write_arm, write_figures, write_readings

_FEW_PATIENTS = 20
_Lesions = Mapping[str, Sequence[TrueLesion]]


def results(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Write result.json, readings.csv, figures.csv, and a folder a reader and way of reading."""
    rule = hit_rule(arguments.hit)
    study, merged = merged_readings(arguments.study / STUDY_FILE)
    lesions = _lesions(arguments, study)
    patients = {case.case: case.patient or case.case for case in study.cases}
    by_arm = arms(study, merged.readings)
    figures = reading_figures(by_arm, lesions or {}, patients, rule, arguments.resamples, arguments.seed)
    with whole_folder(arguments.output, arguments.overwrite) as folder:
        save_record(merged, folder / "result.json")
        write_readings(merged, folder / "readings.csv")
        write_figures(figures, folder / "figures.csv")
        for reader, arm, readings in _folders(by_arm):
            place = folder / f"{reader}_{arm}"
            write_arm(readings, patients, place, lesions)
            if lesions is not None:
                _write_froc(place, readings, patients, lesions, rule, terminal)
    notes = (*merged.notes, *_few(merged, patients))
    for note in notes:
        terminal.warn(note)
    terminal.show(_table(figures, lesions is not None), Text(_summary(merged)), f"Results: {arguments.output}")
    return {
        "output": str(arguments.output),
        "figures": [entry.to_json() for entry in figures],
        "notes": list(notes),
    }


def _lesions(arguments: argparse.Namespace, study: ReadingStudy) -> _Lesions | None:
    if arguments.lesions is None:
        return None
    found = dict(read_lesions(arguments.lesions))
    others = read_lesions(arguments.excluded, excluded=True) if arguments.excluded is not None else {}
    together = {case: (*found.get(case, ()), *others.get(case, ())) for case in {**found, **others}}
    strange = sorted(set(together) - {case.case for case in study.cases})
    if strange:
        raise WrongImageError(
            f"There are lesions of {len(strange)} cases that the study has not, such as '{strange[0]}'.",
            "The column seriesuid must hold the codes of the cases.",
        )
    return together


def _folders(by_arm: Mapping[str, Sequence[ArmReading]]) -> Iterator[tuple[str, str, Sequence[ArmReading]]]:
    for arm, readings in by_arm.items():
        readers = list(dict.fromkeys(reading.reader for reading in readings))
        for reader in readers:
            yield reader, arm, [reading for reading in readings if reading.reader == reader]
        if len(readers) > 1:
            yield ALL_READERS, arm, readings


def _write_froc(
    folder: Path,
    readings: Sequence[ArmReading],
    patients: Mapping[str, str],
    lesions: _Lesions,
    rule: HitRule,
    terminal: Terminal,
) -> None:
    from AIImagingLogic.report.froc_plot import write_froc_png

    scans = scan_names(readings)
    try:
        study = study_detection(
            scans,
            {scan: scored_marks(reading) for scan, reading in zip(scans, readings)},
            {scan: lesions.get(reading.case, ()) for scan, reading in zip(scans, readings)},
            [patients[reading.case] for reading in readings],
            rule,
        )
    except WrongImageError as error:
        terminal.warn(f"No froc.png in {folder.name}: {error}")
        return
    write_froc_png(study, folder / "froc.png")


def _table(figures: Sequence[ArmFigures], with_truth: bool) -> Table:
    """Return the figures, a part of the table a reader, each with its interval under it, in 80 columns."""
    heads = ["Reading", "Cases", *(("Sensitivity", "Gain", "False/case") if with_truth else ()), "Seconds"]
    table = Table(box=box.SIMPLE, pad_edge=False, collapse_padding=True)
    for head in heads:
        table.add_column(head, no_wrap=True)
    before = ""
    for entry in figures:
        if entry.reader != before:
            table.add_row(Text(before := entry.reader, style="bold"))
        cells = [_text(entry.median_seconds, 0)]
        if with_truth:
            gain = "" if entry.sensitivity_gain is None else _text(entry.sensitivity_gain, 2, signed=True)
            cells = [_text(entry.sensitivity, 2), gain, _text(entry.false_marks_per_case, 1), *cells]
        table.add_row(f" {entry.arm}", str(entry.readings), *cells)
    return table


def _text(found: Estimate, digits: int, signed: bool = False) -> str:
    if found.value is None or found.low is None or found.high is None:
        return "not known"
    # Between numbers that may be negative a dash is misread.
    to = " to " if signed else "–"
    return f"{found.value:.{digits}f}\n{found.low:.{digits}f}{to}{found.high:.{digits}f}"


def _summary(merged: ReadingResults) -> str:
    readers = len({reading.reader for reading in merged.readings})
    return (
        f"{len(merged.readings)} readings by {readers} reader{'s' if readers > 1 else ''}; median seconds. Under each "
        "figure its 95% interval: cases drawn again, readers fixed; it says nothing of other readers."
    )


def _few(merged: ReadingResults, patients: Mapping[str, str]) -> Iterator[str]:
    count = len({patients[reading.case] for reading in merged.readings})
    if count < _FEW_PATIENTS:
        yield f"The intervals rest on {count} patients only."
