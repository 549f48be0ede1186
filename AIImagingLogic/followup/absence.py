"""Where a lesion would lie at a visit at which it was not seen, and whether that visit could have shown it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from AIImagingLogic.followup.coverage import not_covered
from AIImagingLogic.followup.finding_extent import center_of, diameter_of
from AIImagingLogic.followup.pair_link import vector
from AIImagingLogic.followup.registered_findings import matching_rules
from AIImagingLogic.followup.visit_spaces import VisitSpaces
from AIImagingLogic.images.geometry import Points
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.timeline import Visit


@dataclass(frozen=True)
class Absence:
    """A visit at which a lesion was not seen.

    Attributes
    ----------
    expected_mm : LPS mm where it would lie, None where no registration says
    uncovered : why the visit could not have shown it, None when it could
    nearest : words on the nearest finding there
    """

    expected_mm: Vector | None
    uncovered: str | None
    nearest: str = ""


def absence_at(
    spaces: VisitSpaces, visits: Sequence[Visit], finding: Finding, seen_at: int, visit: int, found_mm: Points
) -> Absence:
    """Return what is known of the place of a finding at another visit.

    A visit counts as able to show it only where the whole lesion would lie in the image even if the registration is
    off by twice its stated error: what cannot be told is never called gone.

    Parameters
    ----------
    spaces : of the visits
    visits : in order of time
    finding : of visit `seen_at`
    visit : the index of the other one
    found_mm : (N, 3) mm, LPS, what was found at the other one
    """
    label = visits[visit].label
    if not spaces.connected(seen_at, visit):
        return Absence(None, f"there is no registration between the {visits[seen_at].label} and the {label}")
    places, known = spaces.carried(seen_at, visit, center_of(finding))
    if not known[0]:
        return Absence(None, f"the registration has no inverse at its place at the {label}")
    error_mm = spaces.error_mm(seen_at, visit)
    edge_mm = matching_rules()["edge_errors"] * error_mm
    uncovered = not_covered(visits[visit], places[0], diameter_of(finding) / 2, error_mm, edge_mm)
    return Absence(vector(places[0]), uncovered, nearest_words(found_mm, places[0]))


def nearest_words(found_mm: Points, expected_mm: Points) -> str:
    """Return how far from a place (3,) the nearest of the findings (N, 3) mm, LPS lies, to follow 'Not found'."""
    if len(found_mm) == 0:
        return ", where nothing was found"
    return f": the nearest finding lies {np.linalg.norm(found_mm - expected_mm, axis=1).min():.0f} mm from its place"
