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


class RegisteredFindings:
    """The findings of both visits and their places.

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
        registration: Registration,
        inverse: Inverse | None,
    ) -> None:
        self.earlier, self.later = earlier, later
        self.earlier_mm = np.array([center_of(finding) for finding in earlier]).reshape(-1, 3)
        self.later_mm = np.array([center_of(finding) for finding in later]).reshape(-1, 3)
        self.expected_later = transform_points(registration.transform, self.earlier_mm)
        if inverse is None:
            self.expected_earlier, residual = inverse_points(registration.transform, self.later_mm)
            self.has_inverse = residual <= matching_rules()["inverse_tolerance_mm"]
        else:
            self.expected_earlier = np.asarray(inverse(self.later_mm), dtype=float).reshape(-1, 3)
            self.has_inverse = np.ones(len(later), dtype=bool)
        self.error_mm = registration_error_mm(registration)

    def distances(self) -> NDArray[np.float64]:
        """Return distances (earlier, later) mm: the mean square of those at the later and at the earlier visit."""
        there = np.linalg.norm(self.expected_later[:, None] - self.later_mm[None], axis=2)
        back = np.linalg.norm(self.earlier_mm[:, None] - self.expected_earlier[None], axis=2)
        back = np.where(self.has_inverse[None], back, there)
        distances: NDArray[np.float64] = np.sqrt((there**2 + back**2) / 2)
        return distances

    def tolerance_mm(self, i: int, j: int) -> float:
        """Return the distance (mm) that registration error and size explain for a pair."""
        size = (diameter_of(self.earlier[i]) + diameter_of(self.later[j])) / 2
        return math.hypot(self.error_mm, matching_rules()["size_share"] * size)

    def pair_cost(self) -> NDArray[np.float64]:
        """Return the cost (earlier, later) of each pair, without unit: distance, volume and attenuation."""
        rules = matching_rules()
        distances = self.distances()
        cost = np.zeros_like(distances)
        for i, first in enumerate(self.earlier):
            for j, second in enumerate(self.later):
                apart = distances[i, j] / self.tolerance_mm(i, j)
                ratio = math.log(max(volume_of(second), 1e-3) / max(volume_of(first), 1e-3)) / rules["volume_log_sd"]
                cost[i, j] = (apart**2 + ratio**2) / 2 + _attenuation_cost(first, second)
        return cost


def registration_error_mm(registration: Registration) -> float:
    """Return how far off a registered point is taken to be: by the kind of registration and its inverse consistency."""
    by_kind = matching_rules()["registration_error_mm"]
    return math.hypot(
        by_kind.get(registration.kind, by_kind["other"]), registration.quality.inverse_consistency_mm or 0.0
    )


def _attenuation_cost(first: Finding, second: Finding) -> float:
    order = matching_rules()["attenuation_order"]
    words = [finding.descriptors.get("attenuation", "") for finding in (first, second)]
    if not all(word in order for word in words):
        return 0.0
    return float(abs(order.index(words[0]) - order.index(words[1])) * matching_rules()["attenuation_step_cost"])


def matching_rules() -> dict[str, Any]:
    """Return the figures of Resources/rules/matching.json."""
    rules: dict[str, Any] = load_resource("rules/matching.json")
    return rules
