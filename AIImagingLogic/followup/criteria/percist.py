"""PERCIST 1.0: the metabolic response at each visit, read from Resources/rules/percist_1_0.json."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from AIImagingLogic.followup.criteria.criteria_table import CriteriaTable, criteria_table
from AIImagingLogic.followup.criteria.exact import exact, rise, rise_percent
from AIImagingLogic.followup.criteria.facts import (
    FactsError,
    LesionObservation,
    LesionState,
    VisitFacts,
    checked_visits,
)
from AIImagingLogic.followup.criteria.reasons import capitalised, list_words, percent_words
from AIImagingLogic.followup.criteria.response import BASELINE, ResponseAssessment

MEASURABLE_AT_BASELINE = "measurable_at_baseline"


@dataclass(frozen=True)
class _Uptake:
    """Uptake of one scan: of the hottest lesion, TLG summed over the targets, and which lesions are not known."""

    hottest: LesionObservation | None
    tlg: float | None
    unknown: tuple[int, ...]

    @property
    def sul(self) -> float:
        """SULpeak of the hottest lesion, 0 when no lesion is above background."""
        return 0.0 if self.hottest is None or self.hottest.sul_peak is None else self.hottest.sul_peak


def assess_percist(visits: Sequence[VisitFacts], options: Collection[str] = ()) -> tuple[ResponseAssessment, ...]:
    """Assess every visit by PERCIST 1.0.

    Parameters
    ----------
    visits : in order of time, with `sul_peak` of every target; a lesion not above background is gone
    options : ``measurable_at_baseline``: the limit of uptake at baseline (recalled, not read in a source: off)

    Raises
    ------
    FactsError
        The facts contradict each other, or no target has a SULpeak at baseline.

    References
    ----------
    Wahl RL, et al. J Nucl Med 2009;50 Suppl 1:122S-150S.
    """
    table = criteria_table("percist-1.0")
    chosen = table.checked_options(options)
    checked = checked_visits(visits)
    first = _uptake(checked[0])
    if first.hottest is None or first.unknown:
        named = f"Target {first.unknown[0]}" if first.unknown else "Every target"
        raise FactsError(f"{named} has no SULpeak at baseline.", "Give it, or make the lesion a non-target.")
    if not first.sul:
        raise FactsError("No target has uptake at baseline.", "Take lesions with uptake as targets.")
    measurable = _is_measurable(table, checked[0], first) if MEASURABLE_AT_BASELINE in chosen else None
    answers = []
    for index, visit in enumerate(checked):
        now = _uptake(visit)
        facts, figures = _facts(table, checked[0], first, visit, now)
        facts["measurable"] = None if measurable is None else "yes" if measurable else "no"
        row = None if index == 0 else table.decide("overall", facts)
        answers.append(
            ResponseAssessment(
                rules=table.name,
                source=table.source,
                visit=index,
                category=BASELINE if row is None else row.category,
                row=BASELINE if row is None else row.id,
                reason=_reason("baseline" if row is None else row.text, first, now),
                date=visit.date,
                figures=figures if index else {"sul_peak": now.sul},
                missing=_missing(visit, checked[0], now, chosen, measurable),
                options=chosen,
            )
        )
    return tuple(answers)


def _uptake(visit: VisitFacts) -> _Uptake:
    seen = [lesion for lesion in (*visit.targets, *visit.non_targets) if lesion.is_seen]
    measured = [lesion for lesion in seen if lesion.sul_peak is not None]
    hottest = max(measured, key=lambda lesion: (lesion.sul_peak or 0.0, -lesion.number), default=None)
    unknown = [lesion.number for lesion in visit.targets if lesion.is_seen and lesion.sul_peak is None]
    lesions = (*visit.targets, *visit.non_targets)
    unknown += [lesion.number for lesion in lesions if lesion.state is LesionState.NOT_EVALUATED]
    glycolysis = [0.0 if lesion.state is LesionState.GONE else lesion.tlg for lesion in visit.targets]
    # What is not known adds nothing: the sum is then a lower bound, enough to see a rise.
    known = [exact(value) for value in glycolysis if value is not None]
    return _Uptake(hottest, float(sum(known)) if known else None, tuple(sorted(unknown)))


def _facts(
    table: CriteriaTable, baseline: VisitFacts, first: _Uptake, visit: VisitFacts, now: _Uptake
) -> tuple[dict[str, object], dict[str, float]]:
    lesions = (*visit.targets, *visit.non_targets)
    before, after = exact(first.sul), exact(now.sul)
    percent, absolute = rise_percent(before, after), rise(before, after)
    glycolysis = None
    if first.tlg is not None and now.tlg is not None and all(lesion.tlg is not None for lesion in baseline.targets):
        glycolysis = rise_percent(exact(first.tlg), exact(now.tlg))
    facts: dict[str, object] = {
        "new": "yes" if visit.new_seen else "no",
        "progressed": "yes" if any(lesion.state is LesionState.PROGRESSED for lesion in lesions) else "no",
        "evaluated": "some" if now.unknown else "all",
        "gone": "all" if all(lesion.state is LesionState.GONE for lesion in lesions) else "some",
        "comparable": _comparable(table, baseline, visit),
        "rise_percent": percent,
        "rise_sul": absolute,
        "fall_percent": -percent,
        "fall_sul": -absolute,
        "tlg_rise_percent": glycolysis,
    }
    figures = {"sul_peak": now.sul, "baseline_sul_peak": first.sul, "change_sul": absolute, "change_percent": percent}
    if glycolysis is not None and now.tlg is not None:
        figures |= {"tlg": now.tlg, "tlg_change_percent": glycolysis}
    return facts, figures


def _comparable(table: CriteriaTable, baseline: VisitFacts, visit: VisitFacts) -> str | None:
    """Whether the liver is alike on both scans, None when it is not known."""
    if not baseline.liver_sul_mean or visit.liver_sul_mean is None:
        return None
    before, after = exact(baseline.liver_sul_mean), exact(visit.liver_sul_mean)
    near = abs(rise_percent(before, after)) <= table.values["liver_percent"]
    return "yes" if near and abs(rise(before, after)) < table.values["liver_sul"] else "no"


def _is_measurable(table: CriteriaTable, baseline: VisitFacts, first: _Uptake) -> bool | None:
    if baseline.liver_sul_mean is None or baseline.liver_sul_sd is None:
        return None
    limits = table.options[MEASURABLE_AT_BASELINE]["values"]
    limit = exact(limits["times_mean"]) * exact(baseline.liver_sul_mean)
    limit += exact(limits["standard_deviations"]) * exact(baseline.liver_sul_sd)
    return exact(first.sul) >= limit


def _reason(text: str, first: _Uptake, now: _Uptake) -> str:
    words = [capitalised(text)]
    if now.hottest is None:
        words.append(f"No lesion with uptake, baseline SULpeak {first.sul:g}")
    elif now is first or first.hottest is None or not first.sul:
        words.append(f"Hottest: lesion {now.hottest.number}, SULpeak {now.sul:g}")
    else:
        change = percent_words(rise_percent(exact(first.sul), exact(now.sul)))
        words.append(
            f"Hottest: lesion {now.hottest.number}, SULpeak {now.sul:g}; at baseline lesion {first.hottest.number}, "
            f"{first.sul:g} ({change})"
        )
    return ". ".join(words) + "."


def _missing(
    visit: VisitFacts, baseline: VisitFacts, now: _Uptake, options: Collection[str], measurable: bool | None
) -> tuple[str, ...]:
    missing = list(visit.missing)
    if now.unknown:
        missing.append(f"the uptake of lesion {list_words(now.unknown)}")
    if others := [one.number for one in visit.non_targets if one.is_seen and one.sul_peak is None]:
        missing.append(f"whether non-target {list_words(others)} is hotter than the targets")
    if not baseline.liver_sul_mean or visit.liver_sul_mean is None:
        missing.append("the liver's mean SUL (whether the scans are comparable was not checked)")
    if MEASURABLE_AT_BASELINE not in options:
        missing.append(f"whether the uptake at baseline is high enough (option {MEASURABLE_AT_BASELINE} is off)")
    elif measurable is None:
        missing.append("the liver's SUL mean and SD at baseline (whether uptake is high enough was not checked)")
    if any(lesion.tlg is None for lesion in visit.targets if lesion.is_seen):
        missing.append("the total lesion glycolysis of every target")
    return tuple(missing)
