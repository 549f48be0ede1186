"""Links between the findings of two visits: which is which, what is new, what is gone, what cannot be told."""

from __future__ import annotations

from AIImagingLogic.followup.absence import nearest_words
from AIImagingLogic.followup.coverage import not_covered
from AIImagingLogic.followup.finding_extent import diameter_of
from AIImagingLogic.followup.link import Link
from AIImagingLogic.followup.linked_pairs import kept_findings, linked_pairs, used_by
from AIImagingLogic.followup.pair_link import vector
from AIImagingLogic.followup.registered_findings import Inverse, RegisteredFindings, registered_findings
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.timeline import LinkStatus, Visit


def link_findings(
    earlier: Visit, later: Visit, registration: Registration, inverse: Inverse | None = None
) -> tuple[Link, ...]:
    """Link the findings of two visits through a registration.

    The assignment (Hungarian method) that costs least in all: a pair costs by its distance after registration relative
    to a tolerance (registration error and size), by the ratio of volumes and by the difference of attenuation; leaving
    a finding alone has a fixed cost. A finding left alone is new or gone only where the other visit could have shown
    it. Findings that a reader rejected are left out.

    Parameters
    ----------
    earlier, later : the visits
    registration : takes points of the earlier image to points of the later one
    inverse : the registration's inverse on points; found point by point when not given

    Returns
    -------
    tuple of Link
        Every finding stands in exactly one link.
    """
    places = registered_findings(kept_findings(earlier), kept_findings(later), registration, inverse)
    pairs = linked_pairs(places)
    used_earlier, used_later = used_by(pairs.links)
    gone = [
        _gone(places, i, later, pairs.alone_earlier.get(i, 1.0))
        for i, finding in enumerate(places.earlier)
        if finding.uid not in used_earlier
    ]
    new = [
        _new(places, j, earlier, pairs.alone_later.get(j, 1.0))
        for j, finding in enumerate(places.later)
        if finding.uid not in used_later
    ]
    return (*pairs.links, *gone, *new)


def _gone(places: RegisteredFindings, i: int, later: Visit, confidence: float) -> Link:
    finding, expected = places.earlier[i], places.expected_later[i]
    uncovered = not_covered(later, expected, diameter_of(finding) / 2, places.error_mm)
    if uncovered is not None:
        status, reason = LinkStatus.NOT_EVALUABLE, f"Not seen at the {later.label}: {uncovered}."
    else:
        status = LinkStatus.RESOLVED
        reason = f"Not found at the {later.label}{nearest_words(places.later_mm, expected)}."
    return Link(finding.uid, None, status, reason, None, None, vector(expected), confidence=confidence)


def _new(places: RegisteredFindings, j: int, earlier: Visit, confidence: float) -> Link:
    finding, expected = places.later[j], places.expected_earlier[j]
    if not places.has_inverse[j]:
        reason = f"Cannot be called new: the registration has no inverse at its place at the {earlier.label}."
        return Link(None, finding.uid, LinkStatus.NOT_EVALUABLE, reason)
    uncovered = not_covered(earlier, expected, diameter_of(finding) / 2, places.error_mm)
    if uncovered is not None:
        status, reason = LinkStatus.NOT_EVALUABLE, f"Cannot be called new: {uncovered}."
    else:
        status = LinkStatus.NEW
        reason = f"Not found at the {earlier.label}{nearest_words(places.earlier_mm, expected)}."
    return Link(None, finding.uid, status, reason, None, vector(expected), confidence=confidence)
