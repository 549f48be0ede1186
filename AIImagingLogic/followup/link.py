"""A link between findings of two visits."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.timeline import LinkStatus


@dataclass(frozen=True)
class Link:
    """What became of a finding between two visits, which need not be neighbours.

    Attributes
    ----------
    earlier_uid, later_uid : the findings, None where it was not seen
    status, reason : one sentence with figures
    distance_mm : between the later finding and where the registration expects the earlier one; None unless linked
    expected_earlier_mm, expected_later_mm : LPS mm where it was not seen but would lie, else None
    confidence : 0..1, from what the best reading without this link would cost; 1 where a person linked
    rival : uid of the finding of the later visit, or else of the earlier one, that would have been linked next
    whole_uid : of a part: the finding that it fell off from or went into
    by_hand : a person linked or confirmed it
    """

    earlier_uid: str | None
    later_uid: str | None
    status: LinkStatus
    reason: str
    distance_mm: float | None = None
    expected_earlier_mm: Vector | None = None
    expected_later_mm: Vector | None = None
    confidence: float = 1.0
    rival: str | None = None
    whole_uid: str | None = None
    by_hand: bool = False
