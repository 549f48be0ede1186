"""Free-response analysis: sensitivity against false positives per scan, the competition metric, bootstrap intervals."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.evaluation.detection import ScanMatch

OPERATING_POINTS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per scan at which the competition metric reads the sensitivity."""

_QUANTILES = (0.025, 0.975)


@dataclass(frozen=True)
class FrocCurve:
    """Sensitivity at every threshold, the strictest first; before it nothing is marked.

    Attributes
    ----------
    thresholds : (N,) scores; infinite where nothing is marked
    false_positives_per_scan, sensitivity : (N,)
    """

    thresholds: NDArray[np.float64]
    false_positives_per_scan: NDArray[np.float64]
    sensitivity: NDArray[np.float64]

    def at(self, rate: float) -> float:
        """Return the sensitivity at a rate, interpolated; beyond the last mark it stays what it was."""
        return float(np.interp(rate, self.false_positives_per_scan, self.sensitivity))

    @property
    def competition_metric(self) -> float:
        """LUNA16's metric (CPM): the mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per scan."""
        return float(np.mean([self.at(rate) for rate in OPERATING_POINTS]))


@dataclass(frozen=True)
class FrocIntervals:
    """95% intervals over patients drawn again with replacement.

    Attributes
    ----------
    rates : false positives per scan
    sensitivity : (low, high) at each rate
    competition_metric : (low, high)
    patients, repeats : how many were drawn, how often
    """

    rates: tuple[float, ...]
    sensitivity: tuple[tuple[float, float], ...]
    competition_metric: tuple[float, float]
    patients: int
    repeats: int


class _Marks:
    """All marks that count, in the order of their scores, so that a curve is two running sums."""

    def __init__(self, scans: Sequence[ScanMatch]) -> None:
        hits = [(number, score) for number, scan in enumerate(scans) for score in scan.hit_scores if score is not None]
        false = [(number, score) for number, scan in enumerate(scans) for score in scan.false_positive_scores]
        found = np.array(hits + false, float).reshape(-1, 2)
        is_hit = np.arange(len(found)) < len(hits)
        order = np.argsort(-found[:, 1], kind="stable")
        self.scan = found[order, 0].astype(np.intp)
        self.is_hit = is_hit[order]
        scores = found[order, 1]
        # Marks of one score come or go together.
        self.ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True)) if len(scores) else np.zeros(0, np.intp)
        self.thresholds = scores[self.ends]
        self.lesions = np.array([len(scan.hit_scores) for scan in scans], float)

    def counts(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return false positives per scan and sensitivity at no mark and at each threshold, scans counted by weight."""
        of_mark = weights[self.scan]
        hits = np.cumsum(np.where(self.is_hit, of_mark, 0.0))[self.ends]
        false = np.cumsum(np.where(self.is_hit, 0.0, of_mark))[self.ends]
        lesions = float(weights @ self.lesions)
        return np.append(0.0, false) / float(weights.sum()), np.append(0.0, hits) / lesions


def froc_curve(scans: Sequence[ScanMatch]) -> FrocCurve:
    """Return the curve of scans.

    Scans without lesions count in the false positives, missed lesions in the sensitivity.

    Raises
    ------
    ValueError
        There is no scan, or no lesion in any.

    References
    ----------
    Setio AAA et al. Med Image Anal 2017;42:1-13 (LUNA16).
    """
    marks = _Marks(scans)
    if marks.lesions.sum() == 0:
        raise ValueError("Sensitivity needs at least one lesion.")
    rate, sensitivity = marks.counts(np.ones(len(scans)))
    return FrocCurve(np.append(np.inf, marks.thresholds), rate, sensitivity)


def froc_intervals(
    scans: Sequence[ScanMatch],
    patients: Sequence[Hashable] | None = None,
    rates: Sequence[float] = OPERATING_POINTS,
    repeats: int = 1000,
    seed: int = 0,
) -> FrocIntervals:
    """Return 95% percentile intervals of the sensitivity at `rates` and of the competition metric.

    Parameters
    ----------
    scans : at least one with a lesion
    patients : whose each scan is; all scans of a patient are drawn together. None: each scan is a patient
    rates : false positives per scan
    repeats, seed : of the drawing. Draws without a lesion are drawn again

    Raises
    ------
    ValueError
        There is no scan, or no lesion in any.
    """
    marks = _Marks(scans)
    if marks.lesions.sum() == 0:
        raise ValueError("Sensitivity needs at least one lesion.")
    known = {who: number for number, who in enumerate(dict.fromkeys(patients or range(len(scans))))}
    whose = np.array([known[who] for who in (patients or range(len(scans)))])
    random = np.random.default_rng(seed)
    wanted = np.array([*rates, *OPERATING_POINTS])
    values: list[NDArray[np.float64]] = []
    while len(values) < repeats:
        drawn = np.bincount(random.integers(0, len(known), len(known)), minlength=len(known)).astype(float)[whose]
        if drawn @ marks.lesions > 0:
            values.append(np.interp(wanted, *marks.counts(drawn)))
    table = np.array(values)
    low, high = np.quantile(table[:, : len(rates)], _QUANTILES, axis=0)
    metric = np.quantile(table[:, len(rates) :].mean(1), _QUANTILES)
    return FrocIntervals(
        rates=tuple(rates),
        sensitivity=tuple((float(a), float(b)) for a, b in zip(low, high)),
        competition_metric=(float(metric[0]), float(metric[1])),
        patients=len(known),
        repeats=repeats,
    )
