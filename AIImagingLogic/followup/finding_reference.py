"""Findings named so that they are found again after a re-run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from AIImagingLogic.followup.finding_extent import diameter_of
from AIImagingLogic.followup.track import Sighting
from AIImagingLogic.records.correction import FindingReference
from AIImagingLogic.records.timeline import Visit

_LEAST_REACH_MM = 4.0


def reference_to(visits: Sequence[Visit], sighting: Sighting) -> FindingReference:
    """Return the reference to a finding.

    Raises
    ------
    ValueError
        The visit has no such finding.
    """
    visit = visits[sighting.visit]
    finding = visit.finding(sighting.uid)
    if finding is None:
        raise ValueError(f"The {visit.label} has no finding {sighting.uid}.")
    return FindingReference(
        finding.uid, visit.info.content_hash, finding.box.center_mm, diameter_of(finding), finding.review
    )


def referred(visits: Sequence[Visit], reference: FindingReference) -> Sighting | None:
    """Return the finding that a reference means, None when its visit or the finding is not there any more.

    The finding of that uid; else the nearest of the visit's findings whose centre lies within half its diameter, or
    4 mm if that is more.
    """
    for index, visit in enumerate(visits):
        if visit.info.content_hash != reference.content_hash:
            continue
        if visit.finding(reference.uid) is not None:
            return Sighting(index, reference.uid)
        reach = max(_LEAST_REACH_MM, reference.diameter_mm / 2)
        apart = [
            (float(np.linalg.norm(np.subtract(finding.box.center_mm, reference.center_mm))), finding.uid)
            for finding in visit.findings
        ]
        distance, uid = min(apart, default=(np.inf, ""))
        return Sighting(index, uid) if distance <= reach else None
    return None
