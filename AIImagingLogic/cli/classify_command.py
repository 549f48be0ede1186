"""`aiimaging classify`: tell which classes an image shows, and where."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import Any

from AIImagingLogic.cli.named_model import named_model
from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.cli.worker_tasks import WorkerTasks, image_input
from AIImagingLogic.images.picture_file import is_picture, read_picture
from AIImagingLogic.images.read import read_image
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.json_form import save_record
from AIImagingLogic.report.classification_tables import probabilities_table, write_probabilities_csv


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Show the probabilities; with an output folder write the record with its heat map, and probabilities.csv."""
    with _folder(arguments) as folder:
        with WorkerTasks() as tasks, terminal.progress() as progress:
            image, info = _read(arguments.image, arguments.series)
            inputs = {
                "image": image_input(image, info),
                "model": named_model(arguments.model),
                "explain": arguments.explain,
                # A map that nobody keeps need not be made.
                "heat_map": folder is not None,
            }
            result = tasks.run("classify:classify", inputs, progress)
        if folder is not None:
            save_record(result, folder / "result.json")
            write_probabilities_csv(result, folder / "probabilities.csv")
    said = (f"Results: {arguments.output}",) if arguments.output else ()
    terminal.show(probabilities_table(result), *said)
    for note in result.provenance.notes if result.provenance else ():
        terminal.warn(note)
    return {"output": str(arguments.output) if arguments.output else None, "result": result.to_json()}


def _folder(arguments: argparse.Namespace) -> contextlib.AbstractContextManager[Path | None]:
    if arguments.output is None:
        return contextlib.nullcontext()
    return whole_folder(arguments.output, arguments.overwrite)


def _read(path: Path, series: str | None) -> Any:
    if not is_picture(path):
        return read_image(path, series)
    if series:
        raise WrongImageError(f"'{path.name}' is one picture.", "Leave the series out.")
    return read_picture(path)
