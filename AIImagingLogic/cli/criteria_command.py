"""`aiimaging criteria`: response criteria on typed or measured sizes."""

from __future__ import annotations

import argparse
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.followup.criteria.assess import assess_response
from AIImagingLogic.followup.criteria.criteria_table import criteria_table
from AIImagingLogic.followup.criteria.facts import FactsError
from AIImagingLogic.followup.criteria.facts_file import read_facts
from AIImagingLogic.followup.criteria.response import best_response


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Show the response at each visit, and the best."""
    table = criteria_table(arguments.rules)
    try:
        table.checked_options(arguments.option)
    except ValueError as error:
        raise FactsError(str(error)) from error
    answers = assess_response(read_facts(arguments.facts), arguments.rules, arguments.option)
    best = best_response(answers, table)
    rows = Table("Visit", "Date", "Response", "Row", "Why", box=box.SIMPLE, title=table.name)
    for answer in answers:
        date = "" if answer.date is None else f"{answer.date:%Y-%m-%d}"
        rows.add_row(str(answer.visit + 1), date, answer.category, answer.row, Text(answer.reason))
    missing = [Text(f"Visit {one.visit + 1}, not known: {text}.") for one in answers for text in one.missing]
    summary = "No visit after baseline was evaluable."
    if best is not None:
        summary = f"Best response: {best.category} (visit {best.visit + 1}), not asked to be confirmed."
    terminal.show(rows, *missing, Text(summary), Text(f"Source: {table.source}"))
    terminal.show(Text("Research use; not a medical device.", style="dim"))
    return {
        "rules": table.name,
        "best": None if best is None else {"visit": best.visit, "category": best.category},
        "visits": [answer.to_json() for answer in answers],
    }
