"""`aiimaging segment`: outline organs."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from AIImagingLogic.cli.measured_image import quantity_beside
from AIImagingLogic.cli.named_model import named_model
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.cli.worker_tasks import WorkerTasks, image_input, record_input
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.segmentation_file import write_segmentation
from AIImagingLogic.records.atomic_files import make_folder
from AIImagingLogic.records.errors import OutputError, WrongImageError
from AIImagingLogic.report.csv_tables import write_measured_segments_csv
from AIImagingLogic.report.text import measured_segments_table

# Measuring is a small part of a run.
_SEGMENTED = 0.9


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Segment an image, or the several that a model takes, into one .seg.nrrd and show what is measured of it."""
    if not arguments.output.name.endswith(".seg.nrrd"):
        raise OutputError(f"'{arguments.output.name}' does not end in .seg.nrrd.", "Slicer knows segmentations by it.")
    if arguments.series and len(arguments.images) > 1:
        raise WrongImageError(
            "--series chooses the series of one image, and several were given.", "Name the folder of each series."
        )
    for path in (arguments.output, arguments.measure):
        if path is not None:
            make_folder(path.absolute().parent)
    with WorkerTasks() as tasks, terminal.progress() as progress:
        images = [read_image(path, arguments.series) for path in arguments.images]
        first, *more = [image_input(image, info) for image, info in images]
        on, note = quantity_beside(arguments.images[0], arguments.series, arguments, images[0][1])
        inputs = {"image": first, "more": more, "model": named_model(arguments.model)}
        if on is None:
            result = tasks.run("segment:segment_and_measure", inputs, progress)
            segmentation, measured = result.segmentation, result.measured
        else:
            inputs["model_id"] = inputs.pop("model")
            segmentation = tasks.run("segment:segment", inputs, progress.part(0.0, _SEGMENTED))
            inputs = {"segmentation": record_input(segmentation), "lean_share": on.lean_share}
            inputs["image"] = image_input(on.image, on.info)
            measured = tasks.run("measure:measure", inputs, progress.part(_SEGMENTED, 1.0))
    for text in segmentation.provenance.notes if segmentation.provenance else ():
        terminal.warn(text)
    if note:
        terminal.warn(note)
        provenance = dataclasses.replace(measured.provenance, notes=(*measured.provenance.notes, note))
        measured = dataclasses.replace(measured, provenance=provenance)
    write_segmentation(segmentation, arguments.output)
    if arguments.measure is not None:
        write_measured_segments_csv(measured, arguments.measure)
    terminal.show(measured_segments_table(measured), f"Segmentation: {arguments.output}")
    return {"segmentation": str(arguments.output), "measured": measured.to_json()}
