"""Read an image: a DICOM folder or file, NIfTI, NRRD or MetaImage, told by content and not by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from AIImagingLogic.images.default_series import chosen_series
from AIImagingLogic.images.dicom_file import DicomFile, read_dicom_file
from AIImagingLogic.images.dicom_scan import BROKEN_DICOM, VOLUME_KINDS, FolderScan, scan_folder
from AIImagingLogic.images.dicom_series import read_series
from AIImagingLogic.images.file_kind import file_kind
from AIImagingLogic.images.volume_file import read_volume_file
from AIImagingLogic.records.errors import UnreadableImageError
from AIImagingLogic.records.image_info import ImageInfo

DicomSeries = tuple[Sequence[DicomFile], tuple[str, ...]]
"""The files of a series, and notes on which of several was taken and what was left out."""


def read_image(path: Path, series_uid: str | None = None) -> tuple[sitk.Image, ImageInfo]:
    """Read a 3D image of grey values with its geometry (LPS mm).

    Parameters
    ----------
    path : folder with DICOM files (folders below it too), or a DICOM, NIfTI, NRRD, MHA or MHD file; of a DICOM file
        that is one slice, the whole series in its folder is read
    series_uid : of the series to read; default: the largest original cross-sectional one, CT before MR before PET

    Returns
    -------
    image : sitk.Image
        int16 when all values are whole and fit, else float32; DICOM values are rescaled (CT: HU).
    info : ImageInfo
        Its `notes` say what had to be mended, and which of several series was taken.

    Raises
    ------
    UnreadableImageError
        There is no image there, it is cut off, or the series is not there.
    GeometryError
        Slices are missing, or do not make one volume.
    WrongImageError
        It is a picture in colour, a segmentation, a time series or the like.
    """
    found = image_files(path, series_uid)
    if isinstance(found, Path):
        return read_volume_file(found, file_kind(found))
    return read_series(*found)


def image_files(path: Path, series_uid: str | None = None) -> DicomSeries | Path:
    """Return what `read_image` reads: the files of a DICOM series with notes on its choice, or a volume file.

    Raises
    ------
    UnreadableImageError
        There is no image there, or the series is not there.
    """
    path = Path(path)
    if path.is_dir():
        return _of_folder(path, series_uid)
    if not path.is_file():
        raise UnreadableImageError(f"'{path}' does not exist.", "Check the path.")
    kind = file_kind(path)
    if kind == "dicom":
        return _of_dicom_file(path, series_uid)
    if kind in VOLUME_KINDS:
        if series_uid:
            raise UnreadableImageError(f"'{path.name}' holds no DICOM series.", "Leave the series out.")
        return path
    if kind == "empty":
        raise UnreadableImageError(f"'{path.name}' is empty.", "Copy it again.")
    raise UnreadableImageError(f"'{path.name}' is {kind}, not an image volume.", _FORMATS)


def _of_dicom_file(path: Path, series_uid: str | None) -> DicomSeries:
    file = read_dicom_file(path)
    if series_uid and series_uid != file.series_uid:
        raise UnreadableImageError(f"'{path.name}' is not of the series {series_uid}.", "Name the folder instead.")
    if len(file.frames) > 1 or not file.series_uid:
        return [file], ()
    scan = scan_folder(path.parent)
    return _named(scan, file.series_uid, path.parent), _left_out(scan)


def _of_folder(folder: Path, series_uid: str | None) -> DicomSeries | Path:
    scan = scan_folder(folder)
    if series_uid:
        return _named(scan, series_uid, folder), _left_out(scan)
    if scan.series:
        chosen, notes = chosen_series(scan.series)
        return chosen, (*notes, *_left_out(scan))
    if len(scan.volumes) == 1:
        return scan.volumes[0]
    raise UnreadableImageError(_nothing_here(folder, scan), _FORMATS)


def _named(scan: FolderScan, series_uid: str, folder: Path) -> Sequence[DicomFile]:
    for files in scan.series:
        if files[0].series_uid == series_uid:
            return files
    raise UnreadableImageError(f"'{folder}' holds no series {series_uid}.", "List its series with `aiimaging info`.")


def _left_out(scan: FolderScan) -> tuple[str, ...]:
    """Return a note when slices may be missing because their files are broken."""
    broken = scan.others.get(BROKEN_DICOM, 0)
    return (f"{broken} DICOM files of the folder cannot be read and were left out.",) if broken else ()


def _nothing_here(folder: Path, scan: FolderScan) -> str:
    if len(scan.volumes) > 1:
        return f"'{folder}' holds {len(scan.volumes)} image files: name one of them."
    if not scan.others:
        return f"'{folder}' is empty."
    found = ", ".join(f"{count} x {kind}" for kind, count in scan.others.items())
    return f"'{folder}' holds no image ({found})."


_FORMATS = "Give a DICOM folder or file, or a NIfTI, NRRD, MHA or MHD file."
