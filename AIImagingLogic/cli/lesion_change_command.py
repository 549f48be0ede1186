"""`aiimaging lesion-change`: what changed between two FLAIR visits of one brain."""

from __future__ import annotations

import argparse
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.cli.worker_tasks import WorkerTasks, image_input
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.resample import resample_like
from AIImagingLogic.images.segmentation_file import write_segmentation
from AIImagingLogic.images.write import write_image
from AIImagingLogic.records.json_form import save_record
from AIImagingLogic.report.csv_tables import write_measured_segments_csv
from AIImagingLogic.report.lesion_change_table import lesion_change_table, write_lesion_change_csv
from AIImagingLogic.report.text import measured_segments_table, registration_line


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Write segmentation, tables, transform and the earlier image on the later one's grid into the output folder."""
    with whole_folder(arguments.output, arguments.overwrite) as folder:
        with WorkerTasks() as tasks, terminal.progress() as progress:
            earlier, earlier_info = read_image(arguments.earlier, arguments.earlier_series)
            later, later_info = read_image(arguments.later, arguments.later_series)
            inputs = {"earlier": image_input(earlier, earlier_info), "later": image_input(later, later_info)}
            result = tasks.run("brain_lesion_change:brain_lesion_change", inputs, progress)
        save_record(result, folder / "result.json")
        write_segmentation(result.segmentation, folder / "changes.seg.nrrd")
        write_lesion_change_csv(result, folder / "changes.csv")
        write_measured_segments_csv(result.measured, folder / "volumes.csv")
        sitk.WriteTransform(result.registration.transform, str(folder / "registration.h5"))
        on_later = resample_like(earlier, later, result.registration.transform)
        write_image(on_later, folder / "earlier_on_later.nrrd")
    for note in result.segmentation.provenance.notes if result.segmentation.provenance else ():
        terminal.warn(note)
    terminal.show(
        lesion_change_table(result),
        measured_segments_table(result.measured),
        registration_line(result.registration),
        f"Results: {arguments.output}",
    )
    return {"output": str(arguments.output), "result": result.to_json()}
