"""The inverse of a transform at single points."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from followup_records import breathing_transform

from AIImagingLogic.followup.inverse_points import inverse_points
from AIImagingLogic.images.geometry import transform_points

POINTS = np.random.default_rng(7).uniform(-70, 70, (25, 3))


def rotation() -> sitk.Transform:
    return sitk.Euler3DTransform((10.0, 5.0, -3.0), 2.5, -0.4, 1.1, (40.0, -60.0, 5.0))


def bspline() -> sitk.Transform:
    transform = sitk.BSplineTransformInitializer(
        sitk.Image([40, 40, 40], sitk.sitkUInt8), transformDomainMeshSize=[4, 4, 4]
    )
    transform.SetTransformDomainOrigin((-100.0, -100.0, -100.0))
    transform.SetTransformDomainPhysicalDimensions((200.0, 200.0, 200.0))
    count = len(transform.GetParameters())
    transform.SetParameters(np.random.default_rng(3).uniform(-8, 8, count).tolist())
    return transform


@pytest.mark.parametrize(
    "transform",
    [rotation(), breathing_transform(), bspline(), sitk.CompositeTransform([rotation(), breathing_transform()])],
    ids=["rotation", "breathing", "b-spline", "composite"],
)
def test_points_sent_forth_come_back(transform: sitk.Transform) -> None:
    sources, residual = inverse_points(transform, transform_points(transform, POINTS))
    inside = np.all(np.abs(transform_points(transform, POINTS)) < 85, axis=1) | transform.IsLinear()
    assert residual[inside].max() < 1e-3
    # 0.01 mm: ten times the residual asked for, as the Jacobians lie near one.
    assert np.abs(sources - POINTS)[inside].max() < 0.01


def test_a_point_that_nothing_is_taken_to_is_told_by_its_residual() -> None:
    """Every point is taken to the plane z = 0, none to z = 30."""
    field = np.zeros((50, 50, 50, 3))
    field[..., 2] = -(np.arange(50) * 4.0 - 100.0)[:, None, None]
    image = sitk.GetImageFromArray(field, isVector=True)
    image.SetSpacing((4.0, 4.0, 4.0))
    image.SetOrigin((-100.0, -100.0, -100.0))
    _, residual = inverse_points(sitk.DisplacementFieldTransform(image), [(0.0, 0.0, 30.0), (5.0, 5.0, 0.0)])
    assert residual[0] > 20
    assert residual[1] < 1e-3


def test_a_sudden_motion_is_inverted_where_plain_newton_steps_swing_from_side_to_side() -> None:
    """z + 12 tanh(z / 1.5): nine times stretched at z = 0, hardly at all 5 mm away."""
    z = np.arange(161) * 0.25 - 20.0
    field = np.zeros((161, 5, 5, 3))
    field[..., 2] = (12 * np.tanh(z / 1.5))[:, None, None]
    image = sitk.GetImageFromArray(field, isVector=True)
    image.SetSpacing((5.0, 5.0, 0.25))
    image.SetOrigin((-10.0, -10.0, -20.0))
    _, residual = inverse_points(sitk.DisplacementFieldTransform(image), [(0.0, 0.0, 3.0), (1.0, 0.0, -6.0)])
    assert residual.max() < 1e-3


def test_no_points_give_no_points() -> None:
    sources, residual = inverse_points(sitk.TranslationTransform(3), np.zeros((0, 3)))
    assert (sources.shape, residual.shape) == ((0, 3), (0,))
