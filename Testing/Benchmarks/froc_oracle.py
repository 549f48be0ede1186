"""The free-response analysis against a plain implementation of its definition, and how long it takes on many scans."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from AIImagingLogic.evaluation.detection import Mark, Target, match_marks
from AIImagingLogic.evaluation.froc import OPERATING_POINTS, froc_curve, froc_intervals
from Testing.Benchmarks.reporting import Figures, run_as_command

CASES = 10_000
SCANS, MARKS, LESIONS, TURNS = 1_000, 100, 3, 3
Scan = tuple[list[Mark], list[Target]]


def plain_froc(scans: Sequence[Scan]) -> tuple[list[tuple[float, float]], float]:
    """Return (false positives per scan, sensitivity) at each threshold, and the competition metric.

    Everything is counted anew at each threshold, mark by mark, as the definition says.
    """
    lesions = sum(not target.excluded for _, targets in scans for target in targets)
    thresholds = sorted({mark.score for marks, _ in scans for mark in marks}, reverse=True)
    points = [(0.0, 0.0)]
    for threshold in thresholds:
        found = false = 0
        for marks, targets in scans:
            shown = [mark for mark in marks if mark.score >= threshold]
            found += sum(not target.excluded and any(_hits(mark, target) for mark in shown) for target in targets)
            false += sum(not any(_hits(mark, target) for target in targets) for mark in shown)
        points.append((false / len(scans), found / lesions))
    return points, math.fsum(_between(points, rate) for rate in OPERATING_POINTS) / len(OPERATING_POINTS)


def _hits(mark: Mark, target: Target) -> bool:
    radius = 5.0 if target.diameter_mm < 0 else target.diameter_mm / 2
    return math.dist(mark.position_mm, target.position_mm) < radius


def _between(points: Sequence[tuple[float, float]], rate: float) -> float:
    before = [point for point in points if point[0] <= rate][-1]
    after = [point for point in points if point[0] > rate]
    if not after:
        return before[1]
    share = (rate - before[0]) / (after[0][0] - before[0])
    return before[1] + share * (after[0][1] - before[1])


def random_scans(random: np.random.Generator) -> list[Scan]:
    """Return some scans: few and coarse numbers, so that ties, touching radii and shared marks are common."""
    scans: list[Scan] = []
    for _ in range(int(random.integers(1, 6))):
        targets = [
            Target(
                tuple(random.integers(0, 12, 3).astype(float)),
                float(random.choice([-1.0, 4.0, 6.0, 8.0, 10.0])),
                bool(random.random() < 0.2),
            )
            for _ in range(int(random.integers(0, 4)))
        ]
        marks = [
            Mark(tuple(random.integers(0, 12, 3).astype(float)), float(random.integers(0, 10)) / 10)
            for _ in range(int(random.integers(0, 9)))
        ]
        scans.append((marks, targets))
    if not any(not target.excluded for _, targets in scans for target in targets):
        scans.append(([], [Target((0.0, 0.0, 0.0), 6.0)]))
    return scans


def differs(scans: Sequence[Scan]) -> bool:
    """Return whether the two implementations say different things of scans."""
    points, metric = plain_froc(scans)
    curve = froc_curve([match_marks(*scan) for scan in scans])
    # Marks that are all dropped leave a threshold without a change: the plain curve has one point more.
    ours = dict(zip(curve.thresholds, zip(curve.false_positives_per_scan, curve.sensitivity)))
    thresholds = [math.inf, *sorted({mark.score for marks, _ in scans for mark in marks}, reverse=True)]
    known = (0.0, 0.0)
    for threshold, point in zip(thresholds, points):
        known = ours.get(threshold, known)
        if not np.allclose(known, point, atol=1e-12):
            return True
    return abs(curve.competition_metric - metric) > 1e-9


def made_up_scans(random: np.random.Generator, count: int) -> list[Scan]:
    """Return scans with lesions, most of them marked well, and many marks on nothing."""

    def places(count: int) -> list[tuple[float, float, float]]:
        return [tuple(place) for place in random.uniform(0, 300, (count, 3)).tolist()]

    scans: list[Scan] = []
    for _ in range(count):
        lesions = places(LESIONS)
        # Four of five lesions are marked; their marks score higher, not always.
        found = [lesion for lesion in lesions if random.random() < 0.8]
        scores = np.append(random.beta(4, 2, len(found)), random.beta(1, 8, MARKS - len(found)))
        marks = [Mark(place, score) for place, score in zip(found + places(MARKS - len(found)), scores.tolist())]
        scans.append((marks, [Target(lesion, 10.0) for lesion in lesions]))
    return scans


def run(tell: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Return how often the two differ, and seconds with and without the intervals."""
    mismatches = 0
    for number in range(CASES):
        if differs(random_scans(np.random.default_rng(number))):
            mismatches += 1
            tell(f"case {number} differs")
    scans = made_up_scans(np.random.default_rng(0), SCANS)
    seconds, bootstrap = [], []
    for _ in range(TURNS):
        began = time.perf_counter()
        matches = [match_marks(*scan) for scan in scans]
        metric = froc_curve(matches).competition_metric
        seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
        interval = froc_intervals(matches).competition_metric
        bootstrap.append(time.perf_counter() - began)
    tell(f"CPM of made-up marks {metric:.4f}, 95% interval {interval[0]:.4f} to {interval[1]:.4f}")
    figures: Figures = {
        "mismatches": mismatches,
        "seconds": statistics.median(seconds),
        "bootstrap_seconds": statistics.median(bootstrap),
    }
    return figures, {"cases": CASES, "scans": SCANS, "marks_a_scan": MARKS, "resamples": 1000, "turns": TURNS}


if __name__ == "__main__":
    run_as_command("froc_oracle", run)
