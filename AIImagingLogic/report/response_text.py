"""The response to treatment as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from AIImagingLogic.followup.criteria.criteria_table import CriteriaTable
from AIImagingLogic.followup.criteria.response import ResponseAssessment, best_response
from AIImagingLogic.followup.criteria.target_choice import TargetChoice


def response_summary(
    answers: Sequence[ResponseAssessment], table: CriteriaTable, choice: TargetChoice | None = None
) -> tuple[RenderableType, ...]:
    """Return a table of the visits, what was not known, and the best response.

    Parameters
    ----------
    answers : one a visit
    table : that gave them
    choice : of targets, shown when given
    """
    rows = Table("Visit", "Date", "Response", "Row", "Why", box=box.SIMPLE, title=table.name)
    for answer in answers:
        date = "" if answer.date is None else f"{answer.date:%Y-%m-%d}"
        rows.add_row(str(answer.visit + 1), date, answer.category, answer.row, Text(answer.reason))
    missing = [Text(f"Visit {one.visit + 1}, not known: {text}.") for one in answers for text in one.missing]
    best = best_response(answers, table)
    summary = "No visit after baseline was evaluable."
    if best is not None:
        summary = f"Best response: {best.category} (visit {best.visit + 1}), not asked to be confirmed."
    chosen = () if choice is None else _choice_lines(choice)
    return (*chosen, rows, *missing, Text(summary), Text(f"Source: {table.source}"))


def _choice_lines(choice: TargetChoice) -> tuple[Text, ...]:
    by = "chosen by a person" if choice.by_person else "proposed by the rule, to be confirmed"
    targets, non_targets = (", ".join(map(str, numbers)) or "none" for numbers in (choice.targets, choice.non_targets))
    return (
        Text(f"Targets: {targets}; non-targets: {non_targets} ({by})."),
        *(Text(f"Note: {note}") for note in choice.notes),
    )
