"""The responses of many patients, read from what was saved of each: a folder a patient."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from AIImagingLogic.cohort.patient_response import CohortResponses, PatientResponse, SkippedPatient
from AIImagingLogic.cohort.saved_response import PROPOSED, SavedResponseError, saved_response
from AIImagingLogic.followup.criteria.criteria_table import CriteriaTable, criteria_table
from AIImagingLogic.followup.criteria.response import ResponseAssessment, best_response
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.report.response_section import change_from_baseline

_NOT_EVALUABLE = "NE"
_SECONDS_A_DAY = 86400.0


def read_responses(
    folder: Path, rules: str = "recist-1.1", anonymous: bool = False, progress: Progress | None = None
) -> CohortResponses:
    """Read the response to treatment of every patient.

    Parameters
    ----------
    folder : a folder a patient, each with a ``response.json`` (of `aiimaging followup --criteria` or `aiimaging
        criteria -o`), a ``criteria.json`` (what `aiimaging criteria --json` prints) or a ``result.json`` (of
        `aiimaging followup`, assessed here with the targets that the rule proposes); names that begin with a dot are
        passed over
    rules : id of the criteria; answers by others are skipped
    anonymous : patients are called ``P01``, ``P02``, ... in the order of their folders' names, skipped ones counted

    Returns
    -------
    CohortResponses
        Without dates. A folder that cannot be used stands in `skipped` with the reason.

    Raises
    ------
    SavedResponseError
        There is no such folder, or no folder in it.
    KeyError
        There are no such criteria.
    """
    table, progress = criteria_table(rules), progress or Progress()
    folders = patient_folders(folder)
    patients: list[PatientResponse] = []
    skipped: list[SkippedPatient] = []
    digits = max(2, len(str(len(folders))))
    for index, place in enumerate(folders):
        progress.report(index / len(folders), "Reading")
        label = f"P{index + 1:0{digits}}" if anonymous else place.name
        try:
            patients.append(_patient(place, label, rules, table))
        except SavedResponseError as error:
            skipped.append(SkippedPatient(label, str(error)))
    progress.report(1.0, "Reading")
    return CohortResponses(rules, table.name, table.source, tuple(patients), tuple(skipped))


def patient_folders(folder: Path) -> tuple[Path, ...]:
    """Return the patients' folders in the order of their names.

    Raises
    ------
    SavedResponseError
        There is no such folder, or no folder in it.
    """
    try:
        folders = sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    except OSError as error:
        raise SavedResponseError(f"'{folder}' is no folder that can be read.", "Name a folder of patients.") from error
    if not folders:
        raise SavedResponseError(f"'{folder}' holds no folder.", "Give each patient a folder in it.")
    return tuple(folders)


def _patient(folder: Path, label: str, rules: str, table: CriteriaTable) -> PatientResponse:
    try:
        assessments, choice = saved_response(folder, rules)
    except OSError as error:
        raise SavedResponseError(f"The folder cannot be read ({type(error).__name__}).") from error
    best = best_response(assessments, table)
    notes = [] if choice is None or choice.by_person else [PROPOSED]
    days = _days(assessments)
    if None in days:
        notes.append("A visit is undated: it is not in the spider plot.")
    return PatientResponse(
        patient=label,
        assessments=tuple(dataclasses.replace(one, date=None) for one in assessments),
        days=days,
        changes_percent=_changes_percent(assessments),
        best=_NOT_EVALUABLE if best is None else best.category,
        choice=choice,
        notes=tuple(notes),
    )


def _days(assessments: Sequence[ResponseAssessment]) -> tuple[float | None, ...]:
    """Return the days from the baseline.

    Raises
    ------
    SavedResponseError
        The dates go back.
    """
    # A date with a time zone and one without cannot be compared; here the day counts, not the hour.
    dates = [None if one.date is None else one.date.replace(tzinfo=None) for one in assessments]
    known = [date for date in dates if date is not None]
    if any(later < earlier for earlier, later in zip(known, known[1:])):
        raise SavedResponseError("The dates of the visits go back.")
    first = dates[0]
    return tuple(
        None if first is None or date is None else (date - first).total_seconds() / _SECONDS_A_DAY for date in dates
    )


def _changes_percent(assessments: Sequence[ResponseAssessment]) -> tuple[float | None, ...]:
    changes = []
    for one in assessments:
        change = change_from_baseline(one)
        if change is not None and not (math.isfinite(change) and change >= -100):
            raise SavedResponseError(f"A change of {change}% at visit {one.visit + 1} is not possible.")
        changes.append(change)
    return (None, *changes[1:])
