"""The size of a target under the Lugano classification: two diameters and their product."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from AIImagingLogic.followup.criteria.criteria_table import criteria_table
from AIImagingLogic.followup.criteria.exact import exact
from AIImagingLogic.followup.criteria.facts import LesionObservation, LesionState
from AIImagingLogic.followup.rule_table import applying


@dataclass(frozen=True)
class LesionSize:
    """Longest diameter and the one perpendicular to it; 0 and 0 when the lesion is gone."""

    longest_mm: Fraction
    short_axis_mm: Fraction

    @property
    def product_mm2(self) -> Fraction:
        """Product of the two."""
        return self.longest_mm * self.short_axis_mm


def size_of(lesion: LesionObservation, too_small_mm: float) -> LesionSize | None:
    """Return the size that counts, None when it is not known."""
    if lesion.state is LesionState.NOT_EVALUATED:
        return None
    if lesion.state is LesionState.GONE or lesion.longest_mm == 0:
        return LesionSize(Fraction(0), Fraction(0))
    if lesion.longest_mm is not None and lesion.short_axis_mm is not None:
        return LesionSize(exact(lesion.longest_mm), exact(lesion.short_axis_mm))
    if lesion.state is LesionState.TOO_SMALL:
        return LesionSize(exact(too_small_mm), exact(too_small_mm))
    return None


def node_is_normal(lesion: LesionObservation, size: LesionSize | None) -> bool:
    """Whether nothing abnormal is left: a lesion that is gone, or a node of normal size."""
    if size is None:
        return False
    if not lesion.is_node or size.longest_mm == 0:
        return size.longest_mm == 0
    facts = {"kind": "node", "longest_mm": float(size.longest_mm), "short_axis_mm": float(size.short_axis_mm)}
    return applying(criteria_table("lugano-ct").targets.rows, facts)[0].category == "normal"
