"""`aiimaging models run`: any model by the command for its task, so that results are those of that command."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from AIImagingLogic.cli.arguments import make_parser
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.models.catalogue import model_card, model_ids
from AIImagingLogic.models.package_task import model_task
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.records.errors import ModelError, WrongImageError

_COMMANDS = ("segment", "detect", "classify", "register")


def run_model(arguments: argparse.Namespace, terminal: Terminal, store: ModelStore) -> dict[str, Any]:
    """Run the model on the images; what is written and answered is that of `segment`, `detect`, `classify`, `register`.

    Raises
    ------
    ModelError
        There is no such model, its task is none of these, it takes another number of images, or an option is for
        another task.
    AIImagingError
        As that command.
    """
    task = model_task(arguments.model)
    if task not in _COMMANDS:
        raise ModelError(
            f"'{arguments.model}' is not run alone: its task is to {task}.",
            f"Those that are: to {', '.join(_COMMANDS)}.",
        )
    if arguments.explain and task != "classify":
        raise ModelError(f"--explain is for models that classify; '{arguments.model}' is to {task}.", "Leave it out.")
    # Read as that command's own line, so that what it defaults to is what it would be.
    as_typed = make_parser().parse_args(_line(task, arguments))
    answer: dict[str, Any] = import_module(f"AIImagingLogic.cli.{as_typed.command}").run(as_typed, terminal)
    return answer


def _line(task: str, arguments: argparse.Namespace) -> list[str]:
    """Return what a person would type for the command of a task."""
    model = arguments.model
    options = ["-k" if task == "register" else "-m", model, "-o", str(arguments.output)]
    if task == "register":
        _check_pair(arguments)
    elif task != "segment":
        _check_number(("image",), arguments.images, model)
    if arguments.series:
        options += ["--series", arguments.series]
    if arguments.overwrite and task != "segment":
        options.append("--overwrite")
    if arguments.explain:
        options += ["--explain", arguments.explain]
    return [task, *map(str, arguments.images), *options]


def _check_pair(arguments: argparse.Namespace) -> None:
    ready = model_ids("register")
    if arguments.model not in ready:
        raise ModelError(f"'{arguments.model}' cannot be run by this version.", f"Those that can: {', '.join(ready)}.")
    if arguments.series:
        raise WrongImageError(
            "--series chooses the series of one image, and several were given.", "Name the folder of each series."
        )
    _check_number(model_card(arguments.model).inputs, arguments.images, arguments.model)


def _check_number(inputs: Sequence[str], images: Sequence[Path], model: str) -> None:
    if len(images) != len(inputs):
        many = f"{len(inputs)} images" if len(inputs) > 1 else "1 image"
        raise ModelError(
            f"'{model}' needs {many}, and {len(images)} were given.", f"In this order: {', '.join(inputs)}."
        )
