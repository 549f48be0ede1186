"""Training of the multi-view stage: what it learns from, how two opinions are joined, how the gain is counted."""

from __future__ import annotations

import numpy as np
import pytest

from AIImagingLogic.evaluation.detection import ScanMatch, Target
from AIImagingLogic.models.protocols import Candidate
from Testing.Training.multi_view import halves
from Testing.Training.multi_view_fusion import TwoOpinions, fit_fusion
from Testing.Training.multi_view_ratio import false_positive_ratio, ratio_interval
from Testing.Training.multi_view_samples import Samples
from Testing.Training.multi_view_scans import held_out_scans, training_scans


def test_nothing_held_out_is_learnt_from() -> None:
    learnt, held = training_scans(20, 30), held_out_scans(20, 30)
    assert not {scan.group for scan in learnt} & {scan.group for scan in held}
    assert all("lidc" not in scan.source for scan in learnt)
    assert {scan.group for scan in held if scan.real} == {"LIDC-IDRI-0314"}
    # The detector's own score was fitted to pairs 0 to 14 of either recipe.
    assert min(scan.number for scan in learnt if not scan.real) > 14


def test_halves_share_no_patient_and_no_pair() -> None:
    first, second = halves(training_scans(3, 2))
    assert not first & second
    assert first | second == {scan.group for scan in training_scans(3, 2)}


def match(hits: list[float | None], false: list[float]) -> ScanMatch:
    return ScanMatch(tuple(None for _ in hits), tuple(hits), tuple(range(len(false))), tuple(false))


def test_ratio_is_that_of_two_curves_read_by_hand() -> None:
    # Before: 3 of 4 found at 0.8, with 4 false marks in two scans. After: those three are above 1 false mark.
    before = [match([0.95, 0.85], [0.9, 0.85, 0.3]), match([0.8, 0.1], [0.82, 0.81])]
    after = [match([0.99, 0.9], [0.95, 0.2, 0.1]), match([0.7, 0.1], [0.3, 0.2])]
    ratio = false_positive_ratio(list(zip(before, after)), 0.8)
    assert (ratio.sensitivity, ratio.before, ratio.after, ratio.operating) == (0.75, 2.0, 0.5, 0.25)
    # At 1/8, 1/4 and 1/2 one lesion, without a false mark; at 1 two, with 1 and 0.5; at 2 three, with 2 and 0.5;
    # at 4 and 8 all, with 2.5 both before and after.
    assert ratio.froc == pytest.approx((0.5 + 0.25 + 1.0 + 1.0) / 4)


def test_ratio_is_one_without_a_change_and_none_without_false_marks() -> None:
    scans = [match([0.9], [0.95, 0.2]), match([0.4], [0.85])]
    same = false_positive_ratio(list(zip(scans, scans)), 0.8)
    assert same.operating == same.froc == 1.0
    assert ratio_interval(list(zip(scans, scans)), 0.8, repeats=20) == [[1.0, 1.0], [1.0, 1.0]]
    clean = [match([0.9], [])]
    assert false_positive_ratio(list(zip(clean, clean)), 0.8).operating is None


def scans_of_two_opinions(random: np.random.Generator, view_gain: float) -> list[TwoOpinions]:
    scans = []
    for number in range(30):
        targets = tuple(Target((100.0 * n, 0.0, 0.0), 8.0) for n in range(5))
        places = [target.position_mm for target in targets] + [(100.0 * n, 60.0, 0.0) for n in range(15)]
        lesion = np.arange(20) < 5
        detector = np.where(lesion, 2.0, -1.0) + random.normal(size=20) * 1.5
        views = view_gain * (np.where(lesion, 2.0, -1.0) + random.normal(size=20) * 1.5)
        found = tuple(Candidate(place, 8.0, 0.5) for place in places)
        scans.append(TwoOpinions(str(number), number % 2 == 0, targets, found, detector, views))
    return scans


def test_fusion_of_independent_opinions_halves_the_false_marks_at_the_same_sensitivity() -> None:
    random = np.random.default_rng(4)
    fitted = scans_of_two_opinions(random, 1.0)
    weights = fit_fusion(fitted, 0.8)
    assert weights[1] == pytest.approx(weights[2], rel=0.35)
    scans = scans_of_two_opinions(random, 1.0)
    pairs = [(scan.alone(), scan.joined(weights)) for scan in scans]
    ratio = false_positive_ratio(pairs, 0.8)
    assert ratio.operating is not None
    assert ratio.operating < 0.5
    # Where it was fitted, as many lesions reach the operating score as before.
    before, after = (
        sum(score >= 0.8 for match in matches for score in match.hit_scores if score is not None)
        for matches in ([scan.alone() for scan in fitted], [scan.joined(weights) for scan in fitted])
    )
    assert after == before


def test_fusion_does_not_listen_to_noise() -> None:
    scans = scans_of_two_opinions(np.random.default_rng(6), 0.0)
    noise = np.random.default_rng(7)
    scans = [TwoOpinions(s.group, s.real, s.targets, s.candidates, s.detector, noise.normal(size=20)) for s in scans]
    _, detector, views = fit_fusion(scans, 0.8)
    assert abs(views) < 0.15 * detector


def test_network_learns_a_ball_from_a_bar_and_the_same_seed_gives_the_same_weights() -> None:
    pytest.importorskip("torch")
    from Testing.Training.multi_view_fit import fit_network

    random = np.random.default_rng(3)
    steps = np.arange(32) - 15.5
    ball = np.hypot(*np.meshgrid(steps, steps)) < 6
    bar = np.abs(np.add.outer(steps, 0 * steps)) < 4
    views = np.zeros((48, 4, 9, 2, 32, 32), np.uint8)
    lesion = np.arange(48) % 2 == 0
    views[lesion] = np.where(ball, 200, 20)
    views[~lesion] = np.where(bar, 200, 20)
    views += random.integers(0, 20, views.shape, np.uint8)
    samples = [Samples(views[:24], lesion[:24], "a", True), Samples(views[24:], lesion[24:], "b", False)]
    first, second = (fit_network(samples, 5, lambda line: None, epochs=16) for _ in range(2))
    evidence = first.evidence(views[:, 0].astype(np.float32) / 255 * 1200 - 1000)
    assert evidence[lesion].min() > evidence[~lesion].max()
    for name, value in first.weights.items():
        np.testing.assert_array_equal(value, second.weights[name])
