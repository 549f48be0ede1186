"""iRECIST: progression that must be confirmed, read from Resources/rules/irecist.json."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from AIImagingLogic.followup.criteria.criteria_table import criteria_table
from AIImagingLogic.followup.criteria.facts import VisitFacts, checked_visits, days_between
from AIImagingLogic.followup.criteria.new_lesions import AcceptedNew, CalledNew, accepted_new, called_new
from AIImagingLogic.followup.criteria.recist import (
    RecistParts,
    assess_recist,
    missing_of,
    part_words,
    parts_of,
    reason_of,
    sums_of,
)
from AIImagingLogic.followup.criteria.response import ResponseAssessment
from AIImagingLogic.followup.criteria.target_sums import TargetSum
from AIImagingLogic.followup.rule_table import Row, Values

_TARGET_ORDER = ("CR", "PR", "SD", "PD")
_NOT_PROGRESSION = ("iCR", "iPR", "iSD", "non-iCR/non-iUPD", "NED")


@dataclass(frozen=True)
class _Unconfirmed:
    """The visit at which progression was called and is not confirmed yet."""

    visit: VisitFacts
    total: TargetSum
    parts: RecistParts
    new: CalledNew


@dataclass(frozen=True)
class _Course:
    """What earlier visits leave behind."""

    unconfirmed: _Unconfirmed | None = None
    confirmed: bool = False
    had_response: bool = False
    accepted: AcceptedNew | None = None


def assess_irecist(visits: Sequence[VisitFacts], options: Collection[str] = ()) -> tuple[ResponseAssessment, ...]:
    """Assess every visit by iRECIST.

    Parameters
    ----------
    visits : in order of time; the first is the baseline. A new lesion is named at every visit that shows it.
    options : of the table; it has none

    Raises
    ------
    FactsError
        The facts contradict each other, or a target has no diameter at baseline.

    References
    ----------
    Seymour L, et al. Lancet Oncol 2017;18:e143-e152.
    """
    table = criteria_table("irecist")
    chosen = table.checked_options(options)
    checked = checked_visits(visits)
    sums = sums_of(checked)
    baseline = assess_recist(checked[:1])[0]
    answers = [replace(baseline, rules=table.name, source=table.source, options=chosen)]
    course = _Course()
    for index in range(1, len(checked)):
        visit, total = checked[index], sums[index]
        counts_as_new = _counts_as_new(visit, course)
        parts = parts_of(visit, total, counts_as_new, course.had_response)
        facts, missing = _facts(visit, total, parts, course, counts_as_new)
        row = table.decide("overall", facts)
        answers.append(
            ResponseAssessment(
                rules=table.name,
                source=table.source,
                visit=index,
                category=row.category,
                row=row.id,
                reason=reason_of(visit, total, parts, row.text),
                date=visit.date,
                next_step=row.next_step,
                parts={**part_words(parts), "RECIST 1.1": f"{parts.overall.category} ({parts.overall.id})"},
                figures=total.figures | _new_figures(facts),
                missing=(*missing_of(visit, total), *missing),
                options=chosen,
            )
        )
        course = _next_course(course, visit, total, parts, row)
    return tuple(answers)


def _counts_as_new(visit: VisitFacts, course: _Course) -> bool:
    if course.accepted is None:
        return bool(visit.new_seen)
    values = criteria_table("irecist").values
    return course.accepted.is_exceeded(visit, values["new_rise_percent"], values["new_rise_mm"])


def _facts(
    visit: VisitFacts, total: TargetSum, parts: RecistParts, course: _Course, new: bool
) -> tuple[Values, list[str]]:
    facts: dict[str, object] = {
        "confirmed_before": "yes" if course.confirmed else "no",
        "unconfirmed": "yes" if course.unconfirmed else "no",
        "recist": parts.overall.category,
        "target": parts.target.category,
        "non_target": parts.non_target.category,
        "reappeared": "yes" if parts.overall.id == "pd-reappeared" else "no",
    }
    then = course.unconfirmed
    if then is None or course.confirmed:
        return facts, []
    days = days_between(then.visit, visit)
    values = criteria_table("irecist").values
    missing = []
    if days is None:
        missing.append("the interval since the unconfirmed progression (dates): 4 weeks were not checked")
    elif days > values["confirm_to_days"] and parts.overall.category == "PD":
        missing.append("an image within 8 weeks of the unconfirmed progression")
    further = None if total.unmeasured else float(total.total_mm - then.total.total_mm)
    more, further_new, grew = then.new.compared(visit)
    if further_new is None and then.new.measured and visit.new_seen:
        missing.append("the size of new lesions at this visit")
    now_only = [
        parts.target.category == "PD" and then.parts.target.category != "PD",
        parts.non_target.category == "PD" and then.parts.non_target.category != "PD",
        new and not then.new.numbers,
    ]
    facts |= {
        "too_early": "yes" if days is not None and days < values["confirm_from_days"] else "no",
        "target_then": then.parts.target.category,
        "target_further_mm": None if then.total.unmeasured else further,
        "target_better": "yes" if _is_better(parts.target, then.parts.target) else "no",
        "non_target_then": then.parts.non_target.category,
        "non_target_grew": "yes" if any(lesion.increased for lesion in visit.non_targets) else "no",
        "new_then": "yes" if then.new.numbers else "no",
        "more_new": more,
        "new_further_mm": further_new,
        "new_grew": "yes" if grew else "no",
        "new_worse": "yes" if more or grew or (further_new or 0) >= values["new_rise_mm"] else "no",
        "other_kind": "yes" if any(now_only) else "no",
    }
    return facts, missing


def _is_better(now: Row, then: Row) -> bool:
    known = now.category in _TARGET_ORDER and then.category in _TARGET_ORDER
    return known and _TARGET_ORDER.index(now.category) < _TARGET_ORDER.index(then.category)


def _new_figures(facts: Values) -> dict[str, float]:
    names = {"target_further_mm": "change_since_iupd_mm", "new_further_mm": "new_change_since_iupd_mm"}
    return {label: float(facts[name]) for name, label in names.items() if facts.get(name) is not None}


def _next_course(course: _Course, visit: VisitFacts, total: TargetSum, parts: RecistParts, row: Row) -> _Course:
    had_response = course.had_response or parts.overall.category == "CR"
    if row.category == "iCPD":
        return replace(course, confirmed=True, had_response=had_response)
    if row.category == "iUPD":
        new = called_new(visit, course.accepted)
        unconfirmed = course.unconfirmed or _Unconfirmed(visit, total, parts, new)
        return replace(course, unconfirmed=unconfirmed, had_response=had_response)
    if row.category in _NOT_PROGRESSION:
        accepted = accepted_new(visit, course.accepted)
        return _Course(confirmed=course.confirmed, had_response=had_response, accepted=accepted)
    return replace(course, had_response=had_response)
