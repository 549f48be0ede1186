"""RECIST 1.1: the response at each visit, read from Resources/rules/recist_1_1.json."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from AIImagingLogic.followup.criteria.criteria_table import CriteriaTable, criteria_table
from AIImagingLogic.followup.criteria.facts import LesionState, VisitFacts, checked_visits
from AIImagingLogic.followup.criteria.reasons import capitalised, list_words, sum_words
from AIImagingLogic.followup.criteria.response import BASELINE, ResponseAssessment
from AIImagingLogic.followup.criteria.target_sums import TargetSum, is_gone, target_sums
from AIImagingLogic.followup.rule_table import Row


@dataclass(frozen=True)
class RecistParts:
    """The rows that decide at one visit: of targets, of non-targets and of both with new lesions."""

    target: Row
    non_target: Row
    overall: Row


def assess_recist(visits: Sequence[VisitFacts], options: Collection[str] = ()) -> tuple[ResponseAssessment, ...]:
    """Assess every visit by RECIST 1.1.

    Parameters
    ----------
    visits : in order of time; the first is the baseline
    options : of the table; it has none

    Returns
    -------
    tuple
        One assessment a visit; the baseline's category is ``baseline``.

    Raises
    ------
    FactsError
        The facts contradict each other, or a target has no diameter at baseline.

    References
    ----------
    Eisenhauer EA, et al. Eur J Cancer 2009;45:228-247.
    """
    table = criteria_table("recist-1.1")
    chosen = table.checked_options(options)
    checked = checked_visits(visits)
    sums = sums_of(checked)
    answers = [_baseline(table, checked[0], sums[0], chosen)]
    had_response = False
    for index in range(1, len(checked)):
        visit, total = checked[index], sums[index]
        parts = parts_of(visit, total, bool(visit.new_seen), had_response)
        had_response = had_response or parts.overall.category == "CR"
        answers.append(
            ResponseAssessment(
                rules=table.name,
                source=table.source,
                visit=index,
                category=parts.overall.category,
                row=parts.overall.id,
                reason=reason_of(visit, total, parts, parts.overall.text),
                date=visit.date,
                parts=part_words(parts),
                figures=total.figures,
                missing=missing_of(visit, total),
                options=chosen,
            )
        )
    return tuple(answers)


def sums_of(visits: Sequence[VisitFacts]) -> tuple[TargetSum, ...]:
    """Return the sum of the targets at each visit by RECIST 1.1; `visits` as from `checked_visits`."""
    values = criteria_table("recist-1.1").values
    return target_sums(visits, values["too_small_mm"], values["normal_node_mm"])


def parts_of(visit: VisitFacts, total: TargetSum, new: bool, had_response: bool) -> RecistParts:
    """Return the rows that decide at a visit after baseline.

    Parameters
    ----------
    total : of the visit's targets
    new : whether there is a new lesion
    had_response : whether an earlier visit was a complete response
    """
    target, non_target = target_response(visit, total), non_target_response(visit)
    seen_again = target.category in ("PR", "SD") or non_target.category == "non-CR/non-PD"
    overall = overall_response(target.category, non_target.category, new, had_response and seen_again)
    return RecistParts(target, non_target, overall)


def target_response(visit: VisitFacts, total: TargetSum) -> Row:
    """Return the row of the targets' response."""
    facts = {
        "targets": "yes" if visit.targets else "no",
        "measured": "some" if total.unmeasured else "all",
        "gone": "all" if total.all_gone else "some",
        "rise_percent": total.rise_percent,
        "rise_mm": total.rise_mm,
        "fall_percent": total.fall_percent,
    }
    return criteria_table("recist-1.1").decide("target", facts)


def non_target_response(visit: VisitFacts) -> Row:
    """Return the row of the non-targets' response."""
    table = criteria_table("recist-1.1")
    states = [lesion.state for lesion in visit.non_targets]
    normal = table.values["normal_node_mm"]
    facts = {
        "non_targets": "yes" if visit.non_targets else "no",
        "progressed": "yes" if LesionState.PROGRESSED in states else "no",
        "evaluated": "some" if LesionState.NOT_EVALUATED in states else "all",
        "gone": "all" if all(is_gone(lesion, normal) for lesion in visit.non_targets) else "some",
        "markers": "above normal" if visit.markers_above_normal else "not above normal",
    }
    return table.decide("non_target", facts)


def overall_response(target: str, non_target: str, new: bool, reappeared: bool = False) -> Row:
    """Return the row of the overall response.

    Parameters
    ----------
    target : ``CR``, ``PR``, ``SD``, ``PD``, ``NE`` or ``none``
    non_target : ``CR``, ``non-CR/non-PD``, ``PD``, ``NE`` or ``none``
    new : whether there is a new lesion
    reappeared : whether a lesion is seen again after a complete response
    """
    facts = {
        "target": target,
        "non_target": non_target,
        "new": "yes" if new else "no",
        "reappeared": "yes" if reappeared else "no",
    }
    return criteria_table("recist-1.1").decide("overall", facts)


def part_words(parts: RecistParts) -> dict[str, str]:
    """Return category and row of targets and non-targets."""
    return {
        "targets": f"{parts.target.category} ({parts.target.id})",
        "non-targets": f"{parts.non_target.category} ({parts.non_target.id})",
    }


def reason_of(visit: VisitFacts, total: TargetSum, parts: RecistParts, text: str) -> str:
    """Return why in words: the row, then the figures behind it."""
    sentences = [capitalised(text)]
    if visit.targets:
        sentences.append(capitalised(f"{parts.target.text}: {sum_words(total)}"))
    if visit.non_targets:
        sentences.append(capitalised(parts.non_target.text))
    if visit.new_seen:
        sentences.append(f"New: {list_words(lesion.number for lesion in visit.new_seen)}")
    return ". ".join(dict.fromkeys(sentences)) + "."


def missing_of(visit: VisitFacts, total: TargetSum) -> tuple[str, ...]:
    """Return what was not known of targets, non-targets and markers."""
    missing = list(visit.missing)
    if total.unmeasured:
        missing.append(f"the diameter of target {list_words(total.unmeasured)}")
    unseen = [lesion.number for lesion in visit.non_targets if lesion.state is LesionState.NOT_EVALUATED]
    if unseen:
        missing.append(f"how non-target {list_words(unseen)} looked")
    if visit.non_targets and visit.markers_above_normal is None:
        missing.append("tumour markers (taken as not above normal)")
    return tuple(missing)


def _baseline(
    table: CriteriaTable, visit: VisitFacts, total: TargetSum, options: tuple[str, ...]
) -> ResponseAssessment:
    count, others = len(visit.targets), len(visit.non_targets)
    reason = f"Targets: {count}, sum {float(total.total_mm):g} mm. Non-targets: {others}."
    missing = list(visit.missing)
    rule = table.targets
    if count > rule.most:
        missing.append(f"a choice of targets by the rule: {count} targets, it asks for at most {rule.most}")
    return ResponseAssessment(
        rules=table.name,
        source=table.source,
        visit=0,
        category=BASELINE,
        row=BASELINE,
        reason=reason,
        date=visit.date,
        figures=total.figures,
        missing=tuple(missing),
        options=options,
    )
