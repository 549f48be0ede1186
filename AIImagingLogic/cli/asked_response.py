"""The response to treatment that the arguments of a command ask for."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from AIImagingLogic.followup.criteria.criteria_table import criteria_table
from AIImagingLogic.followup.criteria.facts import FactsError, LesionState
from AIImagingLogic.followup.criteria.from_timeline import ReaderWords
from AIImagingLogic.followup.criteria.target_choice import TargetChoice
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.report.chosen_response import ChosenResponse, chosen_response

RESPONSE_FILE = "response.json"

_KEPT = "Targets and non-targets as a person chose them before."


def asked_response(
    timeline: Timeline, rules: str, arguments: argparse.Namespace, earlier: TargetChoice | None = None
) -> ChosenResponse:
    """Return the response with the targets that the user names, else as chosen before, else as the rule proposes.

    Parameters
    ----------
    arguments : of `add_response` or `add_criteria`
    earlier : a choice by a person for the same lesions; see `earlier_choice`

    Raises
    ------
    FactsError
        A lesion or visit that is named is not there, a lesion has two roles, or a fact that the criteria need is
        missing.
    """
    checked_options(rules, arguments.option)
    words, targets, non_targets = _words(timeline, arguments), arguments.targets, arguments.non_targets
    kept = targets is None and non_targets is None and earlier is not None
    if kept and earlier is not None:
        targets, non_targets = earlier.targets, earlier.non_targets
    response = chosen_response(timeline, rules, targets, non_targets, arguments.option, words)
    if not kept:
        return response
    choice = dataclasses.replace(response.choice, notes=(_KEPT, *response.choice.notes))
    return dataclasses.replace(response, choice=choice)


def checked_options(rules: str, options: list[str]) -> None:
    """Refuse options that the rules do not have.

    Raises
    ------
    FactsError
        There is no such option.
    """
    try:
        criteria_table(rules).checked_options(options)
    except ValueError as error:
        raise FactsError(str(error)) from error


def earlier_choice(result: Path) -> TargetChoice | None:
    """Return the choice of targets saved beside an earlier result, None where there is none by a person.

    Parameters
    ----------
    result : the result.json of a follow-up, or its folder

    Raises
    ------
    FactsError
        There is one, and it cannot be read.
    """
    file = (result if result.is_dir() else result.parent) / RESPONSE_FILE
    if not file.is_file():
        return None
    try:
        choice = ChosenResponse.from_json(json.loads(file.read_text(encoding="utf-8"))).choice
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FactsError(f"'{file}' cannot be read ({error}).", "Remove it, or name the targets.") from error
    return choice if choice.by_person else None


def _words(timeline: Timeline, arguments: argparse.Namespace) -> ReaderWords:
    known = {lesion.number for lesion in timeline.lesions}
    named = [*arguments.nodes, *(number for number, _ in (*arguments.organ, *arguments.progressed))]
    if strange := sorted(set(named) - known):
        raise FactsError(f"There is no lesion {strange[0]}.", "The numbers stand in the change table.")
    visits = len(timeline.visits)
    if late := [visit for _, visit in arguments.progressed if not 2 <= visit <= visits]:
        raise FactsError(f"No lesion can progress at visit {late[0]}.", f"Name a visit from 2 to {visits}.")
    return ReaderWords(
        organs=dict(arguments.organ),
        nodes=tuple(arguments.nodes),
        states={(number, visit - 1): LesionState.PROGRESSED for number, visit in arguments.progressed},
    )
