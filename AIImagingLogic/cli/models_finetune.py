"""`aiimaging models corrections` and `aiimaging models finetune`: cases of one's own, and networks adapted on them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from AIImagingLogic.cli.named_model import named_model
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.cli.worker_tasks import WorkerTasks
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.segmentation_file import read_segmentation
from AIImagingLogic.models.finetune.corrected_case import CorrectedCase
from AIImagingLogic.models.finetune.corrected_cases import CorrectedCases
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.records.errors import ModelError


def run_corrections(arguments: argparse.Namespace, terminal: Terminal, store: ModelStore) -> dict[str, Any]:
    """Switch collecting on or off, add a corrected case, remove some, or list them."""
    cases = CorrectedCases(arguments.dataset)
    if arguments.do == "on":
        cases.switch_on()
    elif arguments.do == "off":
        cases.switch_off()
    elif arguments.do == "add":
        _add(cases, arguments)
    elif arguments.do == "remove":
        if not arguments.items:
            raise ModelError("No case was named to remove.", "List them first; name their ids.")
        for case in arguments.items:
            cases.remove(case)
    found = cases.cases()
    if found:
        terminal.show(_table(found))
    state = "collected" if cases.collecting else "not collected"
    terminal.show(Text(f"{len(found)} corrected cases; new ones are {state} in {cases.folder}"))
    return {
        "folder": str(cases.folder),
        "collecting": cases.collecting,
        "sha256": cases.sha256,
        "cases": [case.to_json() for case in found],
    }


def run_finetune(arguments: argparse.Namespace, terminal: Terminal, store: ModelStore) -> dict[str, Any]:
    """Adapt a network in a worker process and show its figures on held-out cases, before and after."""
    inputs = {
        "model": named_model(arguments.model),
        "dataset": str(arguments.dataset.absolute()),
        "output": str(arguments.output.absolute()),
        "seed": arguments.seed,
        "rounds": arguments.rounds,
        "learning_rate": arguments.learning_rate,
        "minutes": arguments.minutes,
    }
    with WorkerTasks() as tasks, terminal.progress() as progress:
        result = tasks.run("finetune:finetune", inputs, progress)
    for note in result.provenance.notes:
        terminal.warn(note)
    table = Table("Held-out case", "Dice before", "Dice after")
    for case in result.held_out:
        table.add_row(case.id, f"{case.dice_before:.3f}", f"{case.dice_after:.3f}")
    table.add_row("mean", f"{result.dice_before:.3f}", f"{result.dice_after:.3f}")
    terminal.show(table, Text(f"{result.model.model_id}: {result.package}, after {result.minutes:.1f} minutes"))
    return {"result": result.to_json()}


def _add(cases: CorrectedCases, arguments: argparse.Namespace) -> None:
    if arguments.corrected is None or not arguments.items:
        raise ModelError("A case needs its image and --corrected.", "aiimaging models corrections add FOLDER IMAGE …")
    read = [read_image(path) for path in map(Path, arguments.items)]
    corrected = read_segmentation(arguments.corrected)
    proposal, model = None, None
    if arguments.proposal is not None:
        proposed = read_segmentation(arguments.proposal)
        proposal = proposed.image
        model = next(iter(proposed.provenance.models), None) if proposed.provenance else None
    cases.add([image for image, _ in read], corrected, proposal, model, read[0][1].modality)


def _table(cases: tuple[CorrectedCase, ...]) -> Table:
    table = Table("Case", "Labels", "Model", "Dice of its proposal")
    for case in cases:
        labels = ", ".join(label.name for label in case.segments)
        dice = "" if case.proposal_dice is None else f"{case.proposal_dice:.3f}"
        table.add_row(case.id, labels, case.model.model_id if case.model else "", dice)
    return table
