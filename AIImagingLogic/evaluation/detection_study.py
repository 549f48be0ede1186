"""How well a detector did on many scans: LUNA16's metric with interval, by size and kind; misses and false marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from AIImagingLogic.evaluation.detection import Mark, ScanMatch, match_marks
from AIImagingLogic.evaluation.detection_files import TrueLesion
from AIImagingLogic.evaluation.froc import OPERATING_POINTS, FrocCurve, froc_curve, froc_intervals
from AIImagingLogic.evaluation.hit_rules import LUNA16, HitRule
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.json_form import Record

MOST_MARKS = 100
"""Marks a scan that count, the best first, as the challenge limits them."""

_SIZES_MM = (0.0, 4.0, 6.0, 8.0, 15.0, 30.0)
_SHOWN_AT = 1.0
_FEW_PATIENTS = 20


@dataclass(frozen=True)
class LesionScore(Record):
    """A lesion and the best mark on it.

    Attributes
    ----------
    scan : its name
    position_mm : LPS mm
    diameter_mm : negative: not known
    kind : as the truth names it, empty when it does not
    score : of the best mark on it, None when there is none
    found : at the study's operating point
    """

    scan: str
    position_mm: Vector
    diameter_mm: float
    kind: str
    score: float | None
    found: bool


@dataclass(frozen=True)
class FalseMark(Record):
    """A mark on nothing; LPS mm; whether it is shown at the study's operating point."""

    scan: str
    position_mm: Vector
    score: float
    shown: bool


@dataclass(frozen=True)
class GroupScore(Record):
    """The lesions of one size or kind: how many, and their metric at the whole study's false positives."""

    group: str
    lesions: int
    competition_metric: float


@dataclass(frozen=True)
class DetectionStudy(Record):
    """What a detector did on scans with known lesions.

    Attributes
    ----------
    rule : the hit rule, one sentence
    scans, patients, excluded : how many; findings that count neither way
    rates : false positives per scan
    sensitivity, sensitivity_interval : at each rate; 95%, patients drawn again
    competition_metric, competition_metric_interval : the mean over the rates
    curve : (threshold, false positives per scan, sensitivity) at each threshold, the strictest first
    operating_threshold : the lowest score at which there is at most one false positive a scan; None: there is none
    groups : by size and kind
    lesions, false_marks : each of them, by scan; the false marks best first
    notes : what a reader must know
    """

    rule: str
    scans: int
    patients: int
    excluded: int
    rates: tuple[float, ...]
    sensitivity: tuple[float, ...]
    sensitivity_interval: tuple[tuple[float, float], ...]
    competition_metric: float
    competition_metric_interval: tuple[float, float]
    curve: tuple[tuple[float, float, float], ...]
    operating_threshold: float | None
    groups: tuple[GroupScore, ...]
    lesions: tuple[LesionScore, ...]
    false_marks: tuple[FalseMark, ...]
    notes: tuple[str, ...]


def study_detection(
    scans: Sequence[str],
    marks: Mapping[str, Sequence[Mark]],
    lesions: Mapping[str, Sequence[TrueLesion]],
    patients: Sequence[str] | None = None,
    rule: HitRule = LUNA16,
    most_marks: int = MOST_MARKS,
    repeats: int = 1000,
    seed: int = 0,
) -> DetectionStudy:
    """Score the marks on scans.

    Parameters
    ----------
    scans : all that were looked at, those without lesions and without marks too
    marks, lesions : by scan; excluded findings among the lesions
    patients : whose each scan is; None: each is another's
    rule : when a mark hits
    most_marks : a scan; the others, the lowest scores, are dropped
    repeats, seed : of the bootstrap

    Raises
    ------
    WrongImageError
        Marks or lesions are of a scan that is not among them, or there is no lesion.

    References
    ----------
    Setio AAA et al. Med Image Anal 2017;42:1-13 (LUNA16).
    """
    _check(scans, marks, lesions)
    notes = []
    kept = {scan: sorted(marks.get(scan, ()), key=lambda mark: -mark.score)[:most_marks] for scan in scans}
    dropped = sum(len(marks.get(scan, ())) - len(kept[scan]) for scan in scans)
    if dropped:
        notes.append(f"{dropped} marks beyond the best {most_marks} of their scan were dropped.")
    truth = {scan: lesions.get(scan, ()) for scan in scans}
    matches = [match_marks(kept[scan], [lesion.target for lesion in truth[scan]], rule) for scan in scans]
    curve = froc_curve(matches)
    intervals = froc_intervals(matches, patients, repeats=repeats, seed=seed)
    if intervals.patients < _FEW_PATIENTS:
        notes.append(f"The intervals rest on {intervals.patients} patients only.")
    threshold = _operating_threshold(curve)
    scored, false_marks = _each(scans, kept, truth, matches, threshold)
    return DetectionStudy(
        rule=rule.text,
        scans=len(scans),
        patients=intervals.patients,
        excluded=sum(lesion.target.excluded for each in truth.values() for lesion in each),
        rates=OPERATING_POINTS,
        sensitivity=tuple(curve.at(rate) for rate in OPERATING_POINTS),
        sensitivity_interval=intervals.sensitivity,
        competition_metric=curve.competition_metric,
        competition_metric_interval=intervals.competition_metric,
        # The first point is that of no mark at all.
        curve=tuple(
            zip(
                curve.thresholds[1:].tolist(),
                curve.false_positives_per_scan[1:].tolist(),
                curve.sensitivity[1:].tolist(),
            )
        ),
        operating_threshold=threshold,
        groups=_groups(truth, scans, matches),
        lesions=scored,
        false_marks=false_marks,
        notes=tuple(notes),
    )


def _check(
    scans: Sequence[str], marks: Mapping[str, Sequence[Mark]], lesions: Mapping[str, Sequence[TrueLesion]]
) -> None:
    known = set(scans)
    for what, found in (("marks", marks), ("lesions", lesions)):
        strange = sorted(set(found) - known)
        if strange:
            raise WrongImageError(
                f"There are {what} on {len(strange)} scans that are not in the list, such as '{strange[0]}'.",
                "Name every scan that was looked at: false positives are counted over all of them.",
            )
    if not any(not lesion.target.excluded for each in lesions.values() for lesion in each):
        raise WrongImageError("There is no lesion in any scan.", "Sensitivity needs at least one.")


def _operating_threshold(curve: FrocCurve) -> float | None:
    """Return the lowest threshold with at most one false positive a scan; None when there is none."""
    allowed = curve.thresholds[curve.false_positives_per_scan <= _SHOWN_AT][1:]
    return float(allowed[-1]) if len(allowed) else None


def _each(
    scans: Sequence[str],
    marks: Mapping[str, Sequence[Mark]],
    truth: Mapping[str, Sequence[TrueLesion]],
    matches: Sequence[ScanMatch],
    threshold: float | None,
) -> tuple[tuple[LesionScore, ...], tuple[FalseMark, ...]]:
    def shown(score: float) -> bool:
        return threshold is not None and score >= threshold

    scored, false_marks = [], []
    for scan, match in zip(scans, matches):
        for lesion, best in zip(truth[scan], match.best_marks):
            if lesion.target.excluded:
                continue
            score = None if best is None else marks[scan][best].score
            found = score is not None and shown(score)
            place, diameter = lesion.target.position_mm, lesion.target.diameter_mm
            scored.append(LesionScore(scan, place, diameter, lesion.kind, score, found))
        for index in match.false_positives:
            mark = marks[scan][index]
            false_marks.append(FalseMark(scan, mark.position_mm, mark.score, shown(mark.score)))
    return tuple(scored), tuple(sorted(false_marks, key=lambda mark: -mark.score))


def _groups(
    truth: Mapping[str, Sequence[TrueLesion]], scans: Sequence[str], matches: Sequence[ScanMatch]
) -> tuple[GroupScore, ...]:
    def within(low: float, high: float) -> Callable[[TrueLesion], bool]:
        return lambda lesion: low <= lesion.target.diameter_mm < high

    chosen: dict[str, Callable[[TrueLesion], bool]] = {
        (f"{low:g} to {high:g} mm" if low else f"under {high:g} mm"): within(low, high)
        for low, high in zip(_SIZES_MM, _SIZES_MM[1:])
    }
    chosen[f"{_SIZES_MM[-1]:g} mm and more"] = within(_SIZES_MM[-1], float("inf"))
    chosen["size not known"] = lambda lesion: lesion.target.diameter_mm < 0
    for kind in sorted({lesion.kind for each in truth.values() for lesion in each if lesion.kind}):
        chosen[kind] = lambda lesion, kind=kind: lesion.kind == kind  # type: ignore[misc]
    groups = []
    for name, belongs in chosen.items():
        # The false positives are those of all: a group has none of its own.
        parts = []
        for scan, match in zip(scans, matches):
            counted = [lesion for lesion in truth[scan] if not lesion.target.excluded]
            scores = tuple(score for lesion, score in zip(counted, match.hit_scores) if belongs(lesion))
            parts.append(replace(match, hit_scores=scores))
        count = sum(len(part.hit_scores) for part in parts)
        if count:
            groups.append(GroupScore(name, count, froc_curve(parts).competition_metric))
    return tuple(groups)
