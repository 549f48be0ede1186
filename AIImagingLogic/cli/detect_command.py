"""`aiimaging detect`: find, outline and measure lung nodules on one chest CT, or what a model package finds."""

from __future__ import annotations

import argparse
from typing import Any

from AIImagingLogic.cli.named_model import named_model
from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.cli.worker_tasks import WorkerTasks, image_input
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.segmentation_file import write_segmentation
from AIImagingLogic.records.json_form import save_record
from AIImagingLogic.report.csv_tables import write_findings_csv
from AIImagingLogic.report.text import findings_table


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Write result.json, findings.csv and the organs as .seg.nrrd into the output folder."""
    with whole_folder(arguments.output, arguments.overwrite) as folder:
        with WorkerTasks() as tasks, terminal.progress() as progress:
            image, info = read_image(arguments.image, arguments.series)
            inputs = {"image": image_input(image, info), "model": named_model(arguments.model)}
            inputs["false_positive_reduction"] = arguments.false_positive_reduction
            visit = tasks.run("detect:detect", inputs, progress)
        save_record(visit, folder / "result.json")
        write_findings_csv(visit, folder / "findings.csv")
        if visit.organs is not None:
            write_segmentation(visit.organs, folder / "organs.seg.nrrd")
    terminal.show(findings_table(visit), f"Results: {arguments.output}")
    return {"output": str(arguments.output), "result": visit.to_json()}
