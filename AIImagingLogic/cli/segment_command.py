"""`aiimaging segment`: outline organs."""

from __future__ import annotations

import argparse
from typing import Any

from AIImagingLogic.cli.named_model import named_model
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.cli.worker_tasks import WorkerTasks, image_input
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.segmentation_file import write_segmentation
from AIImagingLogic.records.atomic_files import make_folder
from AIImagingLogic.records.errors import OutputError, WrongImageError
from AIImagingLogic.report.text import measured_segments_table


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Segment an image, or the several that a model takes, into one .seg.nrrd and show the volume of each segment."""
    if not arguments.output.name.endswith(".seg.nrrd"):
        raise OutputError(f"'{arguments.output.name}' does not end in .seg.nrrd.", "Slicer knows segmentations by it.")
    if arguments.series and len(arguments.images) > 1:
        raise WrongImageError(
            "--series chooses the series of one image, and several were given.", "Name the folder of each series."
        )
    make_folder(arguments.output.absolute().parent)
    with WorkerTasks() as tasks, terminal.progress() as progress:
        first, *more = [image_input(*read_image(path, arguments.series)) for path in arguments.images]
        inputs = {"image": first, "more": more, "model": named_model(arguments.model)}
        result = tasks.run("segment:segment_and_measure", inputs, progress)
    for note in result.segmentation.provenance.notes if result.segmentation.provenance else ():
        terminal.warn(note)
    write_segmentation(result.segmentation, arguments.output)
    terminal.show(measured_segments_table(result.measured), f"Segmentation: {arguments.output}")
    return {"segmentation": str(arguments.output), "measured": result.measured.to_json()}
