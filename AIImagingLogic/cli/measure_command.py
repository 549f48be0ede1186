"""`aiimaging measure`: measure every segment of a segmentation."""

from __future__ import annotations

import argparse
from typing import Any

from rich.text import Text

from AIImagingLogic.cli.measured_image import measured_image
from AIImagingLogic.cli.segmentation_input import segmentation_of
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.cli.worker_tasks import WorkerTasks, image_input, record_input
from AIImagingLogic.records.atomic_files import make_folder
from AIImagingLogic.report.csv_tables import write_measured_segments_csv
from AIImagingLogic.report.text import measured_segments_table


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Show the measurements and, with --output, write them as CSV."""
    with WorkerTasks() as tasks, terminal.progress() as progress:
        read = measured_image(arguments.image, arguments.series, arguments)
        segmentation = segmentation_of(arguments.segmentation, read.image)
        inputs = {
            "image": image_input(read.image, read.info),
            "segmentation": record_input(segmentation),
            "lean_share": read.lean_share,
        }
        measured = tasks.run("measure:measure", inputs, progress)
    if arguments.output is not None:
        make_folder(arguments.output.absolute().parent)
        write_measured_segments_csv(measured, arguments.output)
    terminal.show(measured_segments_table(measured))
    terminal.show(*(Text(f"Note: {note}") for note in measured.provenance.notes))
    return measured.to_json()
