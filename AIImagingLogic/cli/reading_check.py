"""`aiimaging reading check`: every fault of a planned study that can be found before, and while, it is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.evaluation.reading_ai_marks import read_ai_marks
from AIImagingLogic.evaluation.reading_folder import (
    STUDY_FILE,
    findings_path,
    image_path,
    load_order,
    load_study,
    log_file,
)
from AIImagingLogic.evaluation.reading_order import reading_order
from AIImagingLogic.evaluation.reading_progress import reading_progress
from AIImagingLogic.images.read import read_image
from AIImagingLogic.records.errors import AIImagingError
from AIImagingLogic.records.reading import ReadingError
from AIImagingLogic.records.reading_log import read_log
from AIImagingLogic.records.reading_study import ReadingCase, ReadingStudy

_FEWEST_LETTERS = 4


def check(folder: Path, terminal: Terminal) -> dict[str, Any]:
    """Look at every image, findings file, order and reader's file; show how far each reader is.

    Raises
    ------
    ReadingError
        Something is wrong; every fault was told before.
    """
    file = folder / STUDY_FILE
    study = load_study(file)
    table = Table("Reader", "Read", "Of", "Open", box=box.SIMPLE)
    faults, readers = [], {}
    for reader in study.readers:
        try:
            order = load_order(file, study, reader)
            progress = reading_progress(order, read_log(log_file(file, reader)))
            if reading_order(study, reader) != order:
                faults.append(f"The order of '{reader}' is not that of the study's seed.")
        except AIImagingError as error:
            faults.append(str(error))
            continue
        opened = "" if progress.open is None else progress.open.case
        table.add_row(reader, str(len(progress.finished)), str(len(order.cases)), opened)
        readers[reader] = {"read": len(progress.finished), "of": len(order.cases), "open": opened}
    with terminal.progress() as progress_bar:
        for number, case in enumerate(study.cases):
            progress_bar.report(number / len(study.cases), f"Case {case.case}")
            faults.extend(_faults(file, study, case))
    terminal.show(table)
    for fault in faults:
        terminal.warn(fault)
    if faults:
        raise ReadingError(f"{len(faults)} faults in '{file}'.", "They are listed above.")
    terminal.show(Text(f"{len(study.cases)} cases: every image and findings file can be read, every order is right."))
    return {"study": str(file), "cases": len(study.cases), "readers": readers}


def _faults(file: Path, study: ReadingStudy, case: ReadingCase) -> Iterator[str]:
    try:
        image, _info = read_image(image_path(file, case), case.series or None)
    except AIImagingError as error:
        yield f"{case.case}: {error}"
        return
    if _tells_who(image_path(file, case), case):
        yield f"{case.case}: the code holds the patient's number or name as the image states it. Give it another code."
    if not case.findings:
        return
    try:
        marks = read_ai_marks(findings_path(file, case), case.case)
    except AIImagingError as error:
        yield f"{case.case}: {error}"
        return
    for mark in marks:
        index = image.TransformPhysicalPointToContinuousIndex(mark.position_mm)
        if not all(-0.5 <= place <= size - 0.5 for place, size in zip(index, image.GetSize())):
            yield f"{case.case}: the AI mark {mark.mark} lies outside the image. Are the findings those of this image?"


def _tells_who(path: Path, case: ReadingCase) -> bool:
    """Whether the codes of a case hold what its DICOM header says of the patient."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    files = [path] if path.is_file() else sorted(entry for entry in path.rglob("*") if entry.is_file())
    codes = f"{case.case} {case.patient}".casefold()
    for file in files[:1]:
        try:
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["PatientID", "PatientName"])
        except (InvalidDicomError, OSError):
            continue
        words = [str(header.get("PatientID", "")), *str(header.get("PatientName", "")).replace("^", " ").split()]
        if any(len(word) >= _FEWEST_LETTERS and word.casefold() in codes for word in words):
            return True
    return False
