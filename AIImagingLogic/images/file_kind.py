"""What kind of file a path is, told by its first bytes and never by its name."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from AIImagingLogic.records.errors import UnreadableImageError

_PICTURES = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"II*\x00": "a TIFF picture",
    b"MM\x00*": "a TIFF picture",
    b"GIF8": "a GIF picture",
    b"BM": "a BMP picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a Zip archive",
    b"\x89HDF": "an HDF5 file",
    b"7z\xbc\xaf": "a 7z archive",
}
_HEAD_BYTES = 1024
# zlib's way of saying that a gzip header stands before the data.
_GZIP_BITS = 16 + zlib.MAX_WBITS
_NIFTI_HEADER_SIZES = {348, 540}


def file_kind(path: Path) -> str:
    """Return ``dicom``, ``nifti``, ``nrrd``, ``metaimage``, ``empty``, or in words what else the file is.

    Raises
    ------
    UnreadableImageError
        The file cannot be opened.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise UnreadableImageError(f"'{path.name}' cannot be opened: {error.strerror}.", "Check its access.") from error
    if not head:
        return "empty"
    if head[128:132] == b"DICM" or _looks_like_bare_dicom(head):
        return "dicom"
    if head.startswith(b"NRRD000"):
        return "nrrd"
    if head.startswith(b"\x1f\x8b"):
        return "nifti" if _is_nifti(_unzipped_head(path)) else "a gzip archive that holds no NIfTI image"
    if _is_nifti(head):
        return "nifti"
    if _is_meta_image(head):
        return "metaimage"
    for magic, words in _PICTURES.items():
        if head.startswith(magic):
            return words
    return "a file of an unknown kind"


def _unzipped_head(path: Path) -> bytes:
    """Return the first bytes inside a gzip file, as many as there are when it is cut off."""
    with path.open("rb") as stream:
        packed = stream.read(16 * _HEAD_BYTES)
    try:
        return zlib.decompressobj(wbits=_GZIP_BITS).decompress(packed, _HEAD_BYTES)
    except zlib.error:
        return b""


def _is_nifti(head: bytes) -> bool:
    if len(head) < 8:
        return False
    sizes = {struct.unpack("<i", head[:4])[0], struct.unpack(">i", head[:4])[0]}
    if not sizes & _NIFTI_HEADER_SIZES:
        return False
    return head[344:347] in (b"n+1", b"ni1") or head[4:7] in (b"n+2", b"ni2")


def _is_meta_image(head: bytes) -> bool:
    return any(line.split(b"=")[0].strip() == b"NDims" for line in head.splitlines()[:20])


def _looks_like_bare_dicom(head: bytes) -> bool:
    """Whether the file starts with a data element of group 0002 or 0008, as DICOM without a preamble does."""
    if len(head) < 8:
        return False
    group, element = struct.unpack("<HH", head[:4])
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    length = struct.unpack("<I", head[4:8])[0]
    return group in (0x0002, 0x0008) and element <= 0x0018 and (explicit or length < _HEAD_BYTES)
