"""Scoring of a follow-up against a phantom's truth: a perfect answer, and each way to be wrong."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.phantoms.truth import LesionAtVisit, LesionTruth
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.timeline import Lesion, LinkStatus
from Testing.Benchmarks.pair_scoring import score_pair
from Testing.Benchmarks.threshold_detector import threshold_marks

_WHITE = (255, 255, 255)


def _size(x: float, diameter: float) -> LesionAtVisit:
    return LesionAtVisit((x, 0.0, 0.0), 0.52 * diameter**3, diameter, diameter, diameter, diameter, 0.0, 0.0)


def _truth() -> tuple[LesionTruth, ...]:
    def lesion(number: int, course: str, before: LesionAtVisit | None, after: LesionAtVisit | None) -> LesionTruth:
        largest = max(size.mean_diameter_mm for size in (before, after) if size)
        return LesionTruth(number, "solid", "none", "right", "upper", course, largest < 4, before, after)

    return (
        lesion(1, "growing", _size(0, 6.5), _size(2, 8.5)),
        lesion(2, "new", None, _size(50, 5.0)),
        lesion(3, "gone", _size(90, 7.0), None),
        lesion(4, "stable", _size(130, 3.0), _size(131, 3.0)),
    )


def _finding(uid: str, x: float, volume: float) -> Finding:
    box = OrientedBox((x, 0.5, 0.0), (6.0, 6.0, 6.0))
    return Finding(uid, uid, box, 0.9, concept("lung-nodule"), measurements=(measurement("volume", volume),))


def _link(number: int, uids: tuple[str | None, str | None], status: LinkStatus) -> Lesion:
    return Lesion(number, _WHITE, uids, (None, None), status, "")


def _timeline(**changes: Any) -> Any:
    first = [_finding("a", 0, 0.52 * 6.5**3), _finding("c", 90, 0.52 * 7.0**3), _finding("tiny", 130, 20)]
    second = [_finding("A", 2, 0.52 * 8.5**3), _finding("b", 50, 0.52 * 5.0**3)]
    lesions = (
        _link(1, ("a", "A"), LinkStatus.MATCHED),
        _link(2, (None, "b"), LinkStatus.NEW),
        _link(3, ("c", None), LinkStatus.RESOLVED),
    )
    parts = {"first": tuple(first), "second": tuple(second), "lesions": lesions, "category": "4B", **changes}
    return SimpleNamespace(
        visits=(SimpleNamespace(findings=parts["first"]), SimpleNamespace(findings=parts["second"])),
        lesions=parts["lesions"],
        assessments=(SimpleNamespace(rules="Lung-RADS v2022", category=parts["category"]),),
    )


def test_a_perfect_follow_up_scores_perfectly() -> None:
    score = score_pair(_timeline(), _truth(), 182)
    assert [lesion.found for lesion in score.lesions] == [(True, True), (None, True), (True, None)]
    assert [lesion.link_right for lesion in score.lesions] == [True, True, True]
    assert all(error == pytest.approx(0) for lesion in score.lesions for error in lesion.volume_errors)
    assert [match.false_positives for match in score.matches] == [(), ()]
    # Solid, growing by 2 mm to 8.5 mm: 4B.
    assert score.assessment.category == score.true_assessment.category == "4B"
    assert score.category_right
    assert not score_pair(_timeline(category="3"), _truth(), 182).category_right


def test_a_missed_lesion_is_counted_and_its_link_is_not_judged() -> None:
    timeline = _timeline(second=(_finding("b", 50, 65.0),), lesions=(_link(1, ("a", None), LinkStatus.RESOLVED),))
    score = score_pair(timeline, _truth(), 182)
    assert score.lesions[0].found == (True, False)
    assert score.lesions[0].link_right is None


def test_a_wrong_link_a_wrong_status_and_a_wrong_mark_are_wrong() -> None:
    lesions = (
        _link(1, ("a", "b"), LinkStatus.MATCHED),
        _link(2, (None, "A"), LinkStatus.NEW),
        _link(3, ("c", None), LinkStatus.NOT_EVALUABLE),
    )
    stray = (*_timeline().visits[0].findings, _finding("stray", 60, 90))
    score = score_pair(_timeline(lesions=lesions, first=stray), _truth(), 182)
    assert [lesion.link_right for lesion in score.lesions] == [False, False, False]
    assert score.matches[0].false_positives == (3,)


def test_volume_errors_are_relative_to_the_truth() -> None:
    findings = (_finding("A", 2, 1.2 * 0.52 * 8.5**3), _finding("b", 50, 0.52 * 5.0**3))
    score = score_pair(_timeline(second=findings), _truth(), 182)
    assert score.lesions[0].volume_errors == (pytest.approx(0), pytest.approx(0.2))


def test_a_lesion_too_small_to_count_at_one_visit_is_not_judged_by_its_link() -> None:
    truth = (replace(_truth()[0], followup=_size(2, 3.5)), *_truth()[1:])
    score = score_pair(_timeline(), truth, 182)
    assert score.lesions[0].found == (True, None)
    assert score.lesions[0].link_right is None


def test_the_plain_baseline_prefers_balls_to_rods() -> None:
    z, y, x = np.indices((40, 60, 60))
    ball = (x - 15) ** 2 + (y - 15) ** 2 + (z - 20) ** 2 <= 25
    rod = (abs(y - 40) <= 1) & (abs(z - 20) <= 1) & (x > 10) & (x < 50)
    image = sitk.GetImageFromArray(np.where(ball | rod, 20, -860).astype(np.int16))
    lungs = sitk.GetImageFromArray(np.ones((40, 60, 60), np.uint8))
    best, worst = sorted(threshold_marks(image, lungs), key=lambda mark: -mark.score)
    assert best.position_mm == pytest.approx((15, 15, 20))
    assert best.score > 0.6 > 0.1 > worst.score
