"""The response to treatment of a follow-up, with the choice of targets behind it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from AIImagingLogic.followup.criteria.assess import assess_response
from AIImagingLogic.followup.criteria.from_timeline import ReaderWords, baseline_lesions, facts_from_timeline
from AIImagingLogic.followup.criteria.response import ResponseAssessment
from AIImagingLogic.followup.criteria.target_choice import TargetChoice, edited_choice, propose_targets
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.timeline import Timeline


@dataclass(frozen=True)
class ChosenResponse(Record):
    """What response criteria say of a timeline once targets were chosen.

    Attributes
    ----------
    choice : of targets and non-targets
    assessments : one a visit, from `assess_response`
    """

    choice: TargetChoice
    assessments: tuple[ResponseAssessment, ...]


def chosen_response(
    timeline: Timeline,
    rules: str = "recist-1.1",
    targets: Collection[int] | None = None,
    non_targets: Collection[int] | None = None,
    options: Collection[str] = (),
    words: ReaderWords | None = None,
) -> ChosenResponse:
    """Choose targets and non-targets among the lesions of the first visit, and assess every visit.

    Parameters
    ----------
    rules : id of response criteria, see `assess_response`
    targets, non_targets : numbers of lesions, by a person; None: of what the rule proposes, all that has no other role
    options : of the rules
    words : what a person says of the lesions besides

    Raises
    ------
    FactsError
        A lesion has both roles, was not seen at the first visit, or lacks what the criteria need there.
    """
    lesions, thickness = baseline_lesions(timeline, words), timeline.visits[0].info.slice_thickness_mm
    choice = propose_targets(lesions, rules, thickness)
    if targets is not None or non_targets is not None:
        proposed = {*choice.targets, *choice.non_targets}
        if targets is None:
            targets = set(choice.targets) - set(non_targets or ())
        if non_targets is None:
            non_targets = proposed - set(targets)
        choice = edited_choice(choice, lesions, targets, non_targets, rules, thickness)
    facts = facts_from_timeline(timeline, choice, rules, words)
    return ChosenResponse(choice, assess_response(facts, rules, options))
