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
    for note in merged.notes:
        terminal.warn(note)
    terminal.show(*_tables(figures, lesions is not None), Text(_summary(merged)), f"Results: {arguments.output}")
    return {
        "output": str(arguments.output),
        "figures": [entry.to_json() for entry in figures],
        "notes": list(merged.notes),
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


def _tables(figures: Sequence[ArmFigures], with_truth: bool) -> Iterator[Table]:
    table = Table("Reader", "Reading", "Cases", box=box.SIMPLE)
    if with_truth:
        table.add_column("Sensitivity (95%)")
        table.add_column("False marks a case")
    table.add_column("Median seconds")
    if with_truth:
        table.add_column("Gain in sensitivity")
    for entry in figures:
        cells = [_text(entry.sensitivity, 3), _text(entry.false_marks_per_case, 2)] if with_truth else []
        cells.append(_text(entry.median_seconds, 1))
        if with_truth:
            cells.append("" if entry.sensitivity_gain is None else _text(entry.sensitivity_gain, 3))
        table.add_row(entry.reader, entry.arm, str(entry.readings), *cells)
    yield table


def _text(found: Estimate, digits: int) -> str:
    if found.value is None or found.low is None or found.high is None:
        return "not known"
    return f"{found.value:.{digits}f} ({found.low:.{digits}f} to {found.high:.{digits}f})"


def _summary(merged: ReadingResults) -> str:
    readers = len({reading.reader for reading in merged.readings})
    return (
        f"{len(merged.readings)} readings by {readers} reader{'s' if readers > 1 else ''}. Intervals: cases drawn "
        "again, readers fixed; they say nothing of other readers."
    )
