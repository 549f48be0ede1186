"""What response criteria say of a patient at one visit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from AIImagingLogic.followup.criteria.criteria_table import CriteriaTable
from AIImagingLogic.records.json_form import Record

BASELINE = "baseline"


@dataclass(frozen=True)
class ResponseAssessment(Record):
    """The response at one visit, and the rows of the table that say so.

    Attributes
    ----------
    rules, source : name of the table and where it was read
    visit : 0 for the baseline
    category : such as ``PR``; ``baseline`` at the first visit
    row : id of the row that gave the category
    reason : one or two sentences with the figures
    next_step : what the criteria ask for, empty when nothing
    parts : of targets, non-targets and what else the table knows: part to ``category (row)``
    figures : name with its unit to number, such as ``sum_mm`` and ``change_from_nadir_percent``
    missing : what was not known and could matter
    options : options of the table that were switched on
    """

    rules: str
    source: str
    visit: int
    category: str
    row: str
    reason: str
    date: datetime | None = None
    next_step: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def best_response(assessments: Sequence[ResponseAssessment], table: CriteriaTable) -> ResponseAssessment | None:
    """Return the first visit with the best category that was given before progression, None when there is none.

    Responses are not asked to be confirmed at a later visit. Progression counts when nothing better came before it;
    for iRECIST a response after an unconfirmed progression counts too, and confirmed progression replaces it.
    """
    order = list(table.order)
    best: ResponseAssessment | None = None
    for assessment in assessments:
        if assessment.category == order[-1]:
            return assessment if best is None or best.category == table.unconfirmed else best
        if assessment.category in order and (
            best is None or order.index(assessment.category) < order.index(best.category)
        ):
            best = assessment
    return best
