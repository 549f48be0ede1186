"""What response criteria need to know of a patient: the lesions of each visit, as plain facts."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from AIImagingLogic.records.errors import AIImagingError
from AIImagingLogic.records.json_form import Record

_NUMBERS = ("longest_mm", "short_axis_mm", "sul_peak", "tlg")


class FactsError(AIImagingError):
    """The facts contradict each other, or lack what every criterion needs."""

    exit_code = 3


class LesionState(enum.Enum):
    """How a lesion was seen at a visit. For PET, gone means not above background."""

    PRESENT = "present"
    GONE = "gone"
    TOO_SMALL = "too small to measure"
    NOT_EVALUATED = "not evaluated"
    PROGRESSED = "unequivocally progressed"


@dataclass(frozen=True)
class LesionObservation(Record):
    """One lesion at one visit.

    Attributes
    ----------
    number : the same at every visit
    organ : in words; lesions of one organ share its word
    is_node : whether it is a lymph node
    state : a person says ``unequivocally progressed`` of a non-target; it is never computed
    longest_mm : longest diameter on one plane
    short_axis_mm : longest diameter perpendicular to it, on the same plane
    sul_peak : SUL, mean of the hottest 1 cm3 sphere
    tlg : total lesion glycolysis, SUL x ml
    increased : a person states that a lesion that is not measured grew since the visit before (iRECIST)
    attributable : a person states that a small new lesion is due to the disease (Lugano)
    """

    number: int
    organ: str = ""
    is_node: bool = False
    state: LesionState = LesionState.PRESENT
    longest_mm: float | None = None
    short_axis_mm: float | None = None
    sul_peak: float | None = None
    tlg: float | None = None
    increased: bool = False
    attributable: bool = False

    @property
    def diameter_mm(self) -> float | None:
        """The diameter that RECIST sums: of nodes the short axis, of others the longest diameter."""
        return self.short_axis_mm if self.is_node else self.longest_mm

    @property
    def is_seen(self) -> bool:
        """Whether it was seen at the visit."""
        return self.state not in (LesionState.GONE, LesionState.NOT_EVALUATED)


@dataclass(frozen=True)
class VisitFacts(Record):
    """One visit. The first of a list is the baseline.

    Attributes
    ----------
    date : None when not known
    targets, non_targets : as chosen at baseline; one that a later visit does not name was not evaluated there
    new_lesions : lesions that were not there at baseline and are seen at this visit
    markers_above_normal : tumour markers, None when not known
    liver_sul_mean, liver_sul_sd : SUL of the normal liver
    spleen_mm : length of the spleen
    missing : what was not known at this visit, one phrase each; repeated in the answer
    """

    date: datetime | None = None
    targets: tuple[LesionObservation, ...] = ()
    non_targets: tuple[LesionObservation, ...] = ()
    new_lesions: tuple[LesionObservation, ...] = ()
    markers_above_normal: bool | None = None
    liver_sul_mean: float | None = None
    liver_sul_sd: float | None = None
    spleen_mm: float | None = None
    missing: tuple[str, ...] = ()

    @property
    def new_seen(self) -> tuple[LesionObservation, ...]:
        """The new lesions that are seen."""
        return tuple(lesion for lesion in self.new_lesions if lesion.is_seen)


def checked_visits(visits: Sequence[VisitFacts]) -> tuple[VisitFacts, ...]:
    """Return the visits, each with every lesion of the baseline: one that a visit does not name was not evaluated.

    Raises
    ------
    FactsError
        There is no visit, dates go back, a lesion stands twice in a visit, a later visit has a target or non-target
        that the baseline lacks, a new lesion stands at baseline, or a number is negative or not finite.
    """
    if not visits:
        raise FactsError("There is no visit.", "Give the baseline and the visits that follow it.")
    dates = [visit.date for visit in visits if visit.date is not None]
    if any(later < earlier for earlier, later in pairwise(dates)):
        raise FactsError("The visits are not in the order of their dates.", "Give the earliest first.")
    if visits[0].new_lesions:
        raise FactsError("The baseline has new lesions.", "Name them as targets or non-targets.")
    for index, visit in enumerate(visits):
        _check_visit(visit, visits[0], index)
    return tuple(_completed(visit, visits[0]) for visit in visits)


def days_between(earlier: VisitFacts, later: VisitFacts) -> float | None:
    """Return the days between two visits, None when one is undated."""
    if earlier.date is None or later.date is None:
        return None
    return (later.date - earlier.date).total_seconds() / 86400


def _check_visit(visit: VisitFacts, baseline: VisitFacts, index: int) -> None:
    where = "at baseline" if index == 0 else f"at visit {index + 1}"
    lesions = (*visit.targets, *visit.non_targets, *visit.new_lesions)
    numbers = [lesion.number for lesion in lesions]
    if twice := {number for number in numbers if numbers.count(number) > 1}:
        raise FactsError(f"Lesion {min(twice)} stands twice {where}.", "Give each lesion one number and one role.")
    for role, now, first in (
        ("target", visit.targets, baseline.targets),
        ("non-target", visit.non_targets, baseline.non_targets),
    ):
        known = {lesion.number: lesion.is_node for lesion in first}
        for lesion in now:
            if lesion.number not in known:
                advice = "Targets and non-targets are chosen at baseline; what comes later is a new lesion."
                raise FactsError(f"Lesion {lesion.number} is a {role} {where}, but not at baseline.", advice)
            if lesion.is_node != known[lesion.number]:
                raise FactsError(f"Lesion {lesion.number} is a node at one visit and none at another.")
    for lesion in lesions:
        _check_numbers(lesion, _NUMBERS, f"lesion {lesion.number}, {where}")
    _check_numbers(visit, ("liver_sul_mean", "liver_sul_sd", "spleen_mm"), where)


def _check_numbers(record: Record, names: Sequence[str], where: str) -> None:
    for name in names:
        value = getattr(record, name)
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise FactsError(f"{name} is {value} ({where}).", "Give a number of 0 or more, or leave it out.")


def _completed(visit: VisitFacts, baseline: VisitFacts) -> VisitFacts:
    def with_all(now: Sequence[LesionObservation], first: Sequence[LesionObservation]) -> tuple[LesionObservation, ...]:
        seen = {lesion.number: lesion for lesion in now}
        unseen = LesionState.NOT_EVALUATED
        return tuple(
            seen.get(one.number, LesionObservation(one.number, one.organ, one.is_node, unseen)) for one in first
        )

    return VisitFacts(
        date=visit.date,
        targets=with_all(visit.targets, baseline.targets),
        non_targets=with_all(visit.non_targets, baseline.non_targets),
        new_lesions=visit.new_lesions,
        markers_above_normal=visit.markers_above_normal,
        liver_sul_mean=visit.liver_sul_mean,
        liver_sul_sd=visit.liver_sul_sd,
        spleen_mm=visit.spleen_mm,
        missing=visit.missing,
    )
