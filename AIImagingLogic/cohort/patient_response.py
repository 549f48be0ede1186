"""The responses of many patients, as plain records without dates or names."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.followup.criteria.response import ResponseAssessment
from AIImagingLogic.followup.criteria.target_choice import TargetChoice
from AIImagingLogic.records.json_form import Record


@dataclass(frozen=True)
class PatientResponse(Record):
    """The response of one patient at each visit.

    Attributes
    ----------
    patient : name of the patient's folder, or ``P01``, ``P02``, ...
    assessments : one a visit, the baseline first; their dates are left out
    days : from the baseline at each visit, None where a visit is undated
    changes_percent : of what the criteria compare (a sum of sizes, an uptake) against the baseline; None at the
        baseline and where it was not measured
    best : the best response before progression, see `best_response`; ``NE`` when no visit was evaluable
    choice : of targets and non-targets, None when it was not saved
    notes : what was left out, or assumed
    """

    patient: str
    assessments: tuple[ResponseAssessment, ...]
    days: tuple[float | None, ...]
    changes_percent: tuple[float | None, ...]
    best: str
    choice: TargetChoice | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SkippedPatient(Record):
    """A folder whose result could not be used, and why."""

    patient: str
    reason: str


@dataclass(frozen=True)
class CohortResponses(Record):
    """The responses of many patients by the same criteria.

    Attributes
    ----------
    rules : id of the criteria, such as ``recist-1.1``
    name, source : of their table
    patients : in the order of their labels
    skipped : those whose result could not be used
    """

    rules: str
    name: str
    source: str
    patients: tuple[PatientResponse, ...]
    skipped: tuple[SkippedPatient, ...] = ()
