"""`aiimaging measure`: measure every segment of a segmentation."""

from __future__ import annotations

import argparse
from typing import Any

from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.segmentation_file import read_segmentation
from AIImagingLogic.records.atomic_files import make_folder
from AIImagingLogic.report.csv_tables import write_measured_segments_csv
from AIImagingLogic.report.text import measured_segments_table
from AIImagingLogic.tasks.measure import measure


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Show the measurements and, with --output, write them as CSV."""
    with terminal.progress() as progress:
        image, info = read_image(arguments.image, arguments.series)
        measured = measure(image, info, read_segmentation(arguments.segmentation), progress)
    if arguments.output is not None:
        make_folder(arguments.output.absolute().parent)
        write_measured_segments_csv(measured, arguments.output)
    terminal.show(measured_segments_table(measured))
    return measured.to_json()
