"""The header of one DICOM file: what is needed to put slices together, and nothing of who the patient is."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import Tag

from AIImagingLogic.images.dicom_time import acquisition_time
from AIImagingLogic.records.errors import UnreadableImageError

_B_VALUE_TAGS = (Tag(0x0018, 0x9087), Tag(0x0019, 0x100C), Tag(0x2001, 0x1003), Tag(0x0043, 0x1039))

# What may tell apart slices of one series at the same position, in the order in which it is asked for.
_DISTINGUISHING = {
    "echo time": "EchoTime",
    "echo number": "EchoNumbers",
    "temporal position": "TemporalPositionIdentifier",
    "trigger time": "TriggerTime",
    "inversion time": "InversionTime",
    "image type": "ImageType",
    "acquisition number": "AcquisitionNumber",
    "acquisition time": "AcquisitionTime",
}
_KEYWORDS: list[str] = [
    *("SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality", "ImageType"),
    *("SeriesDescription", "SeriesNumber", "ConvolutionKernel", "PatientName", "PatientID"),
    *("AcquisitionDateTime", "AcquisitionDate", "AcquisitionTime", "SeriesDate", "SeriesTime"),
    *("StudyDate", "StudyTime", "ContentDate", "ContentTime"),
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsStored", "PixelRepresentation"),
    *("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", "SliceThickness", "PixelPaddingValue"),
    *("RescaleSlope", "RescaleIntercept", "RescaleType", "Units"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *_DISTINGUISHING.values(),
]

_TAGS = [*(Tag(keyword) for keyword in _KEYWORDS), *_B_VALUE_TAGS]


@dataclass(frozen=True)
class Frame:
    """One slice: a file, or one frame of a multi-frame file.

    Attributes
    ----------
    index : number of the frame in its file, None when the file holds one slice
    position : (3,) mm, LPS, centre of the first pixel; None when the file does not say
    orientation : (6,) direction cosines of a row and of a column, LPS; None when the file does not say
    pixel_spacing : (2,) mm, between rows and between columns
    slope, intercept : stored value to value
    marks : what may tell this slice from another one at the same position, such as a diffusion b-value
    """

    path: Path
    index: int | None
    rows: int
    columns: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, ...] | None
    thickness_mm: float | None
    slope: float
    intercept: float
    unit: str
    marks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DicomFile:
    """What one DICOM file says of itself."""

    path: Path
    sop_class: str
    study_uid: str
    series_uid: str
    frame_of_reference_uid: str
    modality: str
    image_type: tuple[str, ...]
    description: str
    series_number: int
    kernel: str
    acquired: datetime | None
    colours: int
    bits_stored: int
    signed: bool
    padding: int | None
    syntax: str
    frames: tuple[Frame, ...]


def read_dicom_file(path: Path) -> DicomFile:
    """Read the header of a DICOM file.

    Raises
    ------
    UnreadableImageError
        It is no DICOM file, or is cut off inside the header.
    """
    with warnings.catch_warnings():
        # pydicom warns of every value that breaks a rule of its type; what matters is checked where it is used.
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=_TAGS)
            if not dataset.get("SOPClassUID"):
                raise UnreadableImageError(f"'{path.name}' is not a DICOM image.", "Choose a DICOM image.")
            return _described(path, dataset)
        except (InvalidDicomError, EOFError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise UnreadableImageError(
                f"The DICOM header of '{path.name}' cannot be read ({type(error).__name__}).",
                "The file may be cut off: copy it again.",
            ) from error


def _described(path: Path, dataset: Dataset) -> DicomFile:
    meta = getattr(dataset, "file_meta", Dataset())
    return DicomFile(
        path=path,
        sop_class=_text(dataset, "SOPClassUID"),
        study_uid=_text(dataset, "StudyInstanceUID"),
        series_uid=_text(dataset, "SeriesInstanceUID"),
        frame_of_reference_uid=_text(dataset, "FrameOfReferenceUID"),
        modality=_text(dataset, "Modality"),
        image_type=tuple(str(part).strip() for part in _list(dataset.get("ImageType"))),
        description=_without_identifiers(_text(dataset, "SeriesDescription"), dataset),
        series_number=int(_number(dataset, "SeriesNumber", 0)),
        kernel="\\".join(str(part).strip() for part in _list(dataset.get("ConvolutionKernel"))),
        acquired=acquisition_time(dataset),
        colours=int(_number(dataset, "SamplesPerPixel", 1)),
        bits_stored=int(_number(dataset, "BitsStored", 16)),
        signed=_number(dataset, "PixelRepresentation", 0) == 1,
        padding=_padding(dataset),
        syntax=str(meta.get("TransferSyntaxUID", "")),
        frames=tuple(_frames(path, dataset)),
    )


def _frames(path: Path, dataset: Dataset) -> Iterator[Frame]:
    if not dataset.get("Rows") or not dataset.get("Columns"):
        return
    count = int(_number(dataset, "NumberOfFrames", 1))
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    if not per_frame:
        for index in range(count):
            yield _frame(path, None if count == 1 else index, dataset, [dataset] if count == 1 else [])
        return
    shared = list(dataset.get("SharedFunctionalGroupsSequence") or [])
    for index, group in enumerate(per_frame):
        # What a frame says of itself goes before what the file says of all its frames.
        items = [item for source in (group, *shared) for item in _macros(source)]
        yield _frame(path, index, dataset, items)


def _frame(path: Path, index: int | None, dataset: Dataset, sources: list[Dataset]) -> Frame:
    def first(keyword: str) -> Any:
        return next((source[keyword].value for source in sources if source.get(keyword) not in (None, "")), None)

    thickness, slope, intercept = first("SliceThickness"), first("RescaleSlope"), first("RescaleIntercept")
    return Frame(
        path=path,
        index=index,
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        position=_numbers(first("ImagePositionPatient"), 3),
        orientation=_numbers(first("ImageOrientationPatient"), 6),
        pixel_spacing=_numbers(first("PixelSpacing"), 2),
        thickness_mm=float(thickness) if thickness is not None and float(thickness) > 0 else None,
        slope=1.0 if slope is None else float(slope),
        intercept=0.0 if intercept is None else float(intercept),
        unit=str(_text(dataset, "Units") or first("RescaleType") or "").strip(),
        marks=_marks(sources),
    )


def _macros(group: Dataset) -> Iterator[Dataset]:
    """Yield the items of the functional groups of a frame, and one level below (diffusion gradients and the like)."""
    for element in group:
        if element.VR == "SQ":
            yield from element.value


def _marks(sources: list[Dataset]) -> dict[str, str]:
    marks = {}
    for source in sources:
        for tag in _B_VALUE_TAGS:
            if tag in source and "b-value" not in marks:
                marks["b-value"] = _b_value(source[tag].value)
        for name, keyword in _DISTINGUISHING.items():
            if keyword in source and name not in marks:
                marks[name] = str(source[keyword].value)
    return marks


def _b_value(value: Any) -> str:
    """Return a b-value as text; private tags hold it as bytes, and GE's as the first of four numbers."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace").strip(" \0").split("\\")[0]
    return str(_list(value)[0]).strip() if _list(value) else ""


def _padding(dataset: Dataset) -> int | None:
    value = dataset.get("PixelPaddingValue")
    return value if isinstance(value, int) else None


def _without_identifiers(text: str, dataset: Dataset) -> str:
    """Return a series description without the patient's name and number, should someone have typed them into it."""
    words = _text(dataset, "PatientName").replace("^", " ").replace("=", " ").split()
    for word in (*words, _text(dataset, "PatientID")):
        at = text.casefold().find(word.casefold()) if len(word) > 2 else -1
        while at >= 0:
            text = f"{text[:at]}…{text[at + len(word) :]}"
            at = text.casefold().find(word.casefold())
    return text


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()


def _number(dataset: Dataset, keyword: str, default: float) -> float:
    value = dataset.get(keyword)
    try:
        return default if value in (None, "") else float(value)
    except (TypeError, ValueError):
        return default


def _numbers(value: Any, count: int) -> tuple[float, ...] | None:
    values = tuple(float(part) for part in _list(value))
    return values if len(values) == count else None


def _list(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    if isinstance(value, (str, bytes, int, float)) or not hasattr(value, "__iter__"):
        return [value]
    return list(value)
