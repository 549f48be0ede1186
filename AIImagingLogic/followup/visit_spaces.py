"""From the space of one visit to that of any other, through the registrations between neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from AIImagingLogic.followup.inverse_points import inverse_points
from AIImagingLogic.followup.registered_findings import (
    Inverse,
    RegisteredFindings,
    centers_of,
    matching_rules,
    registration_error_mm,
)
from AIImagingLogic.images.geometry import Points, transform_points
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.registration import Registration


class VisitSpaces:
    """The spaces of the visits of a timeline.

    Parameters
    ----------
    registrations : one from each visit's points to the next visit's, LPS mm; None where there is none
    inverses : the inverse of each on points, where it is known; else it is found point by point
    """

    def __init__(
        self, registrations: Sequence[Registration | None], inverses: Sequence[Inverse | None] | None = None
    ) -> None:
        self._registrations = tuple(registrations)
        self._inverses = tuple(inverses) if inverses is not None else (None,) * len(self._registrations)

    def connected(self, start: int, end: int) -> bool:
        """Whether there is a registration between each two neighbours on the way."""
        return None not in self._between(start, end)

    def error_mm(self, start: int, end: int) -> float:
        """Return how far off a point carried from one visit to another is taken to be: errors add as variances."""
        known = [entry for entry in self._between(start, end) if entry is not None]
        return math.sqrt(sum(registration_error_mm(entry) ** 2 for entry in known))

    def carried(self, start: int, end: int, points: ArrayLike) -> tuple[Points, NDArray[np.bool_]]:
        """Return where points of one visit lie at another.

        Parameters
        ----------
        start, end : indices of visits; there must be a registration between each two on the way
        points : (N, 3) mm, LPS, in the space of visit `start`

        Returns
        -------
        (N, 3) mm, LPS
            In the space of visit `end`.
        (N,)
            False where a registration has no inverse at the place: the point means nothing there.
        """
        places = np.asarray(points, dtype=float).reshape(-1, 3)
        known = np.ones(len(places), dtype=bool)
        step = 1 if end > start else -1
        for visit in range(start, end, step):
            places, has_place = self._stepped(visit, visit + step, places)
            known &= has_place
        return places, known

    def findings(
        self, start: int, end: int, earlier: Sequence[Finding], later: Sequence[Finding]
    ) -> RegisteredFindings:
        """Return findings of visits `start` and `end` (later) with their places at the other."""
        expected_later, _ = self.carried(start, end, centers_of(earlier))
        expected_earlier, has_inverse = self.carried(end, start, centers_of(later))
        error_mm = self.error_mm(start, end)
        return RegisteredFindings(earlier, later, expected_later, expected_earlier, has_inverse, error_mm)

    def _between(self, start: int, end: int) -> tuple[Registration | None, ...]:
        return self._registrations[min(start, end) : max(start, end)]

    def _stepped(self, start: int, end: int, points: Points) -> tuple[Points, NDArray[np.bool_]]:
        registration, inverse = self._registrations[min(start, end)], self._inverses[min(start, end)]
        if registration is None:
            raise ValueError(f"There is no registration between the visits {start} and {end}.")
        everywhere = np.ones(len(points), dtype=bool)
        if end > start:
            return transform_points(registration.transform, points), everywhere
        if inverse is not None:
            return np.asarray(inverse(points), dtype=float).reshape(-1, 3), everywhere
        places, residual = inverse_points(registration.transform, points)
        return places, residual <= matching_rules()["inverse_tolerance_mm"]
