"""Which lesions to take as targets: a proposal by a table's rule, and the person's own choice, which wins."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from AIImagingLogic.followup.criteria.criteria_table import TargetRule, criteria_table
from AIImagingLogic.followup.criteria.exact import exact
from AIImagingLogic.followup.criteria.facts import FactsError, LesionObservation
from AIImagingLogic.followup.rule_table import Row, applying
from AIImagingLogic.records.json_form import Record

TARGET, NON_TARGET, NORMAL = "target", "non-target", "normal"


@dataclass(frozen=True)
class TargetChoice(Record):
    """Targets and non-targets at baseline, by lesion number.

    Attributes
    ----------
    targets, non_targets : lesions in neither are left out
    reasons : number as text to why it is what it is
    notes : what the rule asks for and the choice does not keep, or what was not known
    by_person : whether a person changed the proposal
    """

    targets: tuple[int, ...]
    non_targets: tuple[int, ...]
    reasons: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    by_person: bool = False


def propose_targets(
    lesions: Sequence[LesionObservation], rules: str = "recist-1.1", slice_thickness_mm: float | None = None
) -> TargetChoice:
    """Propose targets among the lesions of a baseline visit.

    The largest lesion of each organ comes first, then the second of each, so that all organs are represented; among
    equals the lower number.

    Parameters
    ----------
    lesions : seen at baseline
    rules : id of a table of response criteria
    slice_thickness_mm : of the baseline image, None when not known
    """
    rule = _rule(rules)
    rows = {lesion.number: _row(lesion, rule, slice_thickness_mm) for lesion in lesions}
    fit = [lesion for lesion in lesions if lesion.is_seen and rows[lesion.number].category == TARGET]
    chosen = _chosen(fit, rule)
    reasons: dict[str, str] = {}
    non_targets: list[int] = []
    for lesion in lesions:
        row = rows[lesion.number]
        reasons[str(lesion.number)] = row.text
        if lesion.number in chosen or row.category == NORMAL or not lesion.is_seen:
            continue
        non_targets.append(lesion.number)
        if row.category == TARGET:
            reasons[str(lesion.number)] = f"{row.text}; {_surplus_words(rule)}"
    notes = []
    if any(row.id.endswith("slices-unknown") for row in rows.values()):
        notes.append("The slice thickness is not known: twice its size was not checked.")
    if any(not lesion.organ and not lesion.is_node for lesion in fit) and rule.most_an_organ is not None:
        notes.append("Lesions without an organ were counted as of one organ.")
    return TargetChoice(tuple(sorted(chosen)), tuple(sorted(non_targets)), reasons, tuple(notes))


def edited_choice(
    choice: TargetChoice,
    lesions: Sequence[LesionObservation],
    targets: Collection[int],
    non_targets: Collection[int],
    rules: str = "recist-1.1",
    slice_thickness_mm: float | None = None,
) -> TargetChoice:
    """Return a person's choice. It holds as it is; where it does not keep the rule, `notes` says so.

    Raises
    ------
    FactsError
        A lesion is both target and non-target, or is not among `lesions`.
    """
    if both := set(targets) & set(non_targets):
        raise FactsError(f"Lesion {min(both)} is both target and non-target.", "Give it one role.")
    known = {lesion.number: lesion for lesion in lesions}
    if strange := (set(targets) | set(non_targets)) - set(known):
        raise FactsError(
            f"Lesion {min(strange)} is not there at baseline.", "Choose among the lesions of the baseline."
        )
    rule = _rule(rules)
    notes = []
    if len(targets) > rule.most:
        notes.append(f"{len(targets)} targets; the rule takes at most {rule.most}.")
    if rule.most_an_organ is not None:
        organs = [_organ(known[number], rule) for number in sorted(targets)]
        for organ in dict.fromkeys(organs):
            if organs.count(organ) > rule.most_an_organ:
                words = organ or "an organ that is not named"
                notes.append(f"{organs.count(organ)} targets in {words}; the rule takes at most {rule.most_an_organ}.")
    for number in sorted(targets):
        row = _row(known[number], rule, slice_thickness_mm)
        if row.category != TARGET:
            notes.append(f"Target {number} is no target by the rule: {row.text}.")
    return dataclasses.replace(
        choice,
        targets=tuple(sorted(targets)),
        non_targets=tuple(sorted(non_targets)),
        notes=tuple(notes),
        by_person=True,
    )


def _rule(rules: str) -> TargetRule:
    return criteria_table("recist-1.1" if rules == "irecist" else rules).targets


def _row(lesion: LesionObservation, rule: TargetRule, slice_thickness_mm: float | None) -> Row:
    slices = None
    if slice_thickness_mm and lesion.longest_mm is not None:
        slices = float(exact(lesion.longest_mm) / exact(slice_thickness_mm))
    facts = {
        "kind": "node" if lesion.is_node else "lesion",
        "longest_mm": lesion.longest_mm,
        "short_axis_mm": lesion.short_axis_mm,
        "slice_thicknesses": slices,
        "sul_peak": lesion.sul_peak,
    }
    return applying(rule.rows, facts)[0]


def _chosen(fit: Sequence[LesionObservation], rule: TargetRule) -> set[int]:
    by_organ: dict[str, list[LesionObservation]] = {}
    for lesion in sorted(fit, key=lambda one: (-_size(one, rule), one.number)):
        by_organ.setdefault(_organ(lesion, rule) if rule.most_an_organ else "", []).append(lesion)
    chosen: list[int] = []
    for place in range(rule.most_an_organ or rule.most):
        of_rank = [lesions[place] for lesions in by_organ.values() if len(lesions) > place]
        of_rank.sort(key=lambda one: (-_size(one, rule), one.number))
        chosen += [lesion.number for lesion in of_rank]
    return set(chosen[: rule.most])


def _organ(lesion: LesionObservation, rule: TargetRule) -> str:
    return "lymph nodes" if lesion.is_node and rule.nodes_are_one_organ else lesion.organ.strip().lower()


def _size(lesion: LesionObservation, rule: TargetRule) -> float:
    if rule.size == "sul_peak":
        return lesion.sul_peak or 0.0
    if rule.size == "product":
        return (lesion.longest_mm or 0.0) * (lesion.short_axis_mm or 0.0)
    return lesion.diameter_mm or 0.0


def _surplus_words(rule: TargetRule) -> str:
    an_organ = f" and {rule.most_an_organ} an organ" if rule.most_an_organ else ""
    return f"the rule takes at most {rule.most} targets{an_organ}"
