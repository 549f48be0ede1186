"""Which series a path holds, with what is needed to choose one, and what is wrong with each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from AIImagingLogic.images.default_series import is_localizer
from AIImagingLogic.images.dicom_file import DicomFile, read_dicom_file
from AIImagingLogic.images.dicom_scan import VOLUME_KINDS, FolderScan, scan_folder
from AIImagingLogic.images.dicom_series import plan_series
from AIImagingLogic.images.file_kind import file_kind
from AIImagingLogic.images.volume_file import read_volume_file
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.errors import AIImagingError, GeometryError, UnreadableImageError, WrongImageError
from AIImagingLogic.records.json_form import Record


@dataclass(frozen=True)
class SeriesSummary(Record):
    """One series, or one volume file, or the files that are neither. Never who the patient is.

    Attributes
    ----------
    uid : Series Instance UID; empty for volume files and for what is no image
    modality : DICOM modality, empty when the file does not say
    files : how many belong to it
    size : voxels along i, j, k; None when it makes no volume
    spacing_mm : along i, j, k; None when it makes no volume
    acquired : date and time, None when unknown
    description : what to choose it by: series description, kernel and kind, or the name of a volume file
    problems : what must be mended or keeps it from being read, one sentence each
    readable : whether it can be read as a volume
    """

    uid: str
    study_uid: str
    modality: str
    files: int
    size: tuple[int, int, int] | None
    spacing_mm: Vector | None
    acquired: datetime | None
    description: str
    problems: tuple[str, ...] = ()
    readable: bool = True


def list_series(path: Path) -> tuple[SeriesSummary, ...]:
    """List the series of a folder and the folders below it, or of one file.

    Returns
    -------
    tuple of SeriesSummary
        DICOM series by study and number, then volume files, then one entry that counts the files that are neither.

    Raises
    ------
    UnreadableImageError
        The path does not exist, or the folder is empty.
    """
    path = Path(path)
    if not path.exists():
        raise UnreadableImageError(f"'{path}' does not exist.", "Check the path.")
    scan = scan_folder(path) if path.is_dir() else _scan_file(path)
    found = [_summary(files) for files in scan.series]
    found += [_volume_summary(file) for file in scan.volumes]
    if scan.others:
        found.append(_others_summary(scan.others))
    if not found:
        raise UnreadableImageError(f"'{path}' is empty.", "Choose a folder with images.")
    return tuple(found)


def _scan_file(path: Path) -> FolderScan:
    kind = file_kind(path)
    if kind == "dicom":
        return FolderScan(((read_dicom_file(path),),), (), {})
    if kind in VOLUME_KINDS:
        return FolderScan((), (path,), {})
    return FolderScan((), (), {"an empty file" if kind == "empty" else kind: 1})


def _summary(files: Sequence[DicomFile]) -> SeriesSummary:
    first = files[0]
    size: tuple[int, int, int] | None = None
    spacing: Vector | None = None
    try:
        plan, doubles = plan_series(files)
        frame = plan.frames[0]
        size = (frame.columns, frame.rows, len(plan.frames))
        spacing = (*plan.pixel_spacing_mm, plan.increment_mm)
        problems = [_to_come(note) for note in plan.notes]
        if doubles:
            problems.append(f"{len(doubles)} slices lie at the position of another one.")
    except (GeometryError, WrongImageError) as error:
        problems = [str(error)]
    return SeriesSummary(
        uid=first.series_uid,
        study_uid=first.study_uid,
        modality=first.modality,
        files=len(files),
        size=size,
        spacing_mm=spacing,
        acquired=min((file.acquired for file in files if file.acquired), default=None),
        description=_description(first),
        problems=tuple(problems),
        readable=size is not None,
    )


def _to_come(note: str) -> str:
    """Return a note of reading as what reading will do."""
    return note.replace(": the slices were ", ": the slices will be ").replace(": they were ", ": they will be ")


def _description(file: DicomFile) -> str:
    kind = "localizer" if is_localizer(file) else "derived" if file.image_type[:1] == ("DERIVED",) else ""
    return ", ".join(part for part in (file.description, file.kernel, kind) if part)


def _volume_summary(path: Path) -> SeriesSummary:
    try:
        image, info = read_volume_file(path, file_kind(path))
    except AIImagingError as error:
        return SeriesSummary("", "", "", 1, None, None, None, path.name, (str(error),), readable=False)
    return SeriesSummary("", "", "", 1, info.size, info.spacing_mm, None, path.name, info.notes)


def _others_summary(others: dict[str, int]) -> SeriesSummary:
    problems = tuple(f"{count} x {kind}." for kind, count in sorted(others.items()))
    return SeriesSummary(
        "", "", "", sum(others.values()), None, None, None, "files that are no image volume", problems, readable=False
    )
