"""`aiimaging register`: bring one image onto another."""

from __future__ import annotations

import argparse
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.cli.worker_tasks import WorkerTasks, image_input
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.resample import resample_like
from AIImagingLogic.images.write import write_image
from AIImagingLogic.records.json_form import save_record
from AIImagingLogic.report.text import registration_line
from AIImagingLogic.tasks.follow_up import lungs_of


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Write result.json, the transform and the moving image on the fixed grid into the output folder."""
    with whole_folder(arguments.output, arguments.overwrite) as folder:
        with WorkerTasks() as tasks, terminal.progress() as progress:
            fixed, fixed_info = read_image(arguments.fixed, arguments.fixed_series)
            moving, moving_info = read_image(arguments.moving, arguments.moving_series)
            inputs: dict[str, Any] = {"kind": arguments.kind, "preset": arguments.preset}
            for name, image, info, start in (("fixed", fixed, fixed_info, 0.0), ("moving", moving, moving_info, 0.15)):
                inputs[name] = image_input(image, info)
                if arguments.within == "lungs":
                    lungs = {"image": inputs[name], "model_id": "ct-lungs"}
                    organs = tasks.run("segment:segment", lungs, progress.part(start, start + 0.15))
                    mask = lungs_of(organs)
                    inputs[f"{name}_mask"] = None if mask is None else image_input(mask)
            registration = tasks.run("register:register_images", inputs, progress.part(0.3, 1.0))
        save_record(registration, folder / "result.json")
        sitk.WriteTransform(registration.transform, str(folder / "registration.h5"))
        write_image(resample_like(moving, fixed, registration.transform), folder / "moving_on_fixed.nrrd")
    terminal.show(registration_line(registration), f"Results: {arguments.output}")
    return {"output": str(arguments.output), "result": registration.to_json()}
