"""A link between findings of two visits."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.timeline import LinkStatus


@dataclass(frozen=True)
class Link:
    """What became of a finding between two visits.

    Attributes
    ----------
    earlier_uid, later_uid : the findings, None where it was not seen
    status, reason : one sentence with figures
    distance_mm : between the later finding and where the registration expects the earlier one; None unless linked
    expected_earlier_mm, expected_later_mm : LPS mm where it was not seen but would lie, else None
    """

    earlier_uid: str | None
    later_uid: str | None
    status: LinkStatus
    reason: str
    distance_mm: float | None = None
    expected_earlier_mm: Vector | None = None
    expected_later_mm: Vector | None = None
