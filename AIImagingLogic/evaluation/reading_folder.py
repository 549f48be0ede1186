"""The folder of a reader study: the study, an order a reader, and a file of actions a reader.

``study.json``, ``orders/R1.json``, ``readings/R1.jsonl``. No two readers write to one file.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from AIImagingLogic.evaluation.reading_order import order_fingerprint, reading_order
from AIImagingLogic.records.atomic_files import make_folder
from AIImagingLogic.records.errors import UnreadableImageError
from AIImagingLogic.records.json_form import load_record, save_record
from AIImagingLogic.records.reading import ReadingError
from AIImagingLogic.records.reading_study import ReadingCase, ReadingOrder, ReadingStudy

STUDY_FILE = "study.json"


def write_study_folder(study: ReadingStudy, manifest_folder: Path, folder: Path) -> tuple[ReadingOrder, ...]:
    """Write the study and the order of each reader; return the orders.

    Paths of images and findings are written as seen from `folder`, so that the whole can be moved together.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    make_folder(folder / "orders")
    moved = tuple(
        replace(
            case,
            image=_seen_from(folder, manifest_folder / case.image),
            findings=_seen_from(folder, manifest_folder / case.findings) if case.findings else "",
        )
        for case in study.cases
    )
    orders = tuple(reading_order(study, reader) for reader in study.readers)
    for order in orders:
        save_record(order, folder / "orders" / f"{order.reader}.json")
    save_record(replace(study, cases=moved), folder / STUDY_FILE)
    return orders


def load_study(path: Path) -> ReadingStudy:
    """Return the study of a folder's ``study.json``.

    Raises
    ------
    UnreadableImageError
        It is none.
    """
    try:
        return load_record(ReadingStudy, path)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableImageError(
            f"'{path}' is no planned reader study: {error}", f"Choose the {STUDY_FILE} of `aiimaging reading plan`."
        ) from error


def load_order(study_file: Path, study: ReadingStudy, reader: str) -> ReadingOrder:
    """Return the order of a reader.

    Raises
    ------
    ReadingError
        He is no reader of the study, or the order was changed, or names a case that the study has not.
    UnreadableImageError
        The file cannot be read.
    """
    if reader not in study.readers:
        raise ReadingError(
            f"The study '{study.study}' has no reader '{reader}'.", f"Its readers are {', '.join(study.readers)}."
        )
    path = study_file.parent / "orders" / f"{reader}.json"
    try:
        order = load_record(ReadingOrder, path)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableImageError(f"'{path}' is no reading order: {error}", "Plan the study again.") from error
    known = {case.case for case in study.cases}
    if order.reader != reader or order_fingerprint(order.cases) != order.fingerprint:
        raise ReadingError(f"'{path}' was changed after the study was planned.", "Plan the study again.")
    if not {case.case for case in order.cases} <= known:
        raise ReadingError(f"'{path}' names a case that the study has not.", "Plan the study again.")
    return order


def log_file(study_file: Path, reader: str) -> Path:
    """Return where a reader's actions are kept."""
    return study_file.parent / "readings" / f"{reader}.jsonl"


def image_path(study_file: Path, case: ReadingCase) -> Path:
    """Return the image of a case."""
    return study_file.parent / case.image


def findings_path(study_file: Path, case: ReadingCase) -> Path:
    """Return the findings file of a case."""
    return study_file.parent / case.findings


def _seen_from(folder: Path, path: Path) -> str:
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        # Another drive of Windows.
        return path.resolve().as_posix()
