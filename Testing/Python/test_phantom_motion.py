"""The phantom's known motions: invertible, of the stated size, and the same both ways."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AIImagingLogic.images.phantoms.breathing import BreathingField
from AIImagingLogic.images.phantoms.exam import exam_recipe, tuning_recipe
from AIImagingLogic.images.phantoms.local_growth import LocalGrowth


@pytest.fixture
def chest_points() -> np.ndarray:
    random = np.random.default_rng(5)
    return random.uniform([-150, -110, -130], [150, 110, 115], (4000, 3))


@settings(max_examples=25, deadline=None)
@given(diaphragm=st.floats(-25, 25), lateral=st.floats(-5, 5), bend=st.floats(0, 2.5), turn=st.floats(-4, 4))
def test_breathing_is_undone_by_its_inverse(diaphragm: float, lateral: float, bend: float, turn: float) -> None:
    field = BreathingField(diaphragm, lateral, bend, (1.0, 2.0), (turn, -turn, turn), (5.0, -3.0, 9.0))
    points = np.random.default_rng(1).uniform([-150, -110, -130], [150, 110, 115], (2000, 3))
    # Newton's method ends when a step is below 1e-7 mm.
    np.testing.assert_allclose(field.to_baseline(field.to_followup(points)), points, atol=1e-6)
    np.testing.assert_allclose(field.to_followup(field.to_baseline(points)), points, atol=1e-6)


def test_breathing_moves_the_diaphragm_most_and_the_apex_least() -> None:
    field = BreathingField(diaphragm_mm=20.0)
    dome, apex = np.array([-60.0, -8.0, -60.0]), np.array([-60.0, -8.0, 94.0])
    assert (field.to_followup(dome) - dome)[2] == pytest.approx(-20, abs=2)
    assert np.abs(field.to_followup(apex) - apex).max() < 0.1


@pytest.mark.parametrize("seed", range(6))
def test_no_exam_motion_folds_space(seed: int, chest_points: np.ndarray) -> None:
    field = exam_recipe(seed).breathing
    step = 1e-3
    columns = [
        (field.to_followup(chest_points + step * unit) - field.to_followup(chest_points - step * unit)) / (2 * step)
        for unit in np.eye(3)
    ]
    assert np.linalg.det(np.stack(columns, axis=-1)).min() > 0.5


def test_local_growth_is_exact_both_ways_and_ends_where_it_says() -> None:
    growth = LocalGrowth((10.0, -20.0, 30.0), 1.3, 10.0, 40.0)
    random = np.random.default_rng(2)
    points = np.array(growth.center_mm) + random.uniform(-45, 45, (3000, 3))
    np.testing.assert_allclose(growth.backward(growth.forward(points)), points, atol=1e-6)
    offsets = points - growth.center_mm
    radius = np.linalg.norm(offsets, axis=1)
    inner, outer = radius < 10, radius > 40
    np.testing.assert_allclose(growth.forward(points)[inner] - growth.center_mm, 1.3 * offsets[inner], atol=1e-9)
    np.testing.assert_allclose(growth.forward(points)[outer], points[outer], atol=1e-9)


def test_exam_and_tuning_pairs_are_never_the_same() -> None:
    exam = {exam_recipe(seed).seed for seed in range(200)}
    tuning = {tuning_recipe(seed).seed for seed in range(200)}
    assert not exam & tuning


def test_the_exam_keeps_its_stated_difficulty() -> None:
    for seed in range(20):
        recipe = exam_recipe(seed)
        lesions = [nodule for nodule in recipe.nodules if nodule.diameter_mm >= 4]
        attached = sum(nodule.contact != "none" for nodule in lesions)
        subsolid = sum(nodule.attenuation in ("part-solid", "ground-glass") for nodule in lesions)
        assert 4 <= len(lesions) <= 12
        assert attached >= 0.3 * len(lesions)
        assert subsolid >= 0.25 * len(lesions)
        for scan in (recipe.baseline, recipe.followup):
            assert 1.0 <= scan.slice_mm <= 2.5
            assert scan.noise_hu >= 20
        assert 10 <= abs(recipe.breathing.diaphragm_mm) <= 25
