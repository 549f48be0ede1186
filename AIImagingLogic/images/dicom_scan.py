"""The DICOM files of a folder, sorted into series; what is no DICOM is counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from AIImagingLogic.images.dicom_file import DicomFile, read_dicom_file
from AIImagingLogic.images.file_kind import file_kind
from AIImagingLogic.records.errors import UnreadableImageError

VOLUME_KINDS = frozenset({"nifti", "nrrd", "metaimage"})
BROKEN_DICOM = "a DICOM file that cannot be read"
_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"


@dataclass(frozen=True)
class FolderScan:
    """What a folder holds.

    Attributes
    ----------
    series : the DICOM files of each series
    volumes : NIfTI, NRRD and MetaImage files
    others : how many files there are of every other kind, unreadable ones among them
    """

    series: tuple[tuple[DicomFile, ...], ...]
    volumes: tuple[Path, ...]
    others: dict[str, int]


def scan_folder(folder: Path, on_file: Callable[[], None] | None = None) -> FolderScan:
    """Look at every file in a folder and the folders below it.

    Files whose names begin with a dot are not looked at. `on_file` is called once a file.
    """
    series: defaultdict[tuple[str, ...], list[DicomFile]] = defaultdict(list)
    volumes: list[Path] = []
    others: Counter[str] = Counter()
    for path in _files(folder):
        if on_file is not None:
            on_file()
        kind = "a file that cannot be opened"
        try:
            kind = file_kind(path)
            if kind == "dicom":
                kind = BROKEN_DICOM
                file = read_dicom_file(path)
                if file.sop_class != _MEDIA_DIRECTORY:
                    series[_series_key(file)].append(file)
            elif kind in VOLUME_KINDS:
                volumes.append(path)
            else:
                others["an empty file" if kind == "empty" else kind] += 1
        except UnreadableImageError:
            others[kind] += 1
    found = sorted(series.values(), key=lambda files: (files[0].study_uid, files[0].series_number, files[0].series_uid))
    return FolderScan(tuple(tuple(files) for files in found), tuple(volumes), dict(others))


def _series_key(file: DicomFile) -> tuple[str, ...]:
    """Files without a series UID are series of their own."""
    return (file.series_uid,) if file.series_uid else ("", str(file.path))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file():
            yield path
