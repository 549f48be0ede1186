"""Repeat scans of nodules of known volume: how often the stated 95% interval of a change holds the true change."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.measure.change_over_time import Verdict, VisitChange, visit_change
from AIImagingLogic.measure.finding import make_finding
from AIImagingLogic.measure.growth import doubling_interval, doubling_time_days, log_ratio_deviation, measured_change
from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.measurement import Measurement
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.tasks.detect import OUTLINE_MODEL
from Testing.Benchmarks.reporting import Figures, run_as_command
from Testing.Benchmarks.rescanned_nodules import (
    COURSES,
    EXAM_STREAM,
    SIZE_CLASSES_MM,
    RescannedPair,
    rescanned_pair,
)

PAIRS = 207
# How far a detector's mark lies off the middle (share of the diameter), and how far its diameter is off (log).
_SEED_OFF, _SEED_SIZE = 0.1, 0.12


@dataclass(frozen=True)
class _Outcome:
    """What became of a pair.

    Attributes
    ----------
    inside : the stated interval of the change holds the true change
    half_width : of that interval, percent points
    volume_inside : of each scan, the stated interval of the volume holds the true one
    published_inside : the interval from the published statement alone holds the true change
    doubling_inside : the stated interval of the doubling time holds the true one; None where none was stated
    rate_inside : the same for every changed lesion, whether the change was called real or not; None for a stable one
    """

    pair: RescannedPair
    change: VisitChange
    inside: bool
    half_width: float
    volume_inside: tuple[bool, bool]
    published_inside: bool
    doubling_inside: bool | None
    rate_inside: bool | None


def outcome_of(pair: RescannedPair, number: int, stream: int) -> _Outcome | None:
    """Outline and measure both scans, and compare with the truth; None where a scan was not outlined."""
    random = np.random.default_rng([stream, number, 1])
    days = float(random.integers(60, 366))
    volumes = [_measured_volume(pair, scan, random) for scan in (0, 1)]
    first, second = volumes
    if first is None or second is None:
        return None
    values, intervals = (first.value, second.value), (first.interval_95, second.interval_95)
    found = visit_change("volume", values, days, intervals)
    before, after = pair.volumes_mm3
    true_percent = 100 * (after / before - 1)
    own = found.change.interval_95_percent
    assert own is not None
    doubling = None
    true_days = doubling_time_days(before, after, days) if pair.course != "stable" else math.inf
    if found.doubling_time_interval_95 is not None:
        doubling = _holds(found.doubling_time_interval_95, true_days)
    return _Outcome(
        pair=pair,
        change=found,
        inside=_holds(own, true_percent),
        half_width=(own[1] - own[0]) / 2,
        volume_inside=(_holds(intervals[0], before), _holds(intervals[1], after)),
        published_inside=_holds(measured_change("volume", *values).interval_95_percent, true_percent),
        doubling_inside=doubling,
        rate_inside=None if pair.course == "stable" else _rate_inside(found, intervals, days, true_days),
    )


def _measured_volume(pair: RescannedPair, scan: int, random: np.random.Generator) -> Measurement | None:
    image, organs = pair.images[scan], pair.organs[scan]
    diameter = (6 * pair.volumes_mm3[scan] / math.pi) ** (1 / 3)
    x, y, z = (float(v) for v in pair.middles_mm[scan] + random.normal(0, _SEED_OFF * diameter, 3))
    candidate = Candidate((x, y, z), diameter * math.exp(random.normal(0, _SEED_SIZE)), 1.0)
    info = describe(image, "CT", "HU")
    mask = load_model(OUTLINE_MODEL).outline(image, info, organs, candidate, Progress())
    if not sitk.GetArrayViewFromImage(mask).any():
        return None
    finding = make_finding(image, info, mask, organs, 1.0, 1)
    return next(entry for entry in finding.measurements if entry.name == "volume")


def _rate_inside(
    found: VisitChange, intervals: tuple[tuple[float, float] | None, ...], days: float, true_days: float
) -> bool:
    """Whether the interval of the doubling time holds the truth; one that reaches no growth goes on beyond it."""
    change = found.change
    deviation = log_ratio_deviation(change, intervals_95=(intervals[0], intervals[1]))
    assert deviation is not None
    interval = doubling_interval(change.before, change.after, deviation, days)
    if interval is None:
        return False
    if not any(math.isinf(end) for end in interval):
        return _holds(interval, true_days)
    # Rates, not times, are continuous through 'no growth': there the interval ends on the other side of it.
    log_ratio, true_ratio = math.log(change.after / change.before), math.log(2) * days / true_days
    return abs(log_ratio - true_ratio) <= 1.959964 * deviation


def _holds(interval: tuple[float, float] | None, value: float) -> bool:
    return interval is not None and interval[0] <= value <= interval[1]


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def run(tell: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Return the coverage over all pairs, by size class, course and kind."""
    outcomes: list[_Outcome] = []
    missed = 0
    for number in range(PAIRS):
        outcome = outcome_of(rescanned_pair(number, EXAM_STREAM), number, EXAM_STREAM)
        if outcome is None:
            missed += 1
            continue
        outcomes.append(outcome)
        tell(
            f"{number:4d} {outcome.pair.course:9s} {outcome.pair.scene.kind:12s} {outcome.pair.diameter_mm:5.1f} mm "
            f"{'inside ' if outcome.inside else 'OUTSIDE'} +-{outcome.half_width:.0f}%  {outcome.change.reason}"
        )
    stable = [entry for entry in outcomes if entry.pair.course == "stable"]
    changed = [entry for entry in outcomes if entry.pair.course != "stable"]
    doubling = [entry.doubling_inside for entry in outcomes if entry.doubling_inside is not None]
    figures: Figures = {
        "coverage_95": _share([entry.inside for entry in outcomes]),
        "coverage_by_size_mm": {
            f"{low:g}-{high:g}": _share([entry.inside for entry in outcomes if low <= entry.pair.nominal_mm < high])
            for low, high in SIZE_CLASSES_MM
        },
        "coverage_by_course": {
            course: _share([entry.inside for entry in outcomes if entry.pair.course == course]) for course in COURSES
        },
        "coverage_by_kind": {
            kind: _share([entry.inside for entry in outcomes if entry.pair.scene.kind == kind])
            for kind in ("solid", "part-solid", "ground-glass")
        },
        "median_half_width_percent_by_size_mm": {
            f"{low:g}-{high:g}": statistics.median(
                entry.half_width for entry in outcomes if low <= entry.pair.nominal_mm < high
            )
            for low, high in SIZE_CLASSES_MM
        },
        "volume_coverage_95": _share([inside for entry in outcomes for inside in entry.volume_inside]),
        "published_statement_coverage_95": _share([entry.published_inside for entry in outcomes]),
        "doubling_time_coverage_95": _share([bool(entry.rate_inside) for entry in changed]),
        "doubling_time_coverage_95_where_stated": _share(doubling),
        "doubling_times_stated": len(doubling),
        "stable_called_changed": sum(entry.change.verdict is Verdict.REAL for entry in stable),
        "not_outlined": missed,
    }
    return figures, {"pairs": PAIRS, "stream": EXAM_STREAM, "courses": COURSES, "size_classes_mm": SIZE_CLASSES_MM}


if __name__ == "__main__":
    run_as_command("uncertainty", run)
