"""How well marks find lesions: hits by LUNA16's rule, sensitivity against false positives per scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OPERATING_POINTS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per scan at which the competition metric reads the sensitivity."""

_UNKNOWN_DIAMETER_MM = 10.0


@dataclass(frozen=True)
class Mark:
    """What a detector points at: (3,) LPS mm, and its score."""

    position_mm: tuple[float, float, float]
    score: float


@dataclass(frozen=True)
class Target:
    """A lesion to be found, or one that is excluded: marks on it count neither way. Negative diameter: not known."""

    position_mm: tuple[float, float, float]
    diameter_mm: float
    excluded: bool = False


@dataclass(frozen=True)
class ScanMatch:
    """The marks of one scan against its lesions.

    Attributes
    ----------
    best_marks : for each target, the index of the best mark on it, None where it was missed or is excluded
    hit_scores : for each target that counts, the best score on it, None where it was missed
    false_positives : indices of the marks on nothing
    false_positive_scores : their scores
    """

    best_marks: tuple[int | None, ...]
    hit_scores: tuple[float | None, ...]
    false_positives: tuple[int, ...]
    false_positive_scores: tuple[float, ...]


def match_marks(marks: Sequence[Mark], targets: Sequence[Target]) -> ScanMatch:
    """Match the marks of one scan with its lesions.

    A mark hits a lesion when it is nearer to its centre than the lesion's radius. Of several marks on a lesion the best
    counts and the others are dropped, as are marks on excluded targets; every other mark is a false positive.

    References
    ----------
    Setio AAA et al. Med Image Anal 2017;42:1-13 (LUNA16).
    """
    positions = np.array([mark.position_mm for mark in marks], float).reshape(-1, 3)
    scores = np.array([mark.score for mark in marks], float)
    on_something = np.zeros(len(marks), bool)
    best_marks: list[int | None] = []
    for target in targets:
        diameter = target.diameter_mm if target.diameter_mm >= 0 else _UNKNOWN_DIAMETER_MM
        hits = np.linalg.norm(positions - np.asarray(target.position_mm), axis=1) < diameter / 2
        on_something |= hits
        found = hits.any() and not target.excluded
        best_marks.append(int(np.argmax(np.where(hits, scores, -np.inf))) if found else None)
    counted = [best for best, target in zip(best_marks, targets) if not target.excluded]
    false_positives = tuple(np.flatnonzero(~on_something).tolist())
    return ScanMatch(
        best_marks=tuple(best_marks),
        hit_scores=tuple(None if best is None else float(scores[best]) for best in counted),
        false_positives=false_positives,
        false_positive_scores=tuple(float(scores[index]) for index in false_positives),
    )


def froc_curve(scans: Sequence[ScanMatch]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return false positives per scan and sensitivity at every threshold, the strictest first.

    Scans without lesions count in the false positives, missed lesions in the sensitivity.

    Raises
    ------
    ValueError
        There is no scan, or no lesion in any.
    """
    hits = [score for scan in scans for score in scan.hit_scores]
    if not hits:
        raise ValueError("Sensitivity needs at least one lesion.")
    found = np.array([score for score in hits if score is not None], float)
    false = np.array([score for scan in scans for score in scan.false_positive_scores], float)
    thresholds = np.unique(np.concatenate([found, false]))[::-1]
    sensitivity = [0.0, *((found >= limit).sum() / len(hits) for limit in thresholds)]
    rate = [0.0, *((false >= limit).sum() / len(scans) for limit in thresholds)]
    return np.array(rate), np.array(sensitivity)


def sensitivity_at(scans: Sequence[ScanMatch], false_positives_per_scan: float) -> float:
    """Return the sensitivity at a rate of false positives, interpolated; beyond the last mark it stays what it was."""
    rate, sensitivity = froc_curve(scans)
    return float(np.interp(false_positives_per_scan, rate, sensitivity))


def competition_metric(scans: Sequence[ScanMatch]) -> float:
    """Return LUNA16's metric (CPM): the mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per scan."""
    return float(np.mean([sensitivity_at(scans, rate) for rate in OPERATING_POINTS]))


def bootstrap_interval(
    scans: Sequence[ScanMatch], false_positives_per_scan: float, repeats: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Return the 95% interval of `sensitivity_at` over scans drawn again with replacement.

    Draws without a lesion are drawn again.
    """
    random = np.random.default_rng(seed)
    values: list[float] = []
    while len(values) < repeats:
        drawn = [scans[index] for index in random.integers(0, len(scans), len(scans))]
        if any(scan.hit_scores for scan in drawn):
            values.append(sensitivity_at(drawn, false_positives_per_scan))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
