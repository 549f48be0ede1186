"""Write a registration as a DICOM Spatial Registration: a matrix, or a grid of vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.valuerep import format_number_as_ds

from AIImagingLogic.dicom.deformation_grid import deformation_grid
from AIImagingLogic.dicom.new_object import new_object
from AIImagingLogic.dicom.quiet import without_warnings
from AIImagingLogic.dicom.source_series import SourceSeries
from AIImagingLogic.images.geometry import Grid, transform_points
from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.errors import WrongImageError

SPATIAL, DEFORMABLE = "1.2.840.10008.5.1.4.1.1.66.1", "1.2.840.10008.5.1.4.1.1.66.3"
_SERIES_NUMBER = 302
_RIGID = 1e-6


@without_warnings()
def write_registration(
    transform: sitk.Transform, fixed: SourceSeries, moving: SourceSeries, fixed_grid: Grid, path: Path
) -> Dataset:
    """Write a transform between two series; a linear one as matrix, any other as a grid of vectors.

    The registered coordinate system is that of the fixed series, and patient and study are copied from it: the object
    is filed with the patient.

    Parameters
    ----------
    transform : of points of the fixed series to points of the moving one, LPS mm, as in a `Registration`
    fixed, moving : headers of the two series
    fixed_grid : the fixed image or its `ImageInfo`: where a deformation is stated
    path : file to write

    Returns
    -------
    pydicom.Dataset
        What was written. The comment of a deformation says how closely the grid follows the transform.

    Raises
    ------
    WrongImageError
        The series are of two patients.
    OutputError
        The file could not be written.

    Notes
    -----
    The two objects state opposite directions. The matrix of a Spatial Registration takes points of the source (moving)
    to the registered (fixed) system: it is the inverse of our transform. The vectors of a Deformable Spatial
    Registration take points of the registered system to the source: they are our transform itself.

    References
    ----------
    DICOM PS3.3 C.20.2.1.1 (matrix), C.20.3.1.1 (deformation).
    """
    _refuse_two_patients(fixed, moving)
    if transform.IsLinear():
        data = new_object(fixed, SPATIAL, "REG", _SERIES_NUMBER, "Registration")
        forth = matrix_of(transform)
        data.RegistrationSequence = [_item(fixed, np.eye(4)), _item(moving, np.linalg.inv(forth))]
    else:
        data = new_object(fixed, DEFORMABLE, "REG", _SERIES_NUMBER, "Deformable registration")
        data.DeformableRegistrationSequence = [_deformation(transform, moving, fixed_grid)]
    data.ContentLabel, data.ContentDescription, data.ContentCreatorName = "REGISTRATION", None, None
    _refer(data, fixed, moving)
    with written_atomically(path) as temporary:
        data.save_as(temporary, enforce_file_format=True)
    return data


def matrix_of(transform: sitk.Transform) -> NDArray[np.float64]:
    """Return the (4, 4) matrix of a linear transform: LPS mm, points as columns."""
    origin, *ends = transform_points(transform, np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=float))
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([end - origin for end in ends], axis=1)
    matrix[:3, 3] = origin
    return matrix


def _item(source: SourceSeries, matrix: NDArray[np.floating[Any]]) -> Dataset:
    turn = matrix[:3, :3]
    rigid = np.abs(turn.T @ turn - np.eye(3)).max() < _RIGID and np.linalg.det(turn) > 0
    step = Dataset()
    step.FrameOfReferenceTransformationMatrix = [format_number_as_ds(float(value)) for value in matrix.ravel()]
    step.FrameOfReferenceTransformationMatrixType = "RIGID" if rigid else "AFFINE"
    registration = Dataset()
    registration.RegistrationTypeCodeSequence = []
    registration.MatrixSequence = [step]
    item = Dataset()
    item.FrameOfReferenceUID = source.frame_of_reference_uid
    item.ReferencedImageSequence = _references(source.headers)
    item.MatrixRegistrationSequence = [registration]
    return item


def _deformation(transform: sitk.Transform, moving: SourceSeries, fixed_grid: Grid) -> Dataset:
    sampled = deformation_grid(transform, fixed_grid)
    field = sampled.field
    axes = np.array(field.GetDirection()).reshape(3, 3)
    grid = Dataset()
    grid.ImageOrientationPatient = [format_number_as_ds(float(value)) for value in (*axes[:, 0], *axes[:, 1])]
    grid.ImagePositionPatient = [format_number_as_ds(float(value)) for value in field.GetOrigin()]
    grid.GridDimensions = list(field.GetSize())
    grid.GridResolution = list(field.GetSpacing())
    grid.VectorGridData = sitk.GetArrayViewFromImage(field).astype("<f4").tobytes()
    item = Dataset()
    item.SourceFrameOfReferenceUID = moving.frame_of_reference_uid
    item.ReferencedImageSequence = _references(moving.headers)
    item.FrameOfReferenceTransformationComment = (
        f"Linear interpolation is within {sampled.error_mm:.2f} mm of the transform."
    )
    item.RegistrationTypeCodeSequence = []
    item.DeformableRegistrationGridSequence = [grid]
    return item


def _references(headers: Sequence[Dataset]) -> list[Dataset]:
    found = []
    for header in headers:
        reference = Dataset()
        reference.ReferencedSOPClassUID = header.SOPClassUID
        reference.ReferencedSOPInstanceUID = header.SOPInstanceUID
        found.append(reference)
    return found


def _refer(data: Dataset, fixed: SourceSeries, moving: SourceSeries) -> None:
    """List every instance that is referred to, by study and series (PS3.3 C.12.2)."""
    # A deformation refers to the moving series only.
    referred = [fixed, moving] if "RegistrationSequence" in data else [moving]
    series = {source.series_uid: source for source in referred}
    here = [_series(source) for source in series.values() if source.study_uid == fixed.study_uid]
    elsewhere = [source for source in series.values() if source.study_uid != fixed.study_uid]
    if here:
        data.ReferencedSeriesSequence = here
    if elsewhere:
        study = Dataset()
        study.StudyInstanceUID = elsewhere[0].study_uid
        study.ReferencedSeriesSequence = [_series(source) for source in elsewhere]
        data.StudiesContainingOtherReferencedInstancesSequence = [study]


def _series(source: SourceSeries) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = source.series_uid
    item.ReferencedInstanceSequence = _references(source.headers)
    return item


def _refuse_two_patients(fixed: SourceSeries, moving: SourceSeries) -> None:
    first, second = (str(source.headers[0].get("PatientID") or "") for source in (fixed, moving))
    if first and second and first != second:
        raise WrongImageError("The two series are of two patients.", "A DICOM registration is filed with one patient.")
