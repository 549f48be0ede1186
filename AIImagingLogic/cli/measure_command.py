"""`aiimaging measure`: measure every segment of a segmentation, at one visit or through several."""

from __future__ import annotations

import argparse
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.text import Text

from AIImagingLogic.cli.measure_arguments import stated_facts
from AIImagingLogic.cli.measured_image import measured_image
from AIImagingLogic.cli.segmentation_input import segmentation_of
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.cli.worker_tasks import WorkerTasks, image_input, record_input
from AIImagingLogic.images.quantity import QuantityImage
from AIImagingLogic.records.atomic_files import make_folder
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.measured_segments import MeasuredSegments
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.report.csv_tables import write_measured_segments_csv
from AIImagingLogic.report.segment_courses import courses_of_segments, courses_table, write_courses_csv
from AIImagingLogic.report.text import measured_segments_table

_SECONDS_A_DAY = 86400.0


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Show the measurements, of several visits their change, and, with --output, write them as CSV."""
    if arguments.then:
        return _through_visits(arguments, terminal)
    if arguments.dates is not None:
        raise WrongImageError("--dates are of several visits, and one was given.", "Name the others with --then.")
    with WorkerTasks() as tasks, terminal.progress() as progress:
        read = measured_image(arguments.image, arguments.series, arguments)
        measured = _measured(read, arguments.segmentation, tasks, progress)
    if arguments.output is not None:
        make_folder(arguments.output.absolute().parent)
        write_measured_segments_csv(measured, arguments.output)
    terminal.show(measured_segments_table(measured))
    terminal.show(*(Text(f"Note: {note}") for note in measured.provenance.notes))
    return measured.to_json()


def _measured(read: QuantityImage, path: Path, tasks: WorkerTasks, progress: Progress) -> MeasuredSegments:
    inputs = {
        "image": image_input(read.image, read.info),
        "segmentation": record_input(segmentation_of(path, read.image)),
        "lean_share": read.lean_share,
    }
    measured: MeasuredSegments = tasks.run("measure:measure", inputs, progress)
    return measured


def _through_visits(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    pairs = [(arguments.image, arguments.segmentation), *map(tuple, arguments.then)]
    if arguments.series or stated_facts(arguments) is not None or arguments.suv_factor is not None:
        raise WrongImageError(
            "A series and what is stated of a PET scan are of one visit, and several were given.",
            "Name each series' folder; what the files do not state must be measured visit by visit.",
        )
    dates = arguments.dates or [None] * len(pairs)
    if len(dates) != len(pairs):
        raise WrongImageError(f"--dates names {len(dates)} for {len(pairs)} visits.", "Give one a visit, or '-'.")
    visits: list[MeasuredSegments] = []
    acquired: list[datetime | None] = []
    hashes: list[str] = []
    with WorkerTasks() as tasks, terminal.progress() as progress:
        for index, ((path, segmentation), date) in enumerate(zip(pairs, dates)):
            part = progress.part(index / len(pairs), (index + 1) / len(pairs))
            read = measured_image(path, None, arguments)
            visits.append(_measured(read, segmentation, tasks, part))
            acquired.append(date or read.info.acquired)
            hashes.append(read.info.content_hash)
    if len(set(hashes)) < len(hashes):
        raise WrongImageError("Two of the visits are the same image.", "Name another one for one of them.")
    days = _days(acquired)
    courses = courses_of_segments(visits, days)
    if arguments.output is not None:
        make_folder(arguments.output.absolute().parent)
        write_courses_csv(courses, arguments.output)
    terminal.show(courses_table(courses))
    notes = [f"Visit {index}: {note}" for index, visit in enumerate(visits, 1) for note in visit.provenance.notes]
    terminal.show(*(Text(f"Note: {note}") for note in notes))
    return {
        "days": days,
        "visits": [visit.to_json() for visit in visits],
        "courses": [course.to_json() for course in courses],
    }


def _days(acquired: list[datetime | None]) -> list[float | None]:
    """Return the days from the first dated visit, None where a visit is undated.

    Raises
    ------
    WrongImageError
        The visits are not in order of time.
    """
    dates = [None if date is None else date.replace(tzinfo=None) for date in acquired]
    known = [date for date in dates if date is not None]
    if any(later < earlier for earlier, later in pairwise(known)):
        raise WrongImageError("The visits are not in the order of their dates.", "Name the earliest first.")
    return [None if date is None else (date - known[0]).total_seconds() / _SECONDS_A_DAY for date in dates]
