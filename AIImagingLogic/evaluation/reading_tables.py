"""Ways of reading compared: sensitivity, false marks a case and reading time, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.evaluation.detection import match_marks
from AIImagingLogic.evaluation.detection_files import TrueLesion
from AIImagingLogic.evaluation.hit_rules import LUNA16, HitRule
from AIImagingLogic.evaluation.reading_results import ArmReading, scored_marks
from AIImagingLogic.records.json_form import Record

ALL_READERS = "all"
_QUANTILES = (0.025, 0.975)
_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate(Record):
    """A figure with its 95% interval; None where there is nothing to tell it from."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ArmFigures(Record):
    """One way of reading, by one reader or by all.

    Attributes
    ----------
    reader : code, or ``all``
    arm : the mode; ``second-reader-alone`` for the locked stage of a second reader
    readings, lesions : how many; a lesion counts once for each reader
    sensitivity : of the final marks, whatever their score
    false_marks_per_case
    median_seconds : of active reading
    sensitivity_gain, false_marks_gain, seconds_gain : above the first way of reading, same cases drawn; None for it
    """

    reader: str
    arm: str
    readings: int
    lesions: int
    sensitivity: Estimate
    false_marks_per_case: Estimate
    median_seconds: Estimate
    sensitivity_gain: Estimate | None = None
    false_marks_gain: Estimate | None = None
    seconds_gain: Estimate | None = None


@dataclass(frozen=True)
class _Counts:
    """Of each reading: whose case it is (a number), lesions, hits, false marks, seconds."""

    patient: NDArray[np.intp]
    lesions: _Array
    hits: _Array
    false: _Array
    seconds: _Array


def reading_figures(
    by_arm: Mapping[str, Sequence[ArmReading]],
    lesions: Mapping[str, Sequence[TrueLesion]],
    patients: Mapping[str, str],
    rule: HitRule = LUNA16,
    repeats: int = 1000,
    seed: int = 0,
) -> tuple[ArmFigures, ...]:
    """Return the figures of each way of reading, of all readers first and then of each.

    Cases are drawn again with replacement (all cases of a patient, and all readings of a case, together); readers are
    not. So the intervals say how far the figures would move with other cases and the same readers, and nothing of
    other readers.

    Parameters
    ----------
    by_arm : readings by way of reading, the one to compare with first
    lesions : by case; excluded findings among them
    patients : whose each case is
    rule : when a mark hits
    repeats, seed : of the bootstrap

    References
    ----------
    Efron B, Tibshirani R. An Introduction to the Bootstrap. 1993, ch. 13 (percentile intervals).
    """
    number = {patient: place for place, patient in enumerate(dict.fromkeys(patients.values()))}
    count = len(number)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=repeats).astype(float)
    # What was found first, each patient once; then the draws.
    weights = np.vstack([np.ones(count), drawn])
    whose = {case: number[patient] for case, patient in patients.items()}
    readers = list(dict.fromkeys(reading.reader for readings in by_arm.values() for reading in readings))
    chosen = [ALL_READERS, *(readers if len(readers) > 1 else ())]
    figures = []
    for reader in chosen:
        first: tuple[_Array, ...] | None = None
        for arm, readings in by_arm.items():
            own = [reading for reading in readings if reader in (ALL_READERS, reading.reader)]
            if not own:
                continue
            counts = _counts(own, lesions, whose, rule)
            values = _values(counts, weights)
            gains = [None] * 3 if first is None else [_estimate(one - two) for one, two in zip(values, first)]
            first = values if first is None else first
            figures.append(
                ArmFigures(
                    reader, arm, len(own), int(counts.lesions.sum()), *(_estimate(value) for value in values), *gains
                )
            )
    return tuple(figures)


def _counts(
    readings: Sequence[ArmReading], lesions: Mapping[str, Sequence[TrueLesion]], whose: Mapping[str, int], rule: HitRule
) -> _Counts:
    rows = []
    for reading in readings:
        targets = [lesion.target for lesion in lesions.get(reading.case, ())]
        match = match_marks(scored_marks(reading), targets, rule)
        found = sum(score is not None for score in match.hit_scores)
        rows.append((len(match.hit_scores), found, len(match.false_positives), reading.seconds))
    table = np.array(rows, float).T
    patient = np.array([whose[reading.case] for reading in readings], dtype=np.intp)
    return _Counts(patient, *table)


def _values(counts: _Counts, weights: _Array) -> tuple[_Array, _Array, _Array]:
    """Return sensitivity, false marks a case and median seconds for each row of weights of the patients."""
    of_reading = weights[:, counts.patient]
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivity = (of_reading @ counts.hits) / (of_reading @ counts.lesions)
        false = (of_reading @ counts.false) / of_reading.sum(axis=1)
    return sensitivity, false, _medians(counts.seconds, of_reading)


def _medians(values: _Array, weights: _Array) -> _Array:
    """Return the median of values that count as often as their weights say, for each row of weights."""
    order = np.argsort(values, kind="stable")
    ordered, running = values[order], np.cumsum(weights[:, order], axis=1)
    half = running[:, -1:] / 2
    low = np.minimum((running < half).sum(axis=1), len(values) - 1)
    high = np.minimum((running <= half).sum(axis=1), len(values) - 1)
    middle = (ordered[low] + ordered[high]) / 2
    result: _Array = np.where(running[:, -1] > 0, middle, np.nan)
    return result


def _estimate(values: _Array) -> Estimate:
    """Return the first value with the interval of the others; draws that say nothing are left out."""
    drawn = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or not len(drawn):
        return Estimate(None, None, None)
    low, high = np.quantile(drawn, _QUANTILES)
    return Estimate(float(values[0]), float(low), float(high))
