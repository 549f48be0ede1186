"""`aiimaging measure`: measure every segment of a segmentation."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.cli.worker_tasks import WorkerTasks, image_input, record_input
from AIImagingLogic.dicom.seg_reading import read_seg
from AIImagingLogic.images.file_kind import file_kind
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.segmentation_file import read_segmentation
from AIImagingLogic.records.atomic_files import make_folder
from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.report.csv_tables import write_measured_segments_csv
from AIImagingLogic.report.text import measured_segments_table


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Show the measurements and, with --output, write them as CSV."""
    with WorkerTasks() as tasks, terminal.progress() as progress:
        image, info = read_image(arguments.image, arguments.series)
        segmentation = _segmentation(arguments.segmentation, image)
        inputs = {"image": image_input(image, info), "segmentation": record_input(segmentation)}
        measured = tasks.run("measure:measure", inputs, progress)
    if arguments.output is not None:
        make_folder(arguments.output.absolute().parent)
        write_measured_segments_csv(measured, arguments.output)
    terminal.show(measured_segments_table(measured))
    return measured.to_json()


def _segmentation(path: Path, image: sitk.Image) -> Segmentation:
    if not path.is_file() or file_kind(path) != "dicom":
        return read_segmentation(path)
    layers = read_seg(path).segmentations(image)
    if len(layers) != 1:
        raise GeometryError(
            f"'{path.name}' holds {len(layers)} layers of segments: they overlap, or there are none.",
            "Read it with `aiimaging dicom read`, then measure each file.",
        )
    return layers[0]
