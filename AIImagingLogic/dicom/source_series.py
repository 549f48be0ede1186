"""The series that a result was made from: headers of its files, in the order of the slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from AIImagingLogic.dicom.quiet import without_warnings
from AIImagingLogic.images.default_series import chosen_series
from AIImagingLogic.images.dicom_file import DicomFile, read_dicom_file
from AIImagingLogic.images.dicom_scan import scan_folder
from AIImagingLogic.images.dicom_series import plan_series
from AIImagingLogic.images.file_kind import file_kind
from AIImagingLogic.records.errors import UnreadableImageError, WrongImageError

_ADVICE = "DICOM objects refer to the files they were made from: name the DICOM series, not a copy in another format."
# What a derived object copies and may not leave out; an empty value says 'not known' (type 2, PS3.3 C.7).
_MAY_BE_EMPTY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID"),
    "PositionReferenceIndicator",
)


@dataclass(frozen=True)
class SourceSeries:
    """Headers of one series, without pixels.

    They hold the patient's identity, for the objects that are filed with the patient; it goes nowhere else.

    Attributes
    ----------
    headers : one a file, by the order of the slices; exactly one for a multi-frame image
    """

    headers: tuple[Dataset, ...]

    @property
    def modality(self) -> str:
        """DICOM modality."""
        return str(self.headers[0].get("Modality", ""))

    @property
    def study_uid(self) -> str:
        """Study Instance UID."""
        return str(self.headers[0].StudyInstanceUID)

    @property
    def series_uid(self) -> str:
        """Series Instance UID."""
        return str(self.headers[0].SeriesInstanceUID)

    @property
    def frame_of_reference_uid(self) -> str:
        """Frame of Reference UID: the coordinate system that positions in the patient refer to."""
        return str(self.headers[0].FrameOfReferenceUID)

    def corners_mm(self) -> NDArray[np.float64] | None:
        """Return the corners of its slices, (n, 3) LPS mm; None for a multi-frame image."""
        if "ImagePositionPatient" not in self.headers[0]:
            return None
        found = []
        for header in self.headers:
            row, column = np.array([float(value) for value in header.ImageOrientationPatient]).reshape(2, 3)
            between_rows, between_columns = (float(value) for value in header.PixelSpacing)
            position = np.array([float(value) for value in header.ImagePositionPatient])
            width, height = header.Columns * between_columns * row, header.Rows * between_rows * column
            found += [position, position + width, position + height, position + width + height]
        return np.array(found)


def read_source(path: Path, series_uid: str | None = None) -> SourceSeries:
    """Read the headers of the series that `images.read.read_image` reads for the same path and series.

    Raises
    ------
    UnreadableImageError
        The path holds no DICOM series, or not that one.
    WrongImageError
        The files do not say in which frame of reference they lie, or are several multi-frame images.
    GeometryError
        The slices make no volume.
    """
    files = _files(Path(path), series_uid)
    plan, _ = plan_series(files)
    paths = list(dict.fromkeys(frame.path for frame in plan.frames))
    with without_warnings():
        headers = tuple(pydicom.dcmread(file, stop_before_pixels=True, force=True) for file in paths)
    if not headers[0].get("FrameOfReferenceUID"):
        raise WrongImageError("The series states no frame of reference.", "Positions in it can refer to nothing.")
    if len(headers) > 1 and len(plan.frames) > len(headers):
        raise WrongImageError("The series is spread over several multi-frame files.", "Choose a series of one file.")
    for header in headers:
        if header.get("PatientIdentityRemoved") == "YES" and not header.get("DeidentificationMethod"):
            # An empty value is no valid one, and would be copied.
            header.DeidentificationMethod = "Not stated by the source"
        for keyword in _MAY_BE_EMPTY:
            if keyword not in header:
                setattr(header, keyword, None)
    return SourceSeries(headers)


def source_of(paths: Sequence[Path], series_uid: str) -> SourceSeries:
    """Return the series with that UID from the first of several paths that holds it.

    Raises
    ------
    UnreadableImageError
        None of them does.
    WrongImageError, GeometryError
        As `read_source`.
    """
    for path in paths:
        try:
            return read_source(path, series_uid)
        except UnreadableImageError:
            continue
    shown = ", ".join(f"'{path}'" for path in paths)
    raise UnreadableImageError(f"{shown} do not hold the series {series_uid} of the result.", _ADVICE)


def _files(path: Path, series_uid: str | None) -> Sequence[DicomFile]:
    if not path.exists():
        raise UnreadableImageError(f"'{path}' does not exist.", "Check the path.")
    folder = path
    if path.is_file():
        if file_kind(path) != "dicom":
            raise UnreadableImageError(f"'{path.name}' is no DICOM file.", _ADVICE)
        first = read_dicom_file(path)
        if len(first.frames) > 1 or not first.series_uid:
            return [first]
        folder, series_uid = path.parent, series_uid or first.series_uid
    scan = scan_folder(folder)
    if not scan.series:
        raise UnreadableImageError(f"'{folder}' holds no DICOM files.", _ADVICE)
    if not series_uid:
        return chosen_series(scan.series)[0]
    for files in scan.series:
        if files[0].series_uid == series_uid:
            return files
    raise UnreadableImageError(f"'{folder}' holds no series {series_uid}.", "List its series with `aiimaging info`.")
