"""Lugano classification, CT part: the response at each visit, read from Resources/rules/lugano_ct.json."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction

from AIImagingLogic.followup.criteria.criteria_table import CriteriaTable, criteria_table
from AIImagingLogic.followup.criteria.exact import exact, rise, rise_percent
from AIImagingLogic.followup.criteria.facts import (
    FactsError,
    LesionObservation,
    LesionState,
    VisitFacts,
    checked_visits,
)
from AIImagingLogic.followup.criteria.lugano_targets import LesionSize, node_is_normal, size_of
from AIImagingLogic.followup.criteria.reasons import capitalised, list_words, percent_words
from AIImagingLogic.followup.criteria.response import BASELINE, ResponseAssessment
from AIImagingLogic.followup.rule_table import Row

_Sizes = dict[int, LesionSize | None]


def assess_lugano(visits: Sequence[VisitFacts], options: Collection[str] = ()) -> tuple[ResponseAssessment, ...]:
    """Assess every visit by the CT part of the Lugano classification.

    Parameters
    ----------
    visits : in order of time, with `longest_mm` and `short_axis_mm` of every target, and `spleen_mm`
    options : of the table; it has none

    Raises
    ------
    FactsError
        The facts contradict each other, or a target has not both diameters at baseline.

    References
    ----------
    Cheson BD, et al. J Clin Oncol 2014;32:3059-3068.
    """
    table = criteria_table("lugano-ct")
    chosen = table.checked_options(options)
    checked = checked_visits(visits)
    sizes = [_sizes(visit, table) for visit in checked]
    if lacking := [number for number, size in sizes[0].items() if size is None]:
        raise FactsError(f"Target {lacking[0]} has not both diameters at baseline.", "Give them.")
    answers = []
    for index, visit in enumerate(checked):
        row, parts, figures, details = _decided(table, checked, sizes, index)
        answers.append(
            ResponseAssessment(
                rules=table.name,
                source=table.source,
                visit=index,
                category=BASELINE if index == 0 else row.category,
                row=BASELINE if index == 0 else row.id,
                reason=". ".join(["Baseline" if index == 0 else capitalised(row.text), *details]) + ".",
                date=visit.date,
                parts={} if index == 0 else parts,
                figures=figures,
                missing=_missing(table, visit, checked[0], sizes[index]),
                options=chosen,
            )
        )
    return tuple(answers)


def _sizes(visit: VisitFacts, table: CriteriaTable) -> _Sizes:
    return {target.number: size_of(target, table.values["too_small_mm"]) for target in visit.targets}


def _decided(
    table: CriteriaTable, visits: Sequence[VisitFacts], sizes: Sequence[_Sizes], index: int
) -> tuple[Row, dict[str, str], dict[str, float], list[str]]:
    """Return the row, the parts behind it, the figures and the sentences that follow the row's text."""
    visit, now = visits[index], sizes[index]
    complete = all(size is not None for size in now.values())
    product = _product_mm2(now)
    baseline = _product_mm2(sizes[0])
    new = [lesion.number for lesion in visit.new_lesions if _is_new(table, lesion)]
    new += [target.number for target in visit.targets if _regrown(table, target, sizes[:index])]
    worst = _worst_lesion(table, now, sizes[:index])
    non_target, spleen = _non_targets(visit), _spleen(table, visit, visits[0])
    fall = -rise_percent(baseline, product) if complete and visit.targets else None
    facts = {
        "new": "yes" if new else "no",
        "lesion": None if worst is None else worst[1].category,
        "non_target": non_target,
        "spleen": spleen.category,
        "targets": "yes" if visit.targets else "no",
        "measured": "all" if complete else "some",
        "gone": "all" if complete and all(node_is_normal(t, now[t.number]) for t in visit.targets) else "some",
        "fall_percent": fall,
    }
    row = table.decide("overall", facts)
    parts = {"non-targets": non_target, "spleen": f"{spleen.category} ({spleen.id})"}
    details = []
    if worst is not None:
        parts["lesion"] = f"{worst[1].category} (lesion {worst[0]}, {worst[1].id})"
        if worst[1].category == "PD":
            details.append(f"Lesion {worst[0]}: {worst[1].text}")
    if new:
        details.append(f"New or regrown: {list_words(new)}")
    figures = {"sum_mm2": float(product)}
    if visit.targets:
        change = f" ({percent_words(-fall)} from baseline)" if fall is not None and index else ""
        details.append(f"Sum of products {'' if complete else 'at least '}{float(product):g} mm2{change}")
    if index:
        figures["baseline_sum_mm2"] = float(baseline)
        if fall is not None:
            figures["change_from_baseline_percent"] = -fall
    if visit.spleen_mm is not None:
        figures["spleen_mm"] = visit.spleen_mm
        details.append(f"Spleen {visit.spleen_mm:g} mm")
    return row, parts, figures, details


def _product_mm2(sizes: _Sizes) -> Fraction:
    return sum((size.product_mm2 for size in sizes.values() if size is not None), Fraction(0))


def _is_new(table: CriteriaTable, lesion: LesionObservation) -> bool:
    if not lesion.is_seen:
        return False
    facts = {
        "kind": "node" if lesion.is_node else "lesion",
        "longest_mm": lesion.longest_mm,
        "attributable": "yes" if lesion.attributable or lesion.state is LesionState.PROGRESSED else "no",
    }
    return table.decide("new", facts).category == "yes"


def _regrown(table: CriteriaTable, target: LesionObservation, earlier: Sequence[_Sizes]) -> bool:
    """Whether a target that was gone is seen again, large enough for a new lesion."""
    before = [sizes[target.number] for sizes in earlier]
    was_gone = any(size is not None and size.longest_mm == 0 for size in before)
    return was_gone and target.longest_mm != 0 and _is_new(table, target)


def _worst_lesion(table: CriteriaTable, now: _Sizes, earlier: Sequence[_Sizes]) -> tuple[int, Row] | None:
    """Return a target that progressed, else any; None when none was measured now and before."""
    found: tuple[int, Row] | None = None
    for number in sorted(now):
        size = now[number]
        before = [sizes[number] for sizes in earlier]
        known = [entry for entry in before if entry is not None]
        if size is None or not known:
            continue
        nadir = min(known, key=lambda entry: entry.product_mm2)
        facts = {
            "longest_mm": float(size.longest_mm),
            "product_rise_percent": rise_percent(nadir.product_mm2, size.product_mm2),
            "nadir_longest_mm": float(nadir.longest_mm),
            "axis_rise_mm": max(rise(nadir.longest_mm, size.longest_mm), rise(nadir.short_axis_mm, size.short_axis_mm)),
        }
        row = table.decide("lesion", facts)
        if found is None or (row.category == "PD" and found[1].category != "PD"):
            found = (number, row)
    return found


def _non_targets(visit: VisitFacts) -> str:
    states = [lesion.state for lesion in visit.non_targets]
    if not states:
        return "none"
    if LesionState.PROGRESSED in states:
        return "PD"
    if LesionState.NOT_EVALUATED in states:
        return "NE"
    gone = all(
        lesion.state is LesionState.GONE or node_is_normal(lesion, size_of(lesion, 0.0)) for lesion in visit.non_targets
    )
    return "CR" if gone else "non-CR/non-PD"


def _spleen(table: CriteriaTable, visit: VisitFacts, baseline: VisitFacts) -> Row:
    if visit.spleen_mm is None or baseline.spleen_mm is None:
        return table.decide("spleen", {"spleen_mm": None})
    now, first = exact(visit.spleen_mm), exact(baseline.spleen_mm)
    excess = first - exact(table.values["normal_spleen_mm"])
    facts = {
        "spleen_mm": visit.spleen_mm,
        "baseline_excess_mm": float(excess),
        "rise_mm": rise(first, now),
        "rise_of_excess_percent": float(100 * (now - first) / excess) if excess > 0 else None,
        "fall_of_excess_percent": float(100 * (first - now) / excess) if excess > 0 else None,
    }
    return table.decide("spleen", facts)


def _missing(table: CriteriaTable, visit: VisitFacts, baseline: VisitFacts, now: _Sizes) -> tuple[str, ...]:
    missing = list(visit.missing)
    if unknown := [number for number, size in now.items() if size is None]:
        missing.append(f"both diameters of target {list_words(unknown)}")
    unseen = [lesion.number for lesion in visit.non_targets if lesion.state is LesionState.NOT_EVALUATED]
    if unseen:
        missing.append(f"how non-target {list_words(unseen)} looked")
    if visit.spleen_mm is None or baseline.spleen_mm is None:
        missing.append("the length of the spleen")
    small = [lesion.number for lesion in visit.new_lesions if lesion.is_seen and not _is_new(table, lesion)]
    if small:
        missing.append(f"whether the small new lesion {list_words(small)} is due to lymphoma (not counted)")
    missing.append("bone marrow, PET")
    return tuple(missing)
