"""What lies around a candidate: the hilum is where thick vessels are, airways show, the candidate itself does not."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.models.builtin.candidate_contrast import LungContrast
from AIImagingLogic.models.builtin.candidate_surroundings import surroundings

HILUM = np.array((40.0, 36.0, 28.0))
BALL = np.array((52.0, 76.0, 80.0))
AIRWAY = np.array((20.0, 80.0, 30.0))


@pytest.fixture
def lung() -> LungContrast:
    """A lung of 80 x 112 x 112 mm: a thick vessel that ends at HILUM, a ball of 16 mm, an airway of 5 mm along k."""
    points = np.indices((80, 112, 112)).transpose(1, 2, 3, 0).astype(float)
    hu = np.random.default_rng(2).normal(0.0, 15.0, points.shape[:3])
    hu[(np.linalg.norm((points - HILUM)[..., :2], axis=-1) < 9.0) & (points[..., 2] < HILUM[2])] = 700.0
    hu[np.linalg.norm(points - BALL, axis=-1) < 8.0] = 700.0
    hu[np.linalg.norm((points - AIRWAY)[..., 1:], axis=-1) < 2.5] = -140.0
    inside = np.ones(hu.shape, dtype=bool)
    return LungContrast(hu.astype(np.float32), inside, 15.0, sitk.Image(1, 1, 1, sitk.sitkUInt8))


def test_hilum_is_where_thick_vessels_gather_not_where_a_nodule_lies(lung: LungContrast) -> None:
    around = surroundings(lung)
    # The vessel's own half length, 14 mm, is the extent within which the densest place may lie.
    near, far = around.hilum_distance_mm(np.array([HILUM - (0.0, 0.0, 14.0), BALL]))
    assert near <= 14.0
    assert far > 40.0


def test_a_ball_in_plain_lung_has_nothing_bright_around_and_a_vessel_has(lung: LungContrast) -> None:
    around = surroundings(lung)
    ball, vessel = around.bright_at(np.array([BALL, HILUM]), np.array([8.0, 3.0]), np.array([700.0, 700.0]))
    # The ball is a ball, not a Gaussian: what is taken off for it is off by a few hundredths.
    assert abs(ball) <= 0.06
    assert vessel > 2.0 * abs(ball)


def test_air_is_seen_beside_an_airway_alone(lung: LungContrast) -> None:
    at_ball, beside_airway = surroundings(lung).air_at(np.array([BALL, AIRWAY + (0.0, 5.0, 0.0)]))
    assert at_ball <= 0.002
    assert beside_airway > 0.03
