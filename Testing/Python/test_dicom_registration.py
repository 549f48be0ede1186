"""DICOM registrations: the direction of matrix and vectors, checked by numbers from the file itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_sources import assert_dciodvfy_finds_no_error, ct_image, ct_series
from numpy.typing import NDArray

from AIImagingLogic.dicom.registration_reading import read_registrations
from AIImagingLogic.dicom.registration_writing import write_registration
from AIImagingLogic.dicom.source_series import SourceSeries, read_source
from AIImagingLogic.images.geometry import index_to_world, transform_points
from AIImagingLogic.records.errors import WrongImageError

# Points of the fixed image that no flip or change of axes takes into each other.
INDICES = np.array([(1, 2, 1), (17, 4, 2), (5, 13, 6), (12, 9, 7)])


@dataclass(frozen=True)
class Pair:
    """Two series of one patient in frames of reference of their own."""

    image: sitk.Image
    fixed: SourceSeries
    moving: SourceSeries
    points: NDArray[np.float64]


@pytest.fixture(params=[False, True], ids=["right-handed", "left-handed"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    image = ct_image(flipped=request.param)
    sources = [read_source(ct_series(image, tmp_path / name)) for name in ("fixed", "moving")]
    return Pair(image, sources[0], sources[1], index_to_world(image, INDICES))


def rigid() -> sitk.Transform:
    """Return a turn about an axis that is no axis of the patient, and a shift."""
    return sitk.VersorRigid3DTransform((0.1, 0.05, -0.2, 0.97), (11.0, -7.0, 3.0), (-110.0, 60.0, -80.0))


def deformation(image: sitk.Image) -> sitk.Transform:
    """Return a rigid transform after a bend of several millimetres."""
    bend = sitk.BSplineTransformInitializer(image, (3, 3, 3), 3)
    bend.SetParameters(np.random.default_rng(3).uniform(-4, 4, len(bend.GetParameters())).tolist())
    return sitk.CompositeTransform([rigid(), bend])


def applied(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def test_matrix_takes_points_of_the_moving_series_to_the_fixed_one(pair: Pair, tmp_path: Path) -> None:
    write_registration(rigid(), pair.fixed, pair.moving, pair.image, tmp_path / "reg.dcm")
    data = pydicom.dcmread(tmp_path / "reg.dcm")
    assert data.FrameOfReferenceUID == pair.fixed.frame_of_reference_uid
    own, other = data.RegistrationSequence
    assert own.FrameOfReferenceUID == pair.fixed.frame_of_reference_uid
    assert other.FrameOfReferenceUID == pair.moving.frame_of_reference_uid
    step = other.MatrixRegistrationSequence[0].MatrixSequence[0]
    matrix = np.array(step.FrameOfReferenceTransformationMatrix, dtype=float).reshape(4, 4)
    in_moving = transform_points(rigid(), pair.points)
    assert step.FrameOfReferenceTransformationMatrixType == "RIGID"
    assert np.allclose(applied(matrix, in_moving), pair.points, atol=1e-9)


def test_matrix_with_scale_is_called_affine(pair: Pair, tmp_path: Path) -> None:
    affine = sitk.AffineTransform([1.1, 0, 0, 0, 1, 0.1, 0, 0, 0.9], (5.0, 0.0, 0.0))
    data = write_registration(affine, pair.fixed, pair.moving, pair.image, tmp_path / "reg.dcm")
    step = data.RegistrationSequence[1].MatrixRegistrationSequence[0].MatrixSequence[0]
    assert step.FrameOfReferenceTransformationMatrixType == "AFFINE"


def test_vectors_take_points_of_the_fixed_series_to_the_moving_one(pair: Pair, tmp_path: Path) -> None:
    transform = deformation(pair.image)
    write_registration(transform, pair.fixed, pair.moving, pair.image, tmp_path / "reg.dcm")
    item = pydicom.dcmread(tmp_path / "reg.dcm").DeformableRegistrationSequence[0]
    assert item.SourceFrameOfReferenceUID == pair.moving.frame_of_reference_uid
    grid = item.DeformableRegistrationGridSequence[0]
    columns, rows, planes = grid.GridDimensions
    vectors = np.frombuffer(grid.VectorGridData, "<f4").reshape(planes, rows, columns, 3)
    row, column = np.array(grid.ImageOrientationPatient, dtype=float).reshape(2, 3)
    axes, steps = (row, column, np.cross(row, column)), grid.GridResolution
    # By the formula of PS3.3 C.20.3.1.1.
    for i, j, k in ((1, 0, 2), (columns - 1, rows - 1, 0), (2, 1, planes - 1)):
        node = np.array(grid.ImagePositionPatient, dtype=float)
        node = node + sum(n * step * axis for n, step, axis in zip((i, j, k), steps, axes))
        assert np.allclose(node + vectors[k, j, i], transform.TransformPoint(node.tolist()), atol=1e-4)


@pytest.mark.parametrize("kind", ["rigid", "deformable"])
def test_registration_comes_back_in_the_direction_of_ours(pair: Pair, tmp_path: Path, kind: str) -> None:
    transform = rigid() if kind == "rigid" else deformation(pair.image)
    write_registration(transform, pair.fixed, pair.moving, pair.image, tmp_path / "reg.dcm")
    (read,) = read_registrations(tmp_path / "reg.dcm")
    apart = transform_points(read.transform, pair.points) - transform_points(transform, pair.points)
    assert np.abs(apart).max() < (1e-9 if kind == "rigid" else 0.1)
    assert read.deformable == (kind == "deformable")
    assert read.fixed_frame_uid == pair.fixed.frame_of_reference_uid
    assert read.moving_frame_uid == pair.moving.frame_of_reference_uid
    assert len(read.moving_image_uids) == 9


def test_matrices_before_and_after_a_deformation_are_applied_in_that_order(pair: Pair, tmp_path: Path) -> None:
    path = tmp_path / "reg.dcm"
    write_registration(deformation(pair.image), pair.fixed, pair.moving, pair.image, path)
    (plain,) = read_registrations(path)
    data = pydicom.dcmread(path)
    before, after = np.eye(4), np.diag([2.0, 1.0, 1.0, 1.0])
    before[:3, 3] = (1.0, -0.5, 0.25)
    for name, matrix in (("Pre", before), ("Post", after)):
        step = pydicom.Dataset()
        step.FrameOfReferenceTransformationMatrix = matrix.ravel().tolist()
        step.FrameOfReferenceTransformationMatrixType = "AFFINE"
        setattr(data.DeformableRegistrationSequence[0], f"{name}DeformationMatrixRegistrationSequence", [step])
    data.save_as(path)
    (read,) = read_registrations(path)
    expected = applied(after, transform_points(plain.transform, applied(before, pair.points)))
    assert np.allclose(transform_points(read.transform, pair.points), expected, atol=1e-9)


@pytest.mark.parametrize("kind", ["rigid", "deformable"])
def test_dciodvfy_finds_no_error(pair: Pair, tmp_path: Path, kind: str) -> None:
    transform = rigid() if kind == "rigid" else deformation(pair.image)
    write_registration(transform, pair.fixed, pair.moving, pair.image, tmp_path / "reg.dcm")
    assert_dciodvfy_finds_no_error(tmp_path / "reg.dcm")


def test_two_patients_are_refused(pair: Pair, tmp_path: Path) -> None:
    pair.moving.headers[0].PatientID = "ANOTHER"
    with pytest.raises(WrongImageError, match="two patients"):
        write_registration(rigid(), pair.fixed, pair.moving, pair.image, tmp_path / "reg.dcm")


def test_image_is_not_read_as_registration(pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(WrongImageError, match="no DICOM registration"):
        read_registrations(tmp_path / "fixed" / "slice_0001.dcm")
