"""Links between the findings of two visits: which is which, what is new, what is gone, what cannot be told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from AIImagingLogic.followup.coverage import not_covered
from AIImagingLogic.followup.finding_extent import diameter_of
from AIImagingLogic.followup.link import Link
from AIImagingLogic.followup.pair_link import pair_link, vector
from AIImagingLogic.followup.registered_findings import Inverse, RegisteredFindings, matching_rules
from AIImagingLogic.followup.split_and_merged import merged_links, split_links
from AIImagingLogic.images.geometry import Points
from AIImagingLogic.records.finding import Finding, ReviewStatus
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

    References
    ----------
    Kuhn HW. The Hungarian method for the assignment problem. Naval Research Logistics Quarterly 1955.
    """
    places = RegisteredFindings(_kept(earlier), _kept(later), registration, inverse)
    cost = places.pair_cost()
    alone = matching_rules()["unlinked_cost"]
    pairs = [(int(i), int(j)) for i, j in zip(*linear_sum_assignment(_padded(cost, alone))) if _is_pair(i, j, cost)]
    divided = split_links(places, pairs)
    divided |= merged_links(places, [pair for pair in pairs if pair not in divided])
    links = [pair_link(places, i, j) for i, j in pairs if (i, j) not in divided]
    links += [link for group in divided.values() for link in group]
    used_earlier = {link.earlier_uid for link in links}
    used_later = {link.later_uid for link in links}
    links += [_gone(places, i, later) for i, finding in enumerate(places.earlier) if finding.uid not in used_earlier]
    links += [_new(places, j, earlier) for j, finding in enumerate(places.later) if finding.uid not in used_later]
    return tuple(links)


def _kept(visit: Visit) -> tuple[Finding, ...]:
    return tuple(finding for finding in visit.findings if finding.review is not ReviewStatus.REJECTED)


def _padded(cost: NDArray[np.float64], alone: float) -> NDArray[np.float64]:
    """Return the square cost in which every finding has a partner of its own that stands for 'alone'."""
    rows, columns = cost.shape
    # Dearer than any real choice, yet finite: the solver refuses infinite rows.
    never = 1e6
    padded = np.full((rows + columns, rows + columns), never)
    padded[:rows, :columns] = np.minimum(cost, never)
    padded[np.arange(rows), columns + np.arange(rows)] = alone
    padded[rows + np.arange(columns), np.arange(columns)] = alone
    padded[rows:, columns:] = 0.0
    return padded


def _is_pair(i: int, j: int, cost: NDArray[np.float64]) -> bool:
    return i < cost.shape[0] and j < cost.shape[1]


def _gone(places: RegisteredFindings, i: int, later: Visit) -> Link:
    finding, expected = places.earlier[i], places.expected_later[i]
    uncovered = not_covered(later, expected, diameter_of(finding) / 2, places.error_mm)
    if uncovered is not None:
        status, reason = LinkStatus.NOT_EVALUABLE, f"Not seen at the {later.label}: {uncovered}."
    else:
        status, reason = LinkStatus.RESOLVED, f"Not found at the {later.label}{_nearest(places.later_mm, expected)}."
    return Link(finding.uid, None, status, reason, None, None, vector(expected))


def _new(places: RegisteredFindings, j: int, earlier: Visit) -> Link:
    finding, expected = places.later[j], places.expected_earlier[j]
    if not places.has_inverse[j]:
        reason = f"Cannot be called new: the registration has no inverse at its place at the {earlier.label}."
        return Link(None, finding.uid, LinkStatus.NOT_EVALUABLE, reason)
    uncovered = not_covered(earlier, expected, diameter_of(finding) / 2, places.error_mm)
    if uncovered is not None:
        status, reason = LinkStatus.NOT_EVALUABLE, f"Cannot be called new: {uncovered}."
    else:
        status, reason = LinkStatus.NEW, f"Not found at the {earlier.label}{_nearest(places.earlier_mm, expected)}."
    return Link(None, finding.uid, status, reason, None, vector(expected))


def _nearest(found_mm: Points, expected_mm: Points) -> str:
    if len(found_mm) == 0:
        return ", where nothing was found"
    return f": the nearest finding lies {np.linalg.norm(found_mm - expected_mm, axis=1).min():.0f} mm from its place"
