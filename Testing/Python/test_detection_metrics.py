"""Detection and overlap metrics against figures worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.evaluation.detection import Mark, ScanMatch, Target, match_marks
from AIImagingLogic.evaluation.froc import froc_curve, froc_intervals
from AIImagingLogic.evaluation.hit_rules import distance_rule, hit_rule, overlap_rule
from AIImagingLogic.measure.label_overlap import dice
from AIImagingLogic.records.errors import GeometryError, WrongImageError


def test_a_mark_hits_only_when_strictly_nearer_than_the_radius() -> None:
    target = Target((0.0, 0.0, 0.0), 10.0)
    at_radius = match_marks([Mark((5.0, 0.0, 0.0), 0.9)], [target])
    inside = match_marks([Mark((4.99, 0.0, 0.0), 0.9)], [target])
    assert at_radius.hit_scores == (None,)
    assert at_radius.false_positive_scores == (0.9,)
    assert inside.hit_scores == (0.9,)
    assert inside.false_positive_scores == ()


def test_a_lesion_of_unknown_size_is_taken_as_ten_millimetres() -> None:
    assert match_marks([Mark((4.9, 0, 0), 0.5)], [Target((0, 0, 0), -1.0)]).hit_scores == (0.5,)
    assert match_marks([Mark((5.1, 0, 0), 0.5)], [Target((0, 0, 0), -1.0)]).hit_scores == (None,)


def test_the_best_of_several_marks_counts_and_the_others_are_no_false_positives() -> None:
    marks = [Mark((1, 0, 0), 0.3), Mark((0, 2, 0), 0.8), Mark((40, 0, 0), 0.6)]
    match = match_marks(marks, [Target((0, 0, 0), 8.0)])
    assert match.best_marks == (1,)
    assert match.false_positives == (2,)


def test_marks_on_excluded_targets_count_neither_way() -> None:
    targets = [Target((0, 0, 0), 3.0, excluded=True), Target((50, 0, 0), 8.0)]
    match = match_marks([Mark((0.5, 0, 0), 0.9)], targets)
    assert match.hit_scores == (None,)
    assert match.false_positives == ()


def test_no_marks_and_no_lesions_match_emptily() -> None:
    assert match_marks([], []) == ScanMatch((), (), (), ())


def test_sensitivity_is_read_off_the_curve_and_divides_by_all_scans_and_lesions() -> None:
    scans = [
        ScanMatch((), (0.9, None), (), (0.8,)),
        ScanMatch((), (0.7, 0.5), (), (0.6, 0.4)),
        ScanMatch((), (), (), ()),
        ScanMatch((), (), (), ()),
    ]
    curve = froc_curve(scans)
    # Thresholds .9, .8, .7, .6, .5, .4 over 4 scans and 4 lesions, one of them missed.
    np.testing.assert_allclose(curve.false_positives_per_scan, [0, 0, 0.25, 0.25, 0.5, 0.5, 0.75])
    np.testing.assert_allclose(curve.sensitivity, [0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75])
    assert curve.at(0.25) == pytest.approx(0.5)
    assert curve.at(0.125) == pytest.approx(0.25)
    assert curve.at(8) == pytest.approx(0.75)
    # 1/8: .25; 1/4: .5; 1/2 and on: .75.
    assert curve.competition_metric == pytest.approx((0.25 + 0.5 + 5 * 0.75) / 7)


def test_the_bootstrap_interval_holds_the_estimate_and_is_the_same_every_time() -> None:
    random = np.random.default_rng(3)
    scans = [ScanMatch((), tuple(random.uniform(0.2, 1, 3)), (), tuple(random.uniform(0, 0.6, 2))) for _ in range(12)]
    found = froc_intervals(scans, rates=[1.0], repeats=200)
    low, high = found.sensitivity[0]
    assert low <= froc_curve(scans).at(1.0) <= high
    assert low < high
    assert found == froc_intervals(scans, rates=[1.0], repeats=200)


def test_all_scans_of_a_patient_are_drawn_together() -> None:
    # Two patients, one found whole and one missed whole: patients drawn whole give 0, 1/2 or 1.
    scans = [ScanMatch((), (score,), (), ()) for score in (0.9, 0.9, 0.9, None, None, None)]
    by_scan = froc_intervals(scans, rates=[1.0], repeats=400)
    by_patient = froc_intervals(scans, ["a", "a", "a", "b", "b", "b"], rates=[1.0], repeats=400)
    assert by_patient.sensitivity[0] == (0.0, 1.0)
    assert by_scan.sensitivity[0][0] > 0.0
    assert (by_patient.patients, by_scan.patients) == (2, 6)


def test_no_curve_without_a_lesion() -> None:
    with pytest.raises(ValueError, match="at least one lesion"):
        froc_curve([ScanMatch((), (), (), (0.5,))])


def test_other_hit_rules_go_by_their_own_measure() -> None:
    large, small = Target((0, 0, 0), 30.0), Target((40, 0, 0), 4.0)
    near_large, near_small = Mark((10, 0, 0), 0.9, 26.0), Mark((44, 0, 0), 0.8, 4.0)
    marks, targets = [near_large, near_small], [large, small]
    assert match_marks(marks, targets).hit_scores == (0.9, None)
    assert match_marks(marks, targets, distance_rule(5.0)).hit_scores == (None, 0.8)
    # Cubes of 30 and 26 mm, 10 mm apart along x: 18 x 26 x 26 common of 30^3 + 26^3 - that.
    share = 18 * 26**2 / (30**3 + 26**3 - 18 * 26**2)
    assert match_marks(marks, targets, overlap_rule(share - 1e-6)).hit_scores == (0.9, None)
    assert match_marks(marks, targets, overlap_rule(share + 1e-6)).hit_scores == (None, None)


def test_a_hit_rule_that_cannot_be_applied_is_refused() -> None:
    with pytest.raises(WrongImageError, match="diameter of every mark"):
        match_marks([Mark((0, 0, 0), 0.5)], [Target((0, 0, 0), 5.0)], hit_rule("iou"))
    for name in ("dice", "iou:2", "distance", "distance:x", "luna16:3"):
        with pytest.raises(WrongImageError, match="no hit rule"):
            hit_rule(name)


def test_dice_of_two_shifted_boxes() -> None:
    first, second = np.zeros((2, 10, 10, 10), np.uint8)
    first[2:6, 2:6, 2:6] = 1
    second[2:6, 2:6, 4:8] = 7
    images = [sitk.GetImageFromArray(values) for values in (first, second)]
    assert dice(*images) == pytest.approx(0.5)
    assert dice(images[0], images[0]) == 1.0
    assert dice(images[0] * 0, images[1] * 0) == 1.0
    images[1].SetOrigin((0.0, 0.0, 3.0))
    with pytest.raises(GeometryError, match="different grids"):
        dice(*images)
