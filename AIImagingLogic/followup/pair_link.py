"""The link of a finding with the one it was matched with."""

from __future__ import annotations

import numpy as np

from AIImagingLogic.followup.link import Link
from AIImagingLogic.followup.registered_findings import RegisteredFindings
from AIImagingLogic.images.geometry import Points
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.timeline import LinkStatus


def pair_link(places: RegisteredFindings, i: int, j: int) -> Link:
    """Return the link of earlier finding `i` and later finding `j`, with the distance that the registration leaves."""
    distance = float(np.linalg.norm(places.expected_later[i] - places.later_mm[j]))
    tolerance = places.tolerance_mm(i, j)
    reason = f"Found {distance:.1f} mm from where the registration expects it (tolerance {tolerance:.1f} mm)."
    return Link(places.earlier[i].uid, places.later[j].uid, LinkStatus.MATCHED, reason, distance)


def vector(point: Points) -> Vector:
    """Return a point (3,) as plain numbers."""
    return float(point[0]), float(point[1]), float(point[2])
