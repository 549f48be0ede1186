"""Read a DICOM Spatial Registration, rigid or deformable, of any program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from AIImagingLogic.dicom.registration_writing import DEFORMABLE, SPATIAL
from AIImagingLogic.dicom.seg_reading import read_dataset
from AIImagingLogic.records.errors import RegistrationError, UnreadableImageError, WrongImageError


@dataclass(frozen=True)
class ReadRegistration:
    """A transform from the registered coordinate system (fixed) to that of a source (moving).

    Attributes
    ----------
    transform : of points of the fixed image to points of the moving one, LPS mm, as in a `Registration`; outside the
        grid of a deformation it is the matrices alone
    deformable : whether it holds a grid of vectors
    fixed_frame_uid, moving_frame_uid : Frame of Reference UIDs
    moving_image_uids : SOP Instance UIDs of the images that it is of; empty when it is of the whole frame of reference
    notes : what is in doubt, one sentence each
    """

    transform: sitk.Transform
    deformable: bool
    fixed_frame_uid: str
    moving_frame_uid: str
    moving_image_uids: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_registrations(path: Path) -> tuple[ReadRegistration, ...]:
    """Read the registrations of a file, one for each moving series; that of the fixed image to itself is left out.

    Raises
    ------
    UnreadableImageError
        It is no DICOM file, or lacks what such a file must hold.
    WrongImageError
        It is another kind of DICOM object.
    RegistrationError
        A matrix cannot be inverted.
    """
    data = read_dataset(path)
    kind = data.get("SOPClassUID")
    if kind not in (SPATIAL, DEFORMABLE):
        raise WrongImageError(f"'{path.name}' is no DICOM registration.", "Name a Spatial Registration file.")
    fixed = str(data.get("FrameOfReferenceUID", ""))
    try:
        if kind == DEFORMABLE:
            return tuple(_deformed(item, fixed) for item in data.DeformableRegistrationSequence)
        items = [(item, _source_to_registered(item)) for item in data.RegistrationSequence]
    except (AttributeError, ValueError, TypeError, IndexError) as error:
        raise UnreadableImageError(f"'{path.name}' is not complete ({error}).", "Export it again.") from error
    moved = [(item, matrix) for item, matrix in items if not np.allclose(matrix, np.eye(4), atol=1e-12)]
    # All of them the identity: the series are registered already. The first one is the fixed series.
    return tuple(_linear(item, matrix, fixed) for item, matrix in moved or items[1:] or items)


def _linear(item: Dataset, matrix: NDArray[np.float64], fixed: str) -> ReadRegistration:
    if abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
        raise RegistrationError("The matrix of the registration cannot be inverted.", "Export it again.")
    transform = _affine(np.linalg.inv(matrix))
    return ReadRegistration(transform, False, fixed, str(item.get("FrameOfReferenceUID", "")), _images(item))


def _source_to_registered(item: Dataset) -> NDArray[np.float64]:
    """Return the product of the matrices; they are applied in the order in which they stand (PS3.3 C.20.2.1.1)."""
    whole = np.eye(4)
    for step in item.MatrixRegistrationSequence[0].MatrixSequence:
        whole = _matrix(step) @ whole
    return whole


def _deformed(item: Dataset, fixed: str) -> ReadRegistration:
    # SimpleITK applies the last of the list first.
    parts: list[sitk.Transform] = []
    if item.get("PostDeformationMatrixRegistrationSequence"):
        parts.append(_affine(_matrix(item.PostDeformationMatrixRegistrationSequence[0])))
    notes: tuple[str, ...] = ()
    if item.get("DeformableRegistrationGridSequence"):
        field, notes = _field(item.DeformableRegistrationGridSequence[0])
        parts.append(sitk.DisplacementFieldTransform(field))
    if item.get("PreDeformationMatrixRegistrationSequence"):
        parts.append(_affine(_matrix(item.PreDeformationMatrixRegistrationSequence[0])))
    transform = sitk.CompositeTransform(parts or [sitk.AffineTransform(3)])
    moving = str(item.get("SourceFrameOfReferenceUID", ""))
    return ReadRegistration(transform, True, fixed, moving, _images(item), notes)


def _field(grid: Dataset) -> tuple[sitk.Image, tuple[str, ...]]:
    columns, rows, planes = (int(value) for value in grid.GridDimensions)
    vectors = np.frombuffer(grid.VectorGridData, "<f4").reshape(planes, rows, columns, 3).astype(np.float64)
    undefined = ~np.isfinite(vectors).all(axis=-1)
    vectors[undefined] = 0
    row, column = np.array([float(value) for value in grid.ImageOrientationPatient]).reshape(2, 3)
    field = sitk.GetImageFromArray(vectors, isVector=True)
    field.SetSpacing([float(value) for value in grid.GridResolution])
    field.SetOrigin([float(value) for value in grid.ImagePositionPatient])
    field.SetDirection(np.stack([row, column, np.cross(row, column)], axis=1).ravel().tolist())
    percent = 100 * float(undefined.mean())
    note = f"{percent:.1f}% of the grid are undefined: points there stay where they are."
    return field, (note,) if undefined.any() else ()


def _affine(matrix: NDArray[np.floating[Any]]) -> sitk.AffineTransform:
    return sitk.AffineTransform(matrix[:3, :3].ravel().tolist(), matrix[:3, 3].tolist())


def _matrix(step: Dataset) -> NDArray[np.float64]:
    return np.array([float(value) for value in step.FrameOfReferenceTransformationMatrix]).reshape(4, 4)


def _images(item: Dataset) -> tuple[str, ...]:
    return tuple(str(part.ReferencedSOPInstanceUID) for part in item.get("ReferencedImageSequence") or ())
