"""`aiimaging reading`: plan a reader study, check it, and merge what was read."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from AIImagingLogic.cli.reading_check import check
from AIImagingLogic.cli.reading_results import results
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.evaluation.reading_folder import STUDY_FILE, load_order, load_study, write_study_folder
from AIImagingLogic.evaluation.reading_manifest import read_manifest
from AIImagingLogic.evaluation.reading_order import reading_order
from AIImagingLogic.records.errors import OutputError
from AIImagingLogic.records.reading_study import ReadingOrder, ReadingStudy

_STATED = ("study", "seed", "readers", "modes", "design", "washout_days", "idle_seconds")


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Do the action that was asked for."""
    if arguments.action == "plan":
        return _plan(arguments, terminal)
    return check(arguments.study, terminal) if arguments.action == "check" else results(arguments, terminal)


def _plan(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    study = read_manifest(arguments.manifest, {name: getattr(arguments, name) for name in _STATED})
    _require_same_orders(study, arguments.output)
    orders = write_study_folder(study, arguments.manifest.parent, arguments.output)
    terminal.show(_table(study, orders))
    terminal.show(Text(f"Study: {arguments.output / STUDY_FILE}"))
    return {
        "study": str(arguments.output / STUDY_FILE),
        "orders": {order.reader: order.fingerprint for order in orders},
    }


def _require_same_orders(study: ReadingStudy, folder: Path) -> None:
    """Refuse to change an order that was planned before; readers may be added at the end."""
    file = folder / STUDY_FILE
    if not file.exists():
        if folder.exists() and any(folder.iterdir()):
            raise OutputError(f"'{folder}' holds something else than a reader study.", "Name another folder.")
        return
    earlier = load_study(file)
    for reader in earlier.readers:
        if reader not in study.readers or reading_order(study, reader) != load_order(file, earlier, reader):
            raise OutputError(
                f"'{folder}' holds a study in which the order of '{reader}' is another.",
                "Name another folder; readers may be added at the end, nothing else.",
            )


def _table(study: ReadingStudy, orders: tuple[ReadingOrder, ...]) -> Table:
    table = Table("Reader", "Session", "Cases", *(mode.value for mode in study.modes), "First", box=box.SIMPLE)
    for order in orders:
        for session in sorted({entry.session for entry in order.cases}):
            part = [entry for entry in order.cases if entry.session == session]
            counts = [str(sum(entry.mode is mode for entry in part)) for mode in study.modes]
            table.add_row(order.reader, str(session), str(len(part)), *counts, part[0].case)
    return table
