"""Read measurement groups of a DICOM structured report (TID 1500) of any program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from AIImagingLogic.dicom.codes import PRIVATE_SCHEME, code_from_dicom
from AIImagingLogic.dicom.measurement_items import measurement_from_item
from AIImagingLogic.dicom.seg_reading import read_dataset
from AIImagingLogic.records.coding import Code
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.measurement import Measurement

_MEASUREMENTS, _GROUP = "126010", "125007"
_TRACKING_ID, _TRACKING_UID = "112039", "112040"
_FINDING, _CATEGORY, _SITE, _LATERALITY = "121071", "276214006", "363698007", "272741003"
_OLD_CODES = {"G-C0E3": _SITE, "G-C171": _LATERALITY, "G-C036": "370129005"}
_TIME_POINT = "C2348792"
_SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")

Point = tuple[float, float, float]


@dataclass(frozen=True)
class MeasurementGroup:
    """What a report says of one lesion.

    Attributes
    ----------
    tracking_id, tracking_uid : empty when the report does not say
    category, kind : of the finding
    site, laterality : where it is
    measurements : known ones by their names of Resources/measurements.json, others by the words of their codes
    evaluations : (question, answer) codes
    seg_uid, segment : SOP Instance UID of a SEG and number of its segment
    points_mm : (n, 3) of regions in space, LPS mm
    ellipsoids_mm : of regions in space that are ellipsoids the (6, 3) ends of their axes, LPS mm
    regions : (SOP Instance UID of an image, (column, row) points) of regions drawn on images
    time_point : name of the visit
    """

    tracking_id: str
    tracking_uid: str
    category: Code | None
    kind: Code | None
    site: Code | None
    laterality: Code | None
    measurements: tuple[Measurement, ...]
    evaluations: tuple[tuple[Code, Code], ...]
    seg_uid: str = ""
    segment: int | None = None
    points_mm: tuple[Point, ...] = ()
    ellipsoids_mm: tuple[tuple[Point, ...], ...] = ()
    regions: tuple[tuple[str, tuple[tuple[float, float], ...]], ...] = ()
    time_point: str = ""


@dataclass(frozen=True)
class ReadReport:
    """The groups of a report. `notes` says what has no name here, one sentence each."""

    groups: tuple[MeasurementGroup, ...]
    sop_uid: str
    study_uid: str
    notes: tuple[str, ...] = ()


def read_sr(path: Path) -> ReadReport:
    """Read the measurement groups of a report.

    Raises
    ------
    UnreadableImageError
        It is no DICOM file.
    WrongImageError
        It is no structured report, or has no imaging measurements.
    """
    data = read_dataset(path)
    if data.get("Modality") != "SR" or "ContentSequence" not in data:
        raise WrongImageError(f"'{path.name}' is no structured report.", "Name a DICOM SR file.")
    found = tuple(
        _group(group)
        for container in _named(data, _MEASUREMENTS)
        for group in _named(container, _GROUP)
        if group.get("ContentSequence")
    )
    if not found:
        raise WrongImageError(f"'{path.name}' holds no imaging measurements.", "Name a report of TID 1500.")
    return ReadReport(found, str(data.SOPInstanceUID), str(data.StudyInstanceUID), _unknown(found))


def _group(item: Dataset) -> MeasurementGroup:
    children = list(item.ContentSequence)
    # What is the context of the group, such as the order of the visits, is a number too, but no measurement.
    numbers = (part for part in children if part.get("ValueType") == "NUM" and part.RelationshipType == "CONTAINS")
    made = [measurement_from_item(part) for part in numbers]
    site = next((part for part in children if _name(part) == _SITE), None)
    named = (_FINDING, _CATEGORY, _SITE)
    evaluations = tuple(
        (code_from_dicom(part.ConceptNameCodeSequence[0]), code_from_dicom(part.ConceptCodeSequence[0]))
        for part in children
        if part.get("ValueType") == "CODE" and part.get("ConceptCodeSequence") and _name(part) not in named
    )
    seg_uid, segment = _segment(children)
    return MeasurementGroup(
        tracking_id=_text(children, _TRACKING_ID),
        tracking_uid=_text(children, _TRACKING_UID),
        category=_code(children, _CATEGORY),
        kind=_code(children, _FINDING),
        site=_code(children, _SITE),
        laterality=None if site is None else _code(site.get("ContentSequence") or (), _LATERALITY),
        measurements=tuple(entry for entry in made if entry is not None),
        evaluations=evaluations,
        seg_uid=seg_uid,
        segment=segment,
        points_mm=tuple(point for part in children for point in _points(part)),
        ellipsoids_mm=tuple(tuple(_points(part)) for part in children if part.get("GraphicType") == "ELLIPSOID"),
        regions=tuple(region for part in children for region in _regions(part)),
        time_point=_text(children, _TIME_POINT),
    )


def _segment(children: Sequence[Dataset]) -> tuple[str, int | None]:
    for part in children:
        for reference in part.get("ReferencedSOPSequence") or ():
            number = reference.get("ReferencedSegmentNumber")
            if reference.get("ReferencedSOPClassUID") in _SEG_CLASSES and number is not None:
                first = number if isinstance(number, int) else number[0]
                return str(reference.ReferencedSOPInstanceUID), int(first)
    return "", None


def _points(item: Dataset) -> Iterator[Point]:
    if item.get("ValueType") == "SCOORD3D":
        values = [float(value) for value in item.get("GraphicData") or ()]
        yield from zip(values[0::3], values[1::3], values[2::3], strict=False)


def _regions(item: Dataset) -> Iterator[tuple[str, tuple[tuple[float, float], ...]]]:
    if item.get("ValueType") != "SCOORD":
        return
    values = [float(value) for value in item.get("GraphicData") or ()]
    for part in item.get("ContentSequence") or ():
        for reference in part.get("ReferencedSOPSequence") or ():
            points = tuple(zip(values[0::2], values[1::2], strict=False))
            yield str(reference.ReferencedSOPInstanceUID), points


def _named(item: Dataset, value: str) -> Iterator[Dataset]:
    return (part for part in item.get("ContentSequence") or () if _name(part) == value)


def _name(item: Dataset) -> str:
    names = item.get("ConceptNameCodeSequence")
    value = code_from_dicom(names[0]).value if names else ""
    return _OLD_CODES.get(value, value)


def _text(children: Sequence[Dataset], value: str) -> str:
    part = next((part for part in children if _name(part) == value), None)
    return "" if part is None else str(part.get("TextValue") or part.get("UID") or "")


def _code(children: Sequence[Dataset], value: str) -> Code | None:
    part = next((part for part in children if _name(part) == value and part.get("ConceptCodeSequence")), None)
    return None if part is None else code_from_dicom(part.ConceptCodeSequence[0])


def _unknown(groups: Sequence[MeasurementGroup]) -> tuple[str, ...]:
    """Return a note of the measurements that the table has no name for."""
    names = {
        entry.name
        for group in groups
        for entry in group.measurements
        if entry.code and entry.code.scheme != PRIVATE_SCHEME and entry.name.startswith(entry.code.meaning)
    }
    if not names:
        return ()
    shown = ", ".join(sorted(names)[:6]) + (", ..." if len(names) > 6 else "")
    return (f"{len(names)} measurements have codes that are not in the table and keep their own names ({shown}).",)
