"""False positives with the multi-view stage over those without it, at equal sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from AIImagingLogic.evaluation.detection import ScanMatch
from AIImagingLogic.evaluation.froc import OPERATING_POINTS, FrocCurve, froc_curve

_ROUNDING = 1e-9
_QUANTILES = (0.025, 0.975)
Pairs = Sequence[tuple[ScanMatch, ScanMatch]]
"""Each scan without and with the stage."""


@dataclass(frozen=True)
class Ratio:
    """What the stage leaves of the false positives.

    Attributes
    ----------
    operating : at the sensitivity that the detector alone has at its operating score; None where it has none there
    sensitivity, before, after : that sensitivity, and false positives a scan without and with the stage
    froc : mean of the ratios at the sensitivities that the detector alone has at the rates of LUNA16's metric, those
        left out where it needs no false positive at all; None where it never needs one
    metric_before, metric_after : LUNA16's metric
    """

    operating: float | None
    sensitivity: float
    before: float
    after: float
    froc: float | None
    metric_before: float
    metric_after: float


def false_positive_ratio(pairs: Pairs, operating_score: float) -> Ratio:
    """Return the ratio over scans of which at least one has a lesion."""
    before, after = (froc_curve(matches) for matches in zip(*pairs))
    shown = before.thresholds >= operating_score
    sensitivity = float(before.sensitivity[shown].max())
    own, other = _rate(before, sensitivity), _rate(after, sensitivity)
    ratios = []
    for rate in OPERATING_POINTS:
        at = float(before.sensitivity[before.false_positives_per_scan <= rate + _ROUNDING].max())
        needed = _rate(before, at)
        if needed > 0:
            ratios.append(_rate(after, at) / needed)
    return Ratio(
        other / own if own > 0 else None,
        sensitivity,
        own,
        other,
        float(np.mean(ratios)) if ratios else None,
        before.competition_metric,
        after.competition_metric,
    )


def ratio_interval(pairs: Pairs, operating_score: float, repeats: int = 500, seed: int = 0) -> list[list[float] | None]:
    """Return 95% intervals of `Ratio.operating` and `Ratio.froc` over scans drawn again with replacement."""
    random = np.random.default_rng(seed)
    drawn: list[list[float]] = [[], []]
    for _ in range(repeats):
        some = [pairs[number] for number in random.integers(0, len(pairs), len(pairs))]
        if not any(match.hit_scores for match, _ in some):
            continue
        ratio = false_positive_ratio(some, operating_score)
        for values, value in zip(drawn, (ratio.operating, ratio.froc)):
            if value is not None:
                values.append(value)
    return [[float(value) for value in np.quantile(values, _QUANTILES)] if values else None for values in drawn]


def _rate(curve: FrocCurve, sensitivity: float) -> float:
    """Return the least false positives a scan at which `sensitivity` is reached; infinite where it never is."""
    reached = np.flatnonzero(curve.sensitivity >= sensitivity - _ROUNDING)
    return float(curve.false_positives_per_scan[reached[0]]) if len(reached) else float("inf")
