"""`aiimaging followup`: follow lung nodules from one chest CT to a later one."""

from __future__ import annotations

import argparse
import dataclasses
from datetime import datetime
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.cli.follow_up_output import write_follow_up
from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.cli.worker_tasks import WorkerTasks, image_input
from AIImagingLogic.images.read import read_image
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.report.text import follow_up_summary
from AIImagingLogic.tasks.follow_up import check_pair


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Run the follow-up and fill the output folder."""
    with whole_folder(arguments.output, arguments.overwrite) as folder:
        with WorkerTasks() as tasks, terminal.progress() as progress:
            with progress.stage("Reading", 0.0, 0.05) as part:
                baseline, baseline_info = _read(arguments.baseline, arguments.baseline_series, arguments.baseline_date)
                part.report(0.5, "Reading")
                followup, followup_info = _read(arguments.followup, arguments.followup_series, arguments.followup_date)
            check_pair(baseline_info, followup_info)
            inputs = {
                "baseline": image_input(baseline, baseline_info),
                "followup": image_input(followup, followup_info),
            }
            timeline = tasks.run("follow_up:follow_up", inputs, progress.part(0.05, 0.8))
            tasks.close()
            images = (baseline, followup)
            with_scene, with_pictures = not arguments.no_scene, not arguments.no_pictures
            output = write_follow_up(timeline, images, folder, with_scene, with_pictures, progress.part(0.8, 1.0))
        for warning in output.warnings:
            terminal.warn(warning)
    terminal.show(
        *follow_up_summary(timeline), f"Results: {arguments.output} (open report.html, or scene.mrb in Slicer)"
    )
    return {"output": str(arguments.output), "files": output.files, "result": timeline.to_json()}


def _read(path: Path, series_uid: str | None, acquired: datetime | None) -> tuple[sitk.Image, ImageInfo]:
    image, info = read_image(path, series_uid)
    return image, info if acquired is None else dataclasses.replace(info, acquired=acquired)
