"""Voxels of DICOM slices, rescaled: files of one slice through GDCM, frames of multi-frame files through pydicom."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.pixels import pixel_array

from AIImagingLogic.images.dicom_file import DicomFile, Frame
from AIImagingLogic.images.voxels import settled_voxels
from AIImagingLogic.records.errors import UnreadableImageError


def read_voxels(frames: Sequence[Frame], file: DicomFile) -> NDArray[Any]:
    """Return the values of slices in the order given: (n, rows, columns), int16 when whole, else float32.

    Parameters
    ----------
    frames : slices of one series, all of one size
    file : the header of one of its files: says how values are stored

    Raises
    ------
    UnreadableImageError
        A file is cut off, or its compression is not known.
    """
    if any(frame.index is not None for frame in frames):
        return settled_voxels(_multi_frame(frames))
    return settled_voxels(_single_frames(frames, file))


def _single_frames(frames: Sequence[Frame], file: DicomFile) -> NDArray[Any]:
    reader = sitk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames([str(frame.path) for frame in frames])
    reader.SetOutputPixelType(_pixel_type(frames, file))
    with _quiet():
        try:
            values = sitk.GetArrayFromImage(reader.Execute())
        except RuntimeError as error:
            raise UnreadableImageError(_broken_file(frames), "Copy or export the series again.") from error
    return values.reshape(len(frames), frames[0].rows, frames[0].columns)


def _pixel_type(frames: Sequence[Frame], file: DicomFile) -> int:
    """Return the smallest type that holds every value that the files can state."""
    if any(frame.slope % 1 or frame.intercept % 1 for frame in frames):
        return int(sitk.sitkFloat32)
    low, high = (
        (-(2 ** (file.bits_stored - 1)), 2 ** (file.bits_stored - 1)) if file.signed else (0, 2**file.bits_stored)
    )
    ends = [end * frame.slope + frame.intercept for frame in frames for end in (low, high)]
    fits = min(ends) >= -(2**15) and max(ends) <= 2**15
    return int(sitk.sitkInt16 if fits else sitk.sitkInt32)


def _broken_file(frames: Sequence[Frame]) -> str:
    """Return which of the files cannot be read, by reading them one by one."""
    for frame in frames:
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(frame.path))
        try:
            reader.Execute()
        except RuntimeError:
            return f"The pixels of '{frame.path.name}' cannot be read: it is cut off, or its compression is not known."
    return "The pixels of the series cannot be read."


def _multi_frame(frames: Sequence[Frame]) -> NDArray[np.float32]:
    values = np.empty((len(frames), frames[0].rows, frames[0].columns), dtype=np.float32)
    stored: dict[Any, NDArray[Any]] = {}
    for number, frame in enumerate(frames):
        if frame.path not in stored:
            stored = {frame.path: _stored_frames(frame)}
        own = stored[frame.path][frame.index or 0]
        values[number] = own * frame.slope + frame.intercept
    return values


def _stored_frames(frame: Frame) -> NDArray[Any]:
    try:
        values = pixel_array(frame.path)
    except (RuntimeError, ValueError, AttributeError, NotImplementedError, pydicom.errors.InvalidDicomError) as error:
        raise UnreadableImageError(
            f"The pixels of '{frame.path.name}' cannot be read: it is cut off, or its compression is not known.",
            "Copy or export the series again, uncompressed.",
        ) from error
    return values.reshape(-1, frame.rows, frame.columns)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep ITK from warning of uneven slices: the stack's plan has judged them already."""
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.GlobalWarningDisplayOff()
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(before)
