"""The findings of two visits, where each lies or would lie at the other, and what it costs to link a pair."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.followup.finding_extent import center_of, diameter_of, volume_of
from AIImagingLogic.followup.inverse_points import inverse_points
from AIImagingLogic.images.geometry import Points, transform_points
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.resources import load_resource

Inverse = Callable[[Points], Points]
"""Takes points of the later image (N, 3) mm, LPS to points of the earlier one."""

_LEAST_MM3 = 1e-3


class RegisteredFindings:
    """The findings of two visits and their places.

    Attributes
    ----------
    earlier, later : findings
    earlier_mm, later_mm : (N, 3) mm, LPS, where they lie, each in its own image
    expected_later, expected_earlier : (N, 3) mm, LPS, where the registration takes them in the other image
    has_inverse : (N,) whether the place of a later finding in the earlier image could be computed
    error_mm : how far off a registered point is taken to be
    """

    def __init__(
        self,
        earlier: Sequence[Finding],
        later: Sequence[Finding],
        expected_later: Points,
        expected_earlier: Points,
        has_inverse: NDArray[np.bool_],
        error_mm: float,
    ) -> None:
        self.earlier, self.later = earlier, later
        self.earlier_mm, self.later_mm = centers_of(earlier), centers_of(later)
        self.expected_later, self.expected_earlier = expected_later, expected_earlier
        self.has_inverse = has_inverse
        self.error_mm = error_mm
        self._sizes = [np.array([diameter_of(finding) for finding in group]) for group in (earlier, later)]

    def distances(self) -> NDArray[np.float64]:
        """Return distances (earlier, later) mm: the mean square of those at the later and at the earlier visit."""
        there = np.linalg.norm(self.expected_later[:, None] - self.later_mm[None], axis=2)
        back = np.linalg.norm(self.earlier_mm[:, None] - self.expected_earlier[None], axis=2)
        back = np.where(self.has_inverse[None], back, there)
        distances: NDArray[np.float64] = np.sqrt((there**2 + back**2) / 2)
        return distances

    def tolerance_mm(self, i: int, j: int) -> float:
        """Return the distance (mm) that registration error and size explain for a pair."""
        return float(self._tolerances()[i, j])

    def pair_cost(self) -> NDArray[np.float64]:
        """Return the cost (earlier, later) of each pair, without unit: distance, volume and attenuation."""
        first, second = (
            np.log([max(volume_of(finding), _LEAST_MM3) for finding in group]) for group in (self.earlier, self.later)
        )
        ratio = (second.reshape(1, -1) - first.reshape(-1, 1)) / matching_rules()["volume_log_sd"]
        cost: NDArray[np.float64] = ((self.distances() / self._tolerances()) ** 2 + ratio**2) / 2
        return cost + _attenuation_cost(self.earlier, self.later)

    def _tolerances(self) -> NDArray[np.float64]:
        size = (self._sizes[0].reshape(-1, 1) + self._sizes[1].reshape(1, -1)) / 2
        tolerances: NDArray[np.float64] = np.hypot(self.error_mm, matching_rules()["size_share"] * size)
        return tolerances


def registered_findings(
    earlier: Sequence[Finding], later: Sequence[Finding], registration: Registration, inverse: Inverse | None = None
) -> RegisteredFindings:
    """Return the findings of two visits with one registration between them.

    Parameters
    ----------
    earlier, later : findings
    registration : takes points of the earlier image to points of the later one
    inverse : the registration's inverse on points; found point by point when not given
    """
    later_mm = centers_of(later)
    if inverse is None:
        expected_earlier, residual = inverse_points(registration.transform, later_mm)
        has_inverse = residual <= matching_rules()["inverse_tolerance_mm"]
    else:
        expected_earlier = np.asarray(inverse(later_mm), dtype=float).reshape(-1, 3)
        has_inverse = np.ones(len(later), dtype=bool)
    expected_later = transform_points(registration.transform, centers_of(earlier))
    error_mm = registration_error_mm(registration)
    return RegisteredFindings(earlier, later, expected_later, expected_earlier, has_inverse, error_mm)


def centers_of(findings: Sequence[Finding]) -> Points:
    """Return the centres of findings: (N, 3) mm, LPS."""
    return np.array([center_of(finding) for finding in findings], dtype=float).reshape(-1, 3)


def registration_error_mm(registration: Registration) -> float:
    """Return how far off a registered point is taken to be: by the kind of registration and its inverse consistency."""
    by_kind = matching_rules()["registration_error_mm"]
    return math.hypot(
        by_kind.get(registration.kind, by_kind["other"]), registration.quality.inverse_consistency_mm or 0.0
    )


def _attenuation_cost(first: Sequence[Finding], second: Sequence[Finding]) -> NDArray[np.float64]:
    """Return what each step of attenuation between two findings costs; nothing where one is not known."""
    order = matching_rules()["attenuation_order"]
    ranks = [
        np.array([order.index(word) if word in order else np.nan for word in words], dtype=float)
        for words in ([finding.descriptors.get("attenuation", "") for finding in group] for group in (first, second))
    ]
    steps = np.abs(ranks[0].reshape(-1, 1) - ranks[1].reshape(1, -1))
    cost: NDArray[np.float64] = np.nan_to_num(steps) * matching_rules()["attenuation_step_cost"]
    return cost


def matching_rules() -> dict[str, Any]:
    """Return the figures of Resources/rules/matching.json."""
    rules: dict[str, Any] = load_resource("rules/matching.json")
    return rules
