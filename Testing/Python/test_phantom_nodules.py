"""Nodules of stated size: against formulas for bodies that have one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from AIImagingLogic.images.phantoms.fine_nodule import FineNodule, sample_nodule
from AIImagingLogic.images.phantoms.nodule_shape import NoduleShape

AXES = np.eye(3)
ORIGIN = np.array([-50.0, -60.0, -70.0])
CENTER = np.array([3.3, -4.1, 7.7])


def _everywhere(points: np.ndarray) -> np.ndarray:
    return np.full(points.shape[:-1], -np.inf)


def _plain(semi_axes: tuple[float, float, float], core_share: float = 0.0) -> NoduleShape:
    return NoduleShape(CENTER, np.array(semi_axes), np.eye(3), np.zeros((0, 3)), np.zeros(0), core_share)


@pytest.mark.parametrize("radius", [1.5, 3.0, 6.0, 10.0])
def test_a_ball_has_the_volume_and_diameter_of_its_formula(radius: float) -> None:
    size = sample_nodule(_plain((radius,) * 3), _everywhere, AXES, ORIGIN).size(AXES, ORIGIN, "all")
    assert size.volume_mm3 == pytest.approx(4 / 3 * math.pi * radius**3, rel=0.01)
    # The border is found between the cells; of all planes the longest counts, which adds up to a fifth of a cell.
    assert size.mean_diameter_mm == pytest.approx(2 * radius, abs=0.08)
    np.testing.assert_allclose(size.center_mm, CENTER, atol=0.01)


def test_an_ellipsoid_is_measured_on_its_largest_axial_plane() -> None:
    size = sample_nodule(_plain((8.0, 5.0, 11.0)), _everywhere, AXES, ORIGIN).size(AXES, ORIGIN, "all")
    assert size.long_axis_mm == pytest.approx(16, abs=0.1)
    assert size.short_axis_mm == pytest.approx(10, abs=0.1)
    assert size.mean_diameter_best_plane_mm == pytest.approx((22 + 16) / 2, abs=0.1)


def test_only_the_part_inside_the_lung_counts() -> None:
    radius, depth = 6.0, 2.5

    def pleura(points: np.ndarray) -> np.ndarray:
        return points[..., 0] - (CENTER[0] + depth)

    size = sample_nodule(_plain((radius,) * 3), pleura, AXES, ORIGIN).size(AXES, ORIGIN, "all")
    cap = math.pi * (radius - depth) ** 2 * (2 * radius + depth) / 3
    assert size.volume_mm3 == pytest.approx(4 / 3 * math.pi * radius**3 - cap, rel=0.01)


def test_the_solid_core_is_stated_apart() -> None:
    size = sample_nodule(_plain((8.0, 8.0, 8.0), core_share=0.5), _everywhere, AXES, ORIGIN).size(AXES, ORIGIN, "core")
    assert size.solid_volume_mm3 == pytest.approx(size.volume_mm3 / 8, rel=0.02)
    assert size.solid_mean_diameter_mm == pytest.approx(8, abs=0.1)
    none = sample_nodule(_plain((8.0, 8.0, 8.0)), _everywhere, AXES, ORIGIN).size(AXES, ORIGIN, "none")
    assert (none.solid_volume_mm3, none.solid_mean_diameter_mm) == (0.0, 0.0)


def test_the_size_does_not_depend_on_how_the_grid_is_turned() -> None:
    turned, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))
    straight = sample_nodule(_plain((7.0, 5.0, 6.0)), _everywhere, AXES, ORIGIN).size(AXES, ORIGIN, "all")
    oblique = sample_nodule(_plain((7.0, 5.0, 6.0)), _everywhere, turned, ORIGIN).size(turned, ORIGIN, "all")
    assert oblique.volume_mm3 == pytest.approx(straight.volume_mm3, rel=0.01)
    np.testing.assert_allclose(oblique.center_mm, CENTER, atol=0.02)


def test_blurring_keeps_the_nodules_mass() -> None:
    fine: FineNodule = sample_nodule(_plain((4.0, 5.0, 6.0)), _everywhere, AXES, ORIGIN, margin_mm=3.0)
    assert fine.blurred(fine.whole, 0.7).sum() == pytest.approx(fine.whole.sum(), rel=0.005)
