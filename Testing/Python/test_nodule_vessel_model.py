"""The model of a nodule with its vessels: its profiles against a blurred drawing, its slopes against differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from AIImagingLogic.models.builtin.nodule_blur_profiles import ball_share, tube_share
from AIImagingLogic.models.builtin.nodule_vessel import Vessel, vessel_from
from AIImagingLogic.models.builtin.nodule_vessel_courses import trace_courses
from AIImagingLogic.models.builtin.nodule_vessel_model import NoduleModel

SIGMA_MM, STEP_MM = 0.8, 0.2


def drawn(tube: bool, radius_mm: float) -> np.ndarray:
    """Return the line from the middle outwards of a ball or a tube along the first axis, drawn finely and blurred."""
    z, y, x = (np.indices((61, 61, 61)) - 30) * STEP_MM
    square = y**2 + x**2 + (0.0 if tube else z**2)
    # Soft over one cell, as a cell cut by the surface is partly filled.
    share = np.clip(0.5 + (radius_mm - np.sqrt(square)) / STEP_MM, 0.0, 1.0)
    return np.asarray(ndimage.gaussian_filter(share, SIGMA_MM / STEP_MM, mode="nearest")[30, 30, 30:])


@pytest.mark.parametrize("radius_mm", [0.8, 1.5, 3.0])
def test_blurred_balls_and_tubes_are_those_of_a_fine_drawing(radius_mm: float) -> None:
    distance = np.arange(31) * STEP_MM
    sigma = np.full(31, SIGMA_MM)
    # The drawing's cells of .2 mm are good to about a hundredth.
    assert ball_share(distance, np.full(31, radius_mm), sigma)[0] == pytest.approx(drawn(False, radius_mm), abs=0.015)
    assert tube_share(distance, radius_mm, sigma) == pytest.approx(drawn(True, radius_mm), abs=0.015)


def test_a_straight_vessel_is_traced_and_carried_on_past_the_nodule() -> None:
    z, y, x = (np.indices((81, 81, 81)) - 40) * 0.4
    # Along the first axis, 3 mm from the centre; a ball of 3 mm hides where it passes.
    values = np.where(np.hypot(y - 3.0, x) < 1.2, 40.0, -860.0)
    values[np.sqrt(z**2 + y**2 + x**2) < 3.0] = 40.0
    smooth = ndimage.gaussian_filter(values, 0.9 / 0.4)
    courses = trace_courses(smooth, np.full(3, 40.0), 0.4, lambda distance: -750.0, 4.5, 10.0)
    vessels = [vessel_from(course, 4.5, False, -860.0, 0.9) for course in courses]
    assert len(vessels) == 2, "one from each side"
    for vessel in vessels:
        assert vessel.line[-1] == pytest.approx([0.0, 3.0, 0.0], abs=0.6), "ends where it comes nearest"
        assert vessel.radius_mm == pytest.approx(1.2, abs=0.3)


@pytest.mark.parametrize(("density", "core"), [(30.0, None), (-600.0, None), (-600.0, (0.5, -0.3, 0.2, 1.8, 30.0))])
def test_the_slopes_are_those_of_the_image(
    density: float, core: tuple[float, float, float, float, float] | None
) -> None:
    random = np.random.default_rng(1)
    line = np.array([[-9.0, 3.5, 0.0], [-4.0, 3.2, 0.4], [0.0, 3.4, 0.3]])
    vessel = Vessel(line, np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), 1.3)
    points = random.uniform(-6.0, 6.0, (400, 3))
    model = NoduleModel(points, (0.9, 0.7, 0.7), 7.0, 3.5, density, -860.0, [vessel], core)
    parameters = model.start + random.normal(0.0, 0.02, len(model.start))
    slopes = model.slopes(parameters, model.show(parameters))
    for number in range(len(parameters)):
        change = np.zeros(len(parameters))
        change[number] = 1e-3
        wanted = (model.show(parameters + change).image - model.show(parameters - change).image) / 2e-3
        scale = max(float(np.abs(wanted).max()), 1e-6)
        # Slopes by table and by finite steps are good to a tenth of the steepest.
        assert np.abs(slopes[:, number] - wanted).max() < 0.12 * scale, number
