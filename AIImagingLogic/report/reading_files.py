"""The tables of a reader study, and the marks of each reader in each way of reading as a detector's would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from AIImagingLogic.evaluation.detection_files import TrueLesion
from AIImagingLogic.evaluation.reading_results import ArmReading, ReadingResults, scored_marks
from AIImagingLogic.evaluation.reading_tables import ArmFigures, Estimate
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.reading import CaseReading
from AIImagingLogic.report.csv_tables import Cell, Row, write_table

_PLACED = ("seriesuid", "coordX", "coordY", "coordZ")
_READINGS = (
    *("reader", "session", "position", "case", "mode", "opened", "closed", "active_seconds", "idle_seconds"),
    *("alone_seconds", "pauses", "interruptions", "ai_marks_shown", "accepted", "refused", "own_marks"),
)
_FIGURES = ("sensitivity", "false_marks_per_case", "median_seconds")
_GAINS = ("sensitivity_gain", "false_marks_gain", "seconds_gain")


def write_readings(results: ReadingResults, path: Path) -> None:
    """Write a row a reading: order, times, how many marks.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    write_table(path, _READINGS, (_reading(reading) for reading in results.readings))


def write_figures(figures: Sequence[ArmFigures], path: Path) -> None:
    """Write a row a way of reading and reader; each figure with its 95% interval.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    names = [f"{name}{end}" for name in (*_FIGURES, *_GAINS) for end in ("", "_low_95", "_high_95")]
    write_table(path, ("reader", "arm", "readings", "lesions", *names), (_figures(entry) for entry in figures))


def write_arm(
    readings: Sequence[ArmReading],
    patients: Mapping[str, str],
    folder: Path,
    lesions: Mapping[str, Sequence[TrueLesion]] | None = None,
) -> None:
    """Write marks.csv and scans.csv, and of known lesions lesions.csv and excluded.csv, as `evaluate detection` reads.

    Parameters
    ----------
    readings : in one way; of several readers, each reading is a scan of its own, ``R1.C01``
    patients : whose each case is
    folder : to make
    lesions : by case; None when they are not known

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    folder.mkdir(parents=True)
    scans = scan_names(readings)
    write_table(
        folder / "marks.csv",
        (*_PLACED, "probability", "diameter_mm", "mark", "accepted", "aided"),
        (
            {
                **_placed(scan, mark.position_mm),
                "probability": scored.score,
                "diameter_mm": mark.diameter_mm,
                "mark": mark.mark,
                "accepted": mark.accepted,
                "aided": mark.aided,
            }
            for scan, reading in zip(scans, readings)
            for mark, scored in zip(reading.marks, scored_marks(reading))
        ),
    )
    write_table(
        folder / "scans.csv",
        ("seriesuid", "patient"),
        ({"seriesuid": scan, "patient": patients[reading.case]} for scan, reading in zip(scans, readings)),
    )
    if lesions is None:
        return
    of_scan = [(scan, lesion) for scan, reading in zip(scans, readings) for lesion in lesions.get(reading.case, ())]
    for name, excluded in (("lesions.csv", False), ("excluded.csv", True)):
        kept = [(scan, lesion) for scan, lesion in of_scan if lesion.target.excluded is excluded]
        if kept or not excluded:
            write_table(folder / name, (*_PLACED, "diameter_mm", "type"), (_lesion(*entry) for entry in kept))


def scan_names(readings: Sequence[ArmReading]) -> list[str]:
    """Return what each reading is called as a scan: its case, with the reader before it when there are several."""
    several = len({reading.reader for reading in readings}) > 1
    return [f"{reading.reader}.{reading.case}" if several else reading.case for reading in readings]


def _reading(reading: CaseReading) -> Row:
    own = [mark for mark in reading.marks if not mark.accepted]
    return {
        "reader": reading.reader,
        "session": reading.session,
        "position": reading.position,
        "case": reading.case,
        "mode": reading.mode.value,
        "opened": reading.opened,
        "closed": reading.closed,
        "active_seconds": reading.active_seconds,
        "idle_seconds": reading.idle_seconds,
        "alone_seconds": reading.alone_seconds,
        "pauses": reading.pauses,
        "interruptions": reading.interruptions,
        "ai_marks_shown": len(reading.shown),
        "accepted": len(reading.marks) - len(own),
        "refused": len(reading.refused),
        "own_marks": len(own),
    }


def _figures(entry: ArmFigures) -> Row:
    row: dict[str, Cell] = {
        "reader": entry.reader,
        "arm": entry.arm,
        "readings": entry.readings,
        "lesions": entry.lesions,
    }
    for name in (*_FIGURES, *_GAINS):
        found: Estimate | None = getattr(entry, name)
        if found is not None:
            row |= {name: found.value, f"{name}_low_95": found.low, f"{name}_high_95": found.high}
    return row


def _placed(scan: str, place: Vector) -> dict[str, Cell]:
    return {"seriesuid": scan, "coordX": place[0], "coordY": place[1], "coordZ": place[2]}


def _lesion(scan: str, lesion: TrueLesion) -> Row:
    target = lesion.target
    return {**_placed(scan, target.position_mm), "diameter_mm": target.diameter_mm, "type": lesion.kind}
