"""`aiimaging cohort responses`: the response to treatment of many patients."""

from __future__ import annotations

import argparse
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.cohort.patient_response import CohortResponses
from AIImagingLogic.cohort.response_files import best_changes, write_responses
from AIImagingLogic.cohort.responses import read_responses
from AIImagingLogic.cohort.saved_response import SavedResponseError
from AIImagingLogic.report.number_format import percent_change


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Read every patient's result and fill the output folder; what could not be used is told."""
    with whole_folder(arguments.output, arguments.overwrite) as folder:
        with terminal.progress() as progress:
            cohort = read_responses(arguments.folder, arguments.rules, arguments.anonymous, progress)
        for one in cohort.skipped:
            terminal.warn(f"Skipped '{one.patient}': {one.reason}")
        if not cohort.patients:
            raise SavedResponseError(
                f"No patient in '{arguments.folder}' could be used.", "See the warnings above for the reasons."
            )
        for warning in write_responses(cohort, folder, arguments.language):
            terminal.warn(warning)
        files = sorted(path.name for path in folder.iterdir())
    terminal.show(_table(cohort), _summary(cohort), Text(f"Source: {cohort.source}"), f"Results: {arguments.output}")
    terminal.show(Text("Research use; not a medical device.", style="dim"))
    return {"output": str(arguments.output), "files": files, "result": cohort.to_json()}


def _table(cohort: CohortResponses) -> Table:
    table = Table("Patient", "Visits", "Best", "Best change", "Responses", box=box.SIMPLE, title=cohort.name)
    changes = {bar.patient: bar.percent for bar in best_changes(cohort)}
    for one in cohort.patients:
        course = " ".join(answer.category for answer in one.assessments[1:])
        change = percent_change(changes.get(one.patient))
        table.add_row(Text(one.patient), str(len(one.assessments)), one.best, change, course)
    return table


def _summary(cohort: CohortResponses) -> Text:
    bests = [one.best for one in cohort.patients]
    counts = ", ".join(f"{bests.count(best)} {best}" for best in dict.fromkeys(sorted(bests)))
    skipped = f"; {len(cohort.skipped)} skipped" if cohort.skipped else ""
    return Text(f"Best responses of {len(bests)} patients: {counts}{skipped}.")
