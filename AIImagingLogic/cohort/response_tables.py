"""The responses of many patients as tables: a row a visit, and a row a patient."""

from __future__ import annotations

from pathlib import Path

from AIImagingLogic.cohort.patient_response import CohortResponses, PatientResponse
from AIImagingLogic.followup.criteria.criteria_table import criteria_table
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.report.csv_tables import Row, write_table

_CHANGE = "change_from_baseline_percent"
_FIRST = ("patient", "visit", "days", "response", "row", _CHANGE)
_LAST = ("reason", "next_step", "not_known", "targets", "non_targets", "targets_chosen_by")
_OF_PATIENT = (
    *("patient", "visits", "days", "best_response", "best_change_percent", "last_response", "progression_days"),
    *("notes", "skipped"),
)


def write_visits_csv(cohort: CohortResponses, path: Path) -> None:
    """Write the response of each patient at each visit: days from the baseline, change in percent, figures, why.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    same = set(load_resource("report/response_plots.json")["change_figures"])
    figures = dict.fromkeys(
        name for patient in cohort.patients for one in patient.assessments for name in one.figures if name not in same
    )
    rows = (row for patient in cohort.patients for row in _visit_rows(patient, tuple(figures)))
    write_table(path, (*_FIRST, *figures, *_LAST), rows)


def write_patients_csv(cohort: CohortResponses, path: Path) -> None:
    """Write a row a patient, with best response and best change before progression; the skipped ones with the reason.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    worst = criteria_table(cohort.rules).order[-1]
    rows = [_patient_row(patient, worst) for patient in cohort.patients]
    rows += [{"patient": one.patient, "skipped": one.reason} for one in cohort.skipped]
    write_table(path, _OF_PATIENT, rows)


def changes_before_progression(patient: PatientResponse, worst: str) -> tuple[float | None, ...]:
    """Return the changes after the baseline up to the first visit with the response `worst`, that one included."""
    categories = [one.category for one in patient.assessments]
    end = categories.index(worst) + 1 if worst in categories else len(categories)
    return patient.changes_percent[1:end]


def _visit_rows(patient: PatientResponse, figures: tuple[str, ...]) -> list[Row]:
    choice = patient.choice
    chosen: Row = {}
    if choice is not None:
        chosen = {
            "targets": " ".join(map(str, choice.targets)),
            "non_targets": " ".join(map(str, choice.non_targets)),
            "targets_chosen_by": "person" if choice.by_person else "rule",
        }
    return [
        {
            "patient": patient.patient,
            "visit": one.visit + 1,
            "days": days,
            "response": one.category,
            "row": one.row,
            _CHANGE: change,
            **{name: one.figures.get(name) for name in figures},
            "reason": one.reason,
            "next_step": one.next_step,
            "not_known": "; ".join(one.missing),
            **chosen,
        }
        for one, days, change in zip(patient.assessments, patient.days, patient.changes_percent, strict=True)
    ]


def _patient_row(patient: PatientResponse, worst: str) -> Row:
    known = [change for change in changes_before_progression(patient, worst) if change is not None]
    progressed = [days for one, days in zip(patient.assessments, patient.days) if one.category == worst]
    return {
        "patient": patient.patient,
        "visits": len(patient.assessments),
        "days": patient.days[-1],
        "best_response": patient.best,
        "best_change_percent": min(known, default=None),
        "last_response": patient.assessments[-1].category,
        "progression_days": progressed[0] if progressed else None,
        "notes": " ".join(patient.notes),
    }
