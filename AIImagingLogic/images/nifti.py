"""NIfTI files: geometry as ITK and Slicer take it, and voxels that are known to be complete."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.nifti_header import NiftiHeader, parse_header
from AIImagingLogic.records.errors import UnreadableImageError, WrongImageError


def read_nifti(path: Path) -> tuple[sitk.Image, tuple[str, ...]]:
    """Read a NIfTI-1 or NIfTI-2 file, or the pair of a header and a data file.

    Returns
    -------
    image : sitk.Image
        3D or 4D; values scaled as the header says; LPS mm; its axes may be sheared.
    notes : what of the geometry was in doubt

    Raises
    ------
    UnreadableImageError
        The file is cut off or broken.
    WrongImageError
        It holds colours or vectors.

    Notes
    -----
    ITK reads a cut-off NIfTI file without an error, and its missing slices as zeros: hence this reader.
    """
    content = _content(path)
    try:
        header = parse_header(content)
    except ValueError as error:
        raise UnreadableImageError(f"The header of '{path.name}' is broken.", "Copy it again.") from error
    data = content[header.offset :] if header.is_single_file else _content(_data_file(path))
    values = _values(header, data, path.name)
    geometry, notes = header.geometry()
    image = sitk.GetImageFromArray(values, isVector=False)
    dimension = image.GetDimension()
    if dimension == 3:
        image.SetSpacing(geometry.spacing_mm)
        image.SetOrigin(geometry.origin_mm)
        image.SetDirection(geometry.direction)
    return image, notes


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableImageError(f"'{path.name}' is cut off or broken.", "Copy it again.") from error
    except OSError as error:
        raise UnreadableImageError(f"'{path.name}' cannot be opened.", "Check that it is there.") from error


def _data_file(path: Path) -> Path:
    """Return the data file beside a header file."""
    stem = path.name.removesuffix(".gz").removesuffix(".hdr")
    for name in (f"{stem}.img", f"{stem}.img.gz"):
        if path.with_name(name).exists():
            return path.with_name(name)
    raise UnreadableImageError(f"The data file '{stem}.img' of '{path.name}' is missing.", "Copy both files.")


def _values(header: NiftiHeader, data: bytes, name: str) -> NDArray[Any]:
    if header.dtype is None:
        raise WrongImageError(f"'{name}' holds colours or complex numbers.", "Choose a scalar image.")
    if header.shape[4:] and np.prod(header.shape[4:]) > 1:
        raise WrongImageError(f"'{name}' has several values in each voxel.", "Choose a scalar image.")
    volumes = int(np.prod(header.shape[3:4]))
    if volumes > 1:
        raise WrongImageError(f"'{name}' holds {volumes} volumes.", "Save one of them by itself first.")
    count = int(np.prod(header.shape))
    expected = count * header.dtype.itemsize
    if len(data) < expected:
        percent = 100 * len(data) / expected
        raise UnreadableImageError(f"'{name}' is cut off: {percent:.0f}% of its voxels are there.", "Copy it again.")
    stored = np.frombuffer(data, dtype=header.dtype, count=count).reshape(header.shape[2::-1])
    native = stored.astype(header.dtype.newbyteorder("="))
    if header.slope == 0 or (header.slope == 1 and header.intercept == 0):
        return native
    return native * np.float64(header.slope) + np.float64(header.intercept)
