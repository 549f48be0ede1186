"""Training of the nodule score: a set that can be told apart is learnt, and what is written can be loaded and used."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.evaluation.detection import Target
from AIImagingLogic.images.phantoms.chest_pair import harder_tuning_recipe, tuning_recipe
from AIImagingLogic.models.builtin.candidate_features import FEATURES
from AIImagingLogic.models.builtin.candidate_score import ScoreWeights, products
from AIImagingLogic.models.builtin.candidate_search import LungCandidates
from AIImagingLogic.records.errors import ModelError
from Testing.Training.implanted_nodules import implant_nodules
from Testing.Training.nodule_score import write_weights
from Testing.Training.nodule_score_cases import NO_LESION, NOT_JUDGED, Case, lesions_of
from Testing.Training.nodule_score_fit import fit_logistic, fit_score
from Testing.Training.nodule_score_phantoms import phantom_cases
from Testing.Training.nodule_score_validation import cross_validated, folds_of, froc_rows, marked


def separable_case(group: str, seed: int, real: bool = False) -> Case:
    """Return 10 lesions among 800 background candidates that differ from them in one feature."""
    random = np.random.default_rng(seed)
    figures = random.normal(size=(810, len(FEATURES)))
    figures[:10, 3] += 9.0
    positions = random.permutation(900)[:810, None] * np.array([40.0, 0.0, 0.0])
    targets = [Target(tuple(position), 8.0) for position in positions[:10].tolist()]
    candidates = LungCandidates(positions, np.full(810, 4.0), figures)
    return Case(group, f"{group}, {seed}", real, tuple(targets), candidates, lesions_of(positions, targets))


def test_separable_set_is_learnt_by_folds_that_never_saw_it() -> None:
    cases = [separable_case(f"phantom {seed}", seed) for seed in range(3)] + [separable_case("patient", 9, real=True)]
    assert [sorted(fold) for fold in folds_of(cases)] == [["phantom 0"], ["phantom 1"], ["phantom 2"], ["patient"]]
    rows = {name: (sensitivity, false) for name, sensitivity, false in froc_rows(cross_validated(cases))}
    sensitivity, false_positives = rows["score 0.50"]
    assert sensitivity == 1.0
    assert false_positives <= 0.5


def test_fit_is_the_minimum_of_the_penalised_loss() -> None:
    random = np.random.default_rng(4)
    standard = random.normal(size=(400, 3))
    target = (standard[:, 0] * standard[:, 1] + random.normal(size=400) > 0).astype(float)
    weight, penalty = random.uniform(0.5, 2.0, 400), np.full(10, 3.0)
    answer = fit_logistic(standard, target, weight, penalty)
    columns = products(standard)
    residual = weight * (1.0 / (1.0 + np.exp(-columns @ answer)) - target)
    # The gradient of a convex loss vanishes at its minimum; the fit stops at 1e-9 of the weight's sum.
    assert np.abs(columns.T @ residual + penalty * answer).max() <= 1e-9 * weight.sum()
    assert np.argmax(np.abs(answer)) == 5


def test_harder_pairs_hold_more_attached_and_subsolid_nodules_than_the_tuning_pairs() -> None:
    shares = []
    for recipe_of in (tuning_recipe, harder_tuning_recipe):
        nodules = [one for seed in range(12) for one in recipe_of(seed).nodules if one.diameter_mm >= 4.0]
        subsolid = [one.attenuation in ("part-solid", "ground-glass") for one in nodules]
        shares.append((np.mean([one.contact != "none" for one in nodules]), np.mean(subsolid)))
    assert shares[1][0] > shares[0][0]
    assert shares[1][1] > shares[0][1]
    assert harder_tuning_recipe(3) == harder_tuning_recipe(3) != harder_tuning_recipe(4)


def test_candidates_beside_a_lesion_are_not_judged() -> None:
    positions = np.array([[0.0, 0, 0], [4.5, 0, 0], [9.0, 0, 0], [31.0, 0, 0]])
    targets = [Target((0.0, 0.0, 0.0), 8.0), Target((30.0, 0.0, 0.0), 3.0, excluded=True)]
    assert lesions_of(positions, targets).tolist() == [0, NOT_JUDGED, NO_LESION, NOT_JUDGED]


def test_weights_of_a_phantom_are_written_loaded_and_find_its_lesions(tmp_path: Path) -> None:
    (case,) = phantom_cases(0, visits=[0], grid_mm=(2.0, 3.0))
    weights = fit_score([case], operating_score=0.4)
    write_weights(weights, tmp_path / "score.json")
    content = json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))
    loaded = ScoreWeights.from_content(content)
    assert loaded.operating_score == 0.4
    figures = case.candidates.figures
    # Five decimals are written of weights of order one: the scores must agree to a thousandth.
    np.testing.assert_allclose(loaded.scores(figures), weights.scores(figures), atol=1e-3)
    hits = marked(case, loaded).match.hit_scores
    # It was fitted to these very lesions: all but one of them must be told from the background.
    assert sum(score is not None and score >= 0.4 for score in hits) >= len(hits) - 1
    with pytest.raises(ModelError):
        ScoreWeights.from_content({**content, "features": content["features"][1:]})


def test_implanted_nodule_lies_where_it_is_said_to_and_only_there() -> None:
    image = sitk.GetImageFromArray(np.full((50, 70, 70), -860.0, np.float32))
    image.SetSpacing((0.9, 0.9, 1.5))
    image.SetDirection((0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    lungs = sitk.Cast(image < 0, sitk.sitkUInt8)
    after, targets = implant_nodules(image, lungs, 4, [], np.random.default_rng(8))
    added = sitk.GetArrayFromImage(after) - sitk.GetArrayFromImage(image)
    assert targets
    cells = np.argwhere(np.abs(added) > 60.0)
    points = np.array([after.TransformIndexToPhysicalPoint(cell[::-1].tolist()) for cell in cells])
    apart = np.array([np.linalg.norm(points - np.array(target.position_mm), axis=1) for target in targets])
    reach = np.array([target.diameter_mm for target in targets])[:, None]
    # Lobes and stretch stay well within a diameter of the middle; every nodule shows within its inner third.
    assert (apart <= reach).any(axis=0).all()
    assert (apart.min(axis=1) <= reach[:, 0] / 3).all()
