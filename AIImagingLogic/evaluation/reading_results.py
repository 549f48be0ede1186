"""What the readers of a study have read so far, merged from their files; and each way of reading by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from AIImagingLogic.evaluation.detection import Mark
from AIImagingLogic.evaluation.reading_folder import load_order, load_study, log_file
from AIImagingLogic.evaluation.reading_progress import reading_progress
from AIImagingLogic.records.errors import UnreadableImageError
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.reading import CaseReading, ReaderMark, ReadingMode
from AIImagingLogic.records.reading_log import read_log
from AIImagingLogic.records.reading_study import ReadingStudy

ALONE = "second-reader-alone"
"""The locked first stage of a second reader: a way of reading of its own."""


@dataclass(frozen=True)
class ReadingResults(Record):
    """All finished readings of a study.

    Attributes
    ----------
    study, seed : as planned
    readings : by reader, in the order in which they were read
    planned : how many cases each reader has to read, modes and sessions together
    notes : what a reader of the results must know
    """

    study: str
    seed: int
    readings: tuple[CaseReading, ...]
    planned: Mapping[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ArmReading:
    """A reading in one way: the marks that count in it, and its active seconds."""

    reader: str
    case: str
    marks: tuple[ReaderMark, ...]
    seconds: float


def merged_readings(study_file: Path) -> tuple[ReadingStudy, ReadingResults]:
    """Read the files of all readers; those who have not begun have none.

    Raises
    ------
    ReadingError
        A file was changed or damaged.
    UnreadableImageError
        The study cannot be read, or nobody has finished a case.
    """
    study = load_study(study_file)
    readings: list[CaseReading] = []
    planned, notes = {}, []
    for reader in study.readers:
        order = load_order(study_file, study, reader)
        try:
            progress = reading_progress(order, read_log(log_file(study_file, reader)))
        except OSError as error:
            raise UnreadableImageError(f"The file of '{reader}' cannot be read: {error}", "Look at it.") from error
        readings.extend(progress.finished)
        planned[reader] = len(order.cases)
        left = len(order.cases) - len(progress.finished)
        if left:
            notes.append(f"{reader}: {left} of {len(order.cases)} readings are not finished.")
    if not readings:
        raise UnreadableImageError(f"No case of '{study_file}' was read to its end.", "Read one in AI Detection.")
    return study, ReadingResults(study.study, study.seed, tuple(readings), planned, tuple(notes))


def arms(study: ReadingStudy, readings: Sequence[CaseReading]) -> Mapping[str, tuple[ArmReading, ...]]:
    """Return the readings by way of reading: each mode, and before ``second-reader`` its locked stage."""
    found: dict[str, list[ArmReading]] = {}
    for mode in study.modes:
        for reading in readings:
            if reading.mode is not mode:
                continue
            if mode is ReadingMode.SECOND_READER and reading.alone_marks is not None:
                alone = ArmReading(reading.reader, reading.case, reading.alone_marks, reading.alone_seconds or 0.0)
                found.setdefault(ALONE, []).append(alone)
        of_mode = [reading for reading in readings if reading.mode is mode]
        if of_mode:
            found[mode.value] = [
                ArmReading(reading.reader, reading.case, reading.marks, reading.active_seconds) for reading in of_mode
            ]
    return {name: tuple(of_arm) for name, of_arm in found.items()}


def scored_marks(reading: ArmReading) -> tuple[Mark, ...]:
    """Return the marks of a reading as those of a detector: score 0 to 1."""
    return tuple(Mark(mark.position_mm, (mark.score or 0.0) / 100.0, mark.diameter_mm) for mark in reading.marks)
