"""`aiimaging criteria`: response criteria on a saved follow-up, or on typed sizes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.text import Text

from AIImagingLogic.cli.asked_response import RESPONSE_FILE, asked_response, checked_options, earlier_choice
from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.followup.criteria.assess import assess_response
from AIImagingLogic.followup.criteria.criteria_table import criteria_table
from AIImagingLogic.followup.criteria.facts import FactsError
from AIImagingLogic.followup.criteria.facts_file import read_facts
from AIImagingLogic.followup.criteria.response import best_response
from AIImagingLogic.followup.criteria.target_choice import TargetChoice
from AIImagingLogic.records.errors import UnreadableImageError
from AIImagingLogic.records.json_form import load_record, save_record
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.report.chosen_response import ChosenResponse
from AIImagingLogic.report.html import write_report
from AIImagingLogic.report.response_text import response_summary
from AIImagingLogic.report.workbook import required_openpyxl, write_workbook


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Show the response at each visit, and the best; with --output write it, of a follow-up with a report."""
    table = criteria_table(arguments.rules)
    checked_options(arguments.rules, arguments.option)
    result = _result_file(arguments.facts)
    timeline = None if result is None else _timeline(result, with_images=arguments.output is not None)
    if timeline is None or result is None:
        response = _of_facts(arguments)
    else:
        response = asked_response(timeline, arguments.rules, arguments, earlier_choice(result))
    files = [] if arguments.output is None else _write(timeline, response, arguments)
    terminal.show(*response_summary(response.assessments, table, None if timeline is None else response.choice))
    if files:
        terminal.show(f"Results: {arguments.output}")
    terminal.show(Text("Research use; not a medical device.", style="dim"))
    best = best_response(response.assessments, table)
    return {
        "rules": table.name,
        "best": None if best is None else {"visit": best.visit, "category": best.category},
        "visits": [answer.to_json() for answer in response.assessments],
        "choice": response.choice.to_json(),
        "files": files,
    }


def _of_facts(arguments: argparse.Namespace) -> ChosenResponse:
    words = (arguments.nodes, arguments.organ, arguments.progressed)
    if arguments.targets is not None or arguments.non_targets is not None or any(words):
        raise FactsError(
            f"'{arguments.facts.name}' names targets, organs and states itself.",
            "Options that name lesions are for the result of a follow-up.",
        )
    visits = read_facts(arguments.facts)
    answers = assess_response(visits, arguments.rules, arguments.option)
    targets, non_targets = (
        tuple(sorted(one.number for one in lesions)) for lesions in (visits[0].targets, visits[0].non_targets)
    )
    return ChosenResponse(TargetChoice(targets, non_targets, by_person=True), answers)


def _result_file(path: Path) -> Path | None:
    """Return the result.json of a follow-up, None when `path` is a file of another kind."""
    if path.is_dir():
        return path / "result.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8")) if path.suffix.lower() == ".json" else None
    except (OSError, ValueError, RecursionError):
        # What is wrong with the file is told with its place when the facts are read.
        return None
    return path if isinstance(data, dict) and data.get("record") == Timeline.__name__ else None


def _timeline(file: Path, with_images: bool) -> Timeline:
    try:
        if with_images:
            return load_record(Timeline, file)
        return Timeline.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        words = str(error).strip().splitlines() or [type(error).__name__]
        raise UnreadableImageError(
            f"'{file}' is no whole result of a follow-up ({words[-1].strip()}).",
            "Name the output folder of a follow-up, with all that is in it.",
        ) from error


def _write(timeline: Timeline | None, response: ChosenResponse, arguments: argparse.Namespace) -> list[str]:
    if arguments.xlsx:
        required_openpyxl()
    with whole_folder(arguments.output, arguments.overwrite, RESPONSE_FILE) as folder:
        save_record(response, folder / RESPONSE_FILE)
        if timeline is not None:
            write_report(timeline, (), folder, folder / "report.html", arguments.language, response)
            if arguments.xlsx:
                write_workbook(timeline, folder / "report.xlsx", arguments.language, response)
        return sorted(path.name for path in folder.iterdir())
