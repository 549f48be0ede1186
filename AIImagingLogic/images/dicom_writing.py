"""Write an image as a CT series that every DICOM reader takes."""

from __future__ import annotations

import shutil
import uuid
from datetime import datetime
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from AIImagingLogic.images.geometry import index_matrix, index_to_world
from AIImagingLogic.records.atomic_files import make_folder, output_error
from AIImagingLogic.records.errors import GeometryError, OutputError

_INTERCEPT = -1024
_HIGHEST = 2**16 - 1 + _INTERCEPT


def write_ct_series(
    image: sitk.Image,
    folder: Path,
    *,
    acquired: datetime,
    description: str,
    study_uid: str | None = None,
    series_uid: str | None = None,
    frame_of_reference_uid: str | None = None,
    kernel: str = "STANDARD",
    patient_name: str = "Phantom^Chest",
    patient_id: str = "AIIMAGING-PHANTOM",
) -> tuple[Path, ...]:
    """Write one CT Image Storage file for each slice along k.

    Parameters
    ----------
    image : 3D, HU, axes at right angles, any orientation; DICOM states the place of each slice, so that a left-handed
        grid is the same image in the patient, and comes back right-handed, its slices in reverse order
    folder : made when it is not there; files of the same names are replaced
    acquired : date and time of study, series and acquisition
    description : Series Description
    study_uid, series_uid, frame_of_reference_uid : made when not given

    Returns
    -------
    tuple of Path
        In the order of the slices along k.

    Raises
    ------
    GeometryError
        The axes are not at right angles.
    OutputError
        Values are beyond -1024 to 64511 HU or no numbers, or the folder cannot be written to.

    References
    ----------
    DICOM PS3.3 A.3 (CT Image IOD), C.7.6.2 (Image Plane), C.8.2.1 (CT Image).
    """
    _require_right_angles(image)
    stored = _stored_values(sitk.GetArrayViewFromImage(image))
    make_folder(folder)
    series = _series(image, acquired, description, kernel)
    series.PatientName, series.PatientID = patient_name, patient_id
    series.StudyInstanceUID = study_uid or generate_uid()
    series.SeriesInstanceUID = series_uid or generate_uid()
    series.FrameOfReferenceUID = frame_of_reference_uid or generate_uid()
    # All files or none: a series with some of its slices missing is worse than no series.
    unfinished = folder / f".{uuid.uuid4().hex[:8]}-unfinished"
    names = [f"slice_{number + 1:04d}.dcm" for number in range(len(stored))]
    try:
        unfinished.mkdir()
        for number, (name, slice_values) in enumerate(zip(names, stored, strict=True)):
            _write_slice(unfinished / name, series, number, index_to_world(image, (0, 0, number)), slice_values)
        for name in names:
            (unfinished / name).replace(folder / name)
    except OSError as error:
        raise output_error(folder, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return tuple(folder / name for name in names)


def _require_right_angles(image: sitk.Image) -> None:
    direction = np.array(image.GetDirection()).reshape(3, 3)
    if np.abs(direction.T @ direction - np.eye(3)).max() > 1e-4:
        raise GeometryError("The image's axes are not at right angles.", "Resample it first.")


def _stored_values(values: NDArray[np.generic]) -> NDArray[np.uint16]:
    whole = np.rint(values)
    if not np.all(np.isfinite(whole)) or whole.min() < _INTERCEPT or whole.max() > _HIGHEST:
        raise OutputError(
            f"Values from {values.min()} to {values.max()} do not fit a CT series.",
            f"Clip them to {_INTERCEPT} to {_HIGHEST} HU first.",
        )
    return (whole.astype(np.int32) - _INTERCEPT).astype("<u2")


def _series(image: sitk.Image, acquired: datetime, description: str, kernel: str) -> Dataset:
    """Return what all slices share."""
    day, time = acquired.strftime("%Y%m%d"), acquired.strftime("%H%M%S.%f")
    rows = index_matrix(image) / np.array(image.GetSpacing())
    between_columns, between_rows, increment = image.GetSpacing()
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.SOPClassUID = CTImageStorage
    for event in ("Study", "Series", "Acquisition", "Content"):
        setattr(data, f"{event}Date", day)
        setattr(data, f"{event}Time", time)
    data.AccessionNumber = data.ReferringPhysicianName = data.PatientBirthDate = data.PatientSex = ""
    data.Modality, data.Manufacturer, data.ManufacturerModelName = "CT", "AI Imaging", "Phantom"
    data.StudyDescription, data.SeriesDescription = "CT", description[:64]
    data.StudyID, data.SeriesNumber, data.AcquisitionNumber = "1", 1, 1
    data.PatientPosition = "HFS"
    data.PositionReferenceIndicator = ""
    data.KVP, data.ConvolutionKernel = None, kernel
    data.SliceThickness = _decimal(increment)
    data.SpacingBetweenSlices = _decimal(increment)
    data.ImageOrientationPatient = [_decimal(value) for value in (*rows[:, 0], *rows[:, 1])]
    data.PixelSpacing = [_decimal(between_rows), _decimal(between_columns)]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = _INTERCEPT, 1, "HU"
    data.WindowCenter, data.WindowWidth = 40, 400
    return data


def _write_slice(
    path: Path, series: Dataset, number: int, position: NDArray[np.float64], stored: NDArray[np.uint16]
) -> None:
    data = Dataset()
    data.update(series)
    data.SOPInstanceUID = generate_uid()
    data.InstanceNumber = number + 1
    data.ImagePositionPatient = [_decimal(value) for value in position]
    data.Rows, data.Columns = stored.shape
    data.PixelData = stored.tobytes()
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = CTImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.save_as(path, enforce_file_format=True)


def _decimal(value: float) -> str:
    """Return a decimal string of at most 16 characters, as exact as fits."""
    for digits in range(16, 0, -1):
        text = f"{float(value):.{digits}g}"
        if len(text) <= 16:
            return text
    return f"{float(value):.6g}"
