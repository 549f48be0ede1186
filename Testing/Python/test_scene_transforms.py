"""Registrations in Slicer: a point goes where SimpleITK sends it, in memory, in the bundle and from our own file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.records.registration import Registration, RegistrationQuality
from AIImagingLogic.scene.coordinates import lps_from_ras, ras_from_lps

slicer = pytest.importorskip("slicer")

from AIImagingLogic.scene.empty_scene import make_scene  # noqa: E402
from AIImagingLogic.scene.save import load_scene, save_scene  # noqa: E402
from AIImagingLogic.scene.transforms import read_transform_file, transform_node_from_registration  # noqa: E402

TOLERANCE_MM = 1e-3
"""The project's bound for a transform that leaves for another program."""


def _grid() -> sitk.Image:
    image = sitk.Image((21, 17, 19), sitk.sitkFloat32)
    direction = np.linalg.qr(np.random.default_rng(6).normal(size=(3, 3)))[0]
    direction[:, 0] *= np.linalg.det(direction)
    image.SetDirection(direction.ravel().tolist())
    image.SetSpacing((16.0, 18.0, 17.0))
    half = direction @ (np.array((16.0, 18.0, 17.0)) * (np.array((21, 17, 19)) - 1) / 2)
    image.SetOrigin((np.array((0, 0, -180.0)) - half).tolist())
    return image


POINTS_MM = np.array(
    [
        _grid().TransformIndexToPhysicalPoint(index)
        for index in np.random.default_rng(8).integers(4, 13, (40, 3)).tolist()
    ]
)
"""Nodes of the grid: between them Slicer interpolates a displacement field by cubics, SimpleITK linearly."""


def _affine() -> sitk.AffineTransform:
    matrix = sitk.Euler3DTransform((0.0, 0.0, -180.0), 0.05, -0.03, 0.08, (6.0, -4.0, 9.0))
    affine = sitk.AffineTransform(3)
    affine.SetMatrix((np.array(matrix.GetMatrix()).reshape(3, 3) @ np.diag((1.03, 0.98, 1.05))).ravel().tolist())
    affine.SetCenter((0.0, 0.0, -180.0))
    affine.SetTranslation(matrix.GetTranslation())
    return affine


def _bspline() -> sitk.BSplineTransform:
    transform = sitk.BSplineTransformInitializer(_grid(), (5, 4, 5), 3)
    count = len(transform.GetParameters())
    transform.SetParameters(np.random.default_rng(1).normal(0, 5, count).tolist())
    return sitk.BSplineTransform(transform)


def _field() -> sitk.DisplacementFieldTransform:
    filter_ = sitk.TransformToDisplacementFieldFilter()
    filter_.SetReferenceImage(_grid())
    filter_.SetOutputPixelType(sitk.sitkVectorFloat64)
    return sitk.DisplacementFieldTransform(filter_.Execute(_bspline()))


TRANSFORMS = {
    "translation": lambda: sitk.TranslationTransform(3, (4.0, -6.0, 5.0)),
    "rigid": lambda: sitk.Euler3DTransform((0.0, 0.0, -180.0), 0.1, 0.2, -0.1, (5.0, 6.0, 7.0)),
    "affine": _affine,
    "B-spline": _bspline,
    "displacement field": _field,
    "affine then B-spline": lambda: sitk.CompositeTransform([_affine(), _bspline()]),
    "affine then displacement field": lambda: sitk.CompositeTransform([_affine(), _field()]),
    "composite of composites": lambda: sitk.CompositeTransform(
        [sitk.CompositeTransform([_affine()]), sitk.CompositeTransform([_affine(), _bspline()])]
    ),
}


def _registration(transform: sitk.Transform) -> Registration:
    return Registration(transform, "test", RegistrationQuality("correlation", 0.5, 0.9, 0.0, None))


def _worst_error_mm(node: Any, transform: sitk.Transform) -> float:
    """Distance of where node and transform send points of the fixed image."""
    general = node.GetTransformFromParent()
    sent = np.array([lps_from_ras(general.TransformDoublePoint(*ras_from_lps(point))) for point in POINTS_MM])
    expected = np.array([transform.TransformPoint(point.tolist()) for point in POINTS_MM])
    assert np.abs(expected - POINTS_MM).max() > 1, "the transform moves the points at all"
    return float(np.linalg.norm(sent - expected, axis=1).max())


@pytest.mark.parametrize("kind", TRANSFORMS)
def test_node_sends_points_where_the_registration_does_before_and_after_saving(kind: str, tmp_path: Path) -> None:
    transform = TRANSFORMS[kind]()
    scene = make_scene()
    node = transform_node_from_registration(_registration(transform), scene, "registration")
    assert node.IsLinear() == transform.IsLinear()
    assert _worst_error_mm(node, transform) < TOLERANCE_MM
    save_scene(scene, tmp_path / "scene.mrb")
    loaded = load_scene(tmp_path / "scene.mrb").GetFirstNodeByName("registration")
    assert _worst_error_mm(loaded, transform) < TOLERANCE_MM


@pytest.mark.parametrize("kind", [kind for kind in TRANSFORMS if kind != "composite of composites"])
def test_transform_file_of_the_command_line_is_read_by_slicer(kind: str, tmp_path: Path) -> None:
    transform = TRANSFORMS[kind]()
    sitk.WriteTransform(transform, str(tmp_path / "registration.h5"))
    node = read_transform_file(tmp_path / "registration.h5", make_scene(), "registration")
    assert _worst_error_mm(node, transform) < TOLERANCE_MM


def test_point_of_the_moving_image_under_the_node_comes_to_the_fixed_one() -> None:
    transform = TRANSFORMS["affine then B-spline"]()
    scene = make_scene()
    node = transform_node_from_registration(_registration(transform), scene, "registration")
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    for point in POINTS_MM[:10]:
        points.AddControlPoint(*ras_from_lps(transform.TransformPoint(point.tolist())))
    points.SetAndObserveTransformNodeID(node.GetID())
    for index, point in enumerate(POINTS_MM[:10]):
        shown = np.zeros(3)
        points.GetNthControlPointPositionWorld(index, shown)
        # Slicer inverts a B-spline by iteration, to 0.001 mm.
        assert np.linalg.norm(lps_from_ras(shown) - point) < TOLERANCE_MM
