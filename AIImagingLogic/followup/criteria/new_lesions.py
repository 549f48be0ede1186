"""New lesions under iRECIST: those with which progression was called, and those beside which the response was reset."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from AIImagingLogic.followup.criteria.criteria_table import criteria_table
from AIImagingLogic.followup.criteria.exact import rise, rise_percent
from AIImagingLogic.followup.criteria.facts import LesionState, VisitFacts
from AIImagingLogic.followup.criteria.target_choice import propose_targets
from AIImagingLogic.followup.criteria.target_sums import diameter_mm


@dataclass(frozen=True)
class CalledNew:
    """The new lesions with which progression was called.

    Attributes
    ----------
    numbers : that counted as new; none when progression was called for other lesions
    known : all that were there
    measured : those of `numbers` that the sum is taken over
    total_mm : their sum
    """

    numbers: frozenset[int]
    known: frozenset[int]
    measured: frozenset[int]
    total_mm: Fraction

    def compared(self, visit: VisitFacts) -> tuple[int, float | None, bool]:
        """Return how many more there are, by how much the sum rose (mm, None: not known), and whether others grew."""
        now = {lesion.number: lesion for lesion in visit.new_seen}
        more = len(set(now) - self.known)
        others = set(now) - self.measured
        grew = any(now[number].increased or now[number].state is LesionState.PROGRESSED for number in others)
        total = _sum_mm(visit, self.measured)
        return more, None if total is None or not self.measured else rise(self.total_mm, total), grew


@dataclass(frozen=True)
class AcceptedNew:
    """New lesions that were there when the response was reset: their numbers and their smallest sum since."""

    numbers: frozenset[int]
    total_mm: Fraction | None

    def is_exceeded(self, visit: VisitFacts, percent: float, mm: float) -> bool:
        """Whether another is new, or these are progression by the rule for targets or by a reader's word."""
        if any(one.number not in self.numbers or one.state is LesionState.PROGRESSED for one in visit.new_seen):
            return True
        total = _sum_mm(visit, self.numbers)
        if total is None or self.total_mm is None:
            return False
        return rise_percent(self.total_mm, total) >= percent and rise(self.total_mm, total) >= mm


def called_new(visit: VisitFacts, accepted: AcceptedNew | None) -> CalledNew:
    """Return the new lesions of a visit that progresses; accepted ones count when they are exceeded."""
    known = frozenset(lesion.number for lesion in visit.new_seen)
    counted = known
    if accepted is not None:
        values = criteria_table("irecist").values
        exceeded = accepted.is_exceeded(visit, values["new_rise_percent"], values["new_rise_mm"])
        counted = known if exceeded else frozenset()
        known |= accepted.numbers
    candidates = [lesion for lesion in visit.new_seen if lesion.number in counted]
    measured = frozenset(propose_targets(candidates).targets)
    return CalledNew(counted, known, measured, _sum_mm(visit, measured) or Fraction(0))


def accepted_new(visit: VisitFacts, before: AcceptedNew | None) -> AcceptedNew | None:
    """Return the new lesions that the reset response leaves behind, None when there are none."""
    numbers = frozenset(lesion.number for lesion in visit.new_lesions)
    if before is not None:
        numbers |= before.numbers
    if not numbers:
        return None
    total = _sum_mm(visit, numbers)
    if before is not None and before.numbers == numbers and before.total_mm is not None:
        total = before.total_mm if total is None else min(total, before.total_mm)
    return AcceptedNew(numbers, total)


def _sum_mm(visit: VisitFacts, numbers: Collection[int]) -> Fraction | None:
    """Return the sum of these lesions, None when a size is unknown; one that the visit does not name is gone."""
    too_small = criteria_table("recist-1.1").values["too_small_mm"]
    sizes = [diameter_mm(lesion, too_small) for lesion in visit.new_lesions if lesion.number in numbers]
    if any(size is None for size in sizes):
        return None
    return sum((size for size in sizes if size is not None), Fraction(0))
