"""The sum of the targets' diameters at each visit, its baseline and its nadir (RECIST 1.1, iRECIST)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from AIImagingLogic.followup.criteria.exact import exact, rise, rise_percent
from AIImagingLogic.followup.criteria.facts import FactsError, LesionObservation, LesionState, VisitFacts


@dataclass(frozen=True)
class TargetSum:
    """The targets of one visit.

    Attributes
    ----------
    total_mm : of the diameters that are known; a lower bound of the sum when some are not
    unmeasured : numbers of the targets whose diameter is not known
    all_gone : of those whose diameter is known none is left but nodes of normal size
    baseline_mm, nadir_mm : of the baseline and the smallest complete sum of an earlier visit; None at baseline
    """

    total_mm: Fraction
    unmeasured: tuple[int, ...]
    all_gone: bool
    baseline_mm: Fraction | None = None
    nadir_mm: Fraction | None = None

    @property
    def fall_percent(self) -> float | None:
        """Fall from baseline in percent, None when the sum is not complete."""
        if self.baseline_mm is None or self.unmeasured:
            return None
        return -rise_percent(self.baseline_mm, self.total_mm)

    @property
    def rise_percent(self) -> float | None:
        """Rise from the nadir in percent."""
        return None if self.nadir_mm is None else rise_percent(self.nadir_mm, self.total_mm)

    @property
    def rise_mm(self) -> float | None:
        """Rise from the nadir in mm."""
        return None if self.nadir_mm is None else rise(self.nadir_mm, self.total_mm)

    @property
    def figures(self) -> dict[str, float]:
        """The figures for people; percentages from a sum of 0 are left out."""
        values = {"sum_mm": float(self.total_mm)}
        if self.baseline_mm is not None and self.nadir_mm is not None:
            values |= {"baseline_sum_mm": float(self.baseline_mm), "nadir_sum_mm": float(self.nadir_mm)}
            if self.baseline_mm and not self.unmeasured:
                values["change_from_baseline_percent"] = rise_percent(self.baseline_mm, self.total_mm)
            if self.nadir_mm and not self.unmeasured:
                values["change_from_nadir_percent"] = rise_percent(self.nadir_mm, self.total_mm)
            if not self.unmeasured:
                values["change_from_nadir_mm"] = rise(self.nadir_mm, self.total_mm)
        return values


def target_sums(visits: Sequence[VisitFacts], too_small_mm: float, normal_node_mm: float) -> tuple[TargetSum, ...]:
    """Return the sum of the targets at each visit, with baseline and nadir.

    Raises
    ------
    FactsError
        A target has no diameter at baseline.
    """
    sums: list[TargetSum] = []
    baseline: Fraction | None = None
    nadir: Fraction | None = None
    for visit in visits:
        diameters = {target.number: diameter_mm(target, too_small_mm) for target in visit.targets}
        unmeasured = tuple(number for number, value in diameters.items() if value is None)
        if baseline is None and unmeasured:
            advice = "Give it (of a node the short axis), or make the lesion a non-target."
            raise FactsError(f"Target {unmeasured[0]} has no diameter at baseline.", advice)
        total = sum((value for value in diameters.values() if value is not None), Fraction(0))
        known = [target for target in visit.targets if target.number not in unmeasured]
        gone = all(is_gone(target, normal_node_mm) for target in known)
        sums.append(TargetSum(total, unmeasured, gone, baseline, nadir))
        baseline = total if baseline is None else baseline
        if not unmeasured:
            nadir = total if nadir is None else min(nadir, total)
    return tuple(sums)


def diameter_mm(lesion: LesionObservation, too_small_mm: float) -> Fraction | None:
    """Return the diameter that counts in the sum, None when it is not known; what is gone counts 0."""
    if lesion.state is LesionState.GONE:
        return exact(lesion.short_axis_mm or 0.0) if lesion.is_node else Fraction(0)
    if lesion.state is LesionState.NOT_EVALUATED:
        return None
    if lesion.diameter_mm is not None:
        return exact(lesion.diameter_mm)
    return exact(too_small_mm) if lesion.state is LesionState.TOO_SMALL else None


def is_gone(lesion: LesionObservation, normal_node_mm: float) -> bool:
    """Whether nothing abnormal is left of a lesion: not seen, or a node of normal size."""
    if lesion.state in (LesionState.NOT_EVALUATED, LesionState.PROGRESSED):
        return False
    if lesion.state is LesionState.GONE or lesion.diameter_mm == 0:
        return True
    if not lesion.is_node:
        return False
    if lesion.diameter_mm is None:
        return lesion.state is LesionState.TOO_SMALL
    return lesion.diameter_mm < normal_node_mm
