"""`aiimaging measure`: measure every segment of a segmentation."""

from __future__ import annotations

import argparse
from typing import Any

from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.cli.worker_tasks import WorkerTasks, image_input, record_input
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.segmentation_file import read_segmentation
from AIImagingLogic.records.atomic_files import make_folder
from AIImagingLogic.report.csv_tables import write_measured_segments_csv
from AIImagingLogic.report.text import measured_segments_table


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Show the measurements and, with --output, write them as CSV."""
    with WorkerTasks() as tasks, terminal.progress() as progress:
        image, info = read_image(arguments.image, arguments.series)
        segmentation = record_input(read_segmentation(arguments.segmentation))
        inputs = {"image": image_input(image, info), "segmentation": segmentation}
        measured = tasks.run("measure:measure", inputs, progress)
    if arguments.output is not None:
        make_folder(arguments.output.absolute().parent)
        write_measured_segments_csv(measured, arguments.output)
    terminal.show(measured_segments_table(measured))
    return measured.to_json()
