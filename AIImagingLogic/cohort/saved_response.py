"""What a patient's folder says of the response to treatment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from AIImagingLogic.followup.criteria.criteria_table import criteria_table
from AIImagingLogic.followup.criteria.response import ResponseAssessment
from AIImagingLogic.followup.criteria.target_choice import TargetChoice
from AIImagingLogic.records.errors import AIImagingError
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.report.chosen_response import ChosenResponse, chosen_response

RESULT_FILES = ("response.json", "criteria.json", "result.json")
"""What is looked for, the most telling first: a saved response, the output of `criteria --json`, a follow-up."""

PROPOSED = "Targets as the rule proposes them; nobody confirmed them."


class SavedResponseError(AIImagingError):
    """A folder holds no response, or one that cannot be used."""

    exit_code = 3


def saved_response(folder: Path, rules: str) -> tuple[tuple[ResponseAssessment, ...], TargetChoice | None]:
    """Return the assessments that a patient's folder holds, and the choice of targets where it was saved.

    A follow-up without a saved response is assessed here, with the targets that the rule proposes.

    Parameters
    ----------
    folder : holds one of `RESULT_FILES`, else one of its folders does; of several kinds the most telling is taken
    rules : id of the criteria

    Raises
    ------
    SavedResponseError
        There is no result or more than one, it cannot be read, or it is by other criteria. The message names files
        without their folders.
    """
    file = _result_file(folder)
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        assessments, choice = _response_in(data, rules)
    except AIImagingError as error:
        raise SavedResponseError(f"{file.name}: {error.what}") from error
    except (OSError, RecursionError) as error:
        raise SavedResponseError(f"{file.name} cannot be read ({type(error).__name__}).") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SavedResponseError(f"{file.name} is damaged, or no result of this program ({error}).") from error
    _check(assessments, rules, file.name)
    return assessments, choice


def _result_file(folder: Path) -> Path:
    inside = sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    for places in ([folder], inside):
        for name in RESULT_FILES:
            found = [place / name for place in places if (place / name).is_file()]
            if len(found) > 1:
                raise SavedResponseError(f"It holds {len(found)} results ({name}); one is needed.")
            if found:
                return found[0]
    raise SavedResponseError(f"It holds none of {', '.join(RESULT_FILES)}.")


def _response_in(data: Any, rules: str) -> tuple[tuple[ResponseAssessment, ...], TargetChoice | None]:
    kind = data.get("record")
    if kind == ChosenResponse.__name__:
        response = ChosenResponse.from_json(data)
        return response.assessments, response.choice
    if kind == Timeline.__name__:
        response = chosen_response(Timeline.from_json(data), rules)
        return response.assessments, response.choice
    if kind is None and isinstance(data.get("visits"), list):
        choice = data.get("choice")
        answers = tuple(ResponseAssessment.from_json(visit) for visit in data["visits"])
        return answers, None if choice is None else TargetChoice.from_json(choice)
    raise ValueError("no follow-up and no response" if kind is None else f"a {kind}")


def _check(assessments: Sequence[ResponseAssessment], rules: str, name: str) -> None:
    if len(assessments) < 2:
        raise SavedResponseError(f"{name} holds {len(assessments)} visit: there is nothing to compare.")
    if [one.visit for one in assessments] != list(range(len(assessments))):
        raise SavedResponseError(f"{name} does not hold the visits in their order.")
    wanted = criteria_table(rules).name
    if others := sorted({one.rules for one in assessments} - {wanted}):
        raise SavedResponseError(f"{name} is by {', '.join(others)}, not by {wanted}.")
