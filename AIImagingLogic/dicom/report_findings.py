"""Findings from the measurement groups of a structured report and the segments they refer to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from AIImagingLogic.dicom.box_region import box_of_ellipsoid
from AIImagingLogic.dicom.coded_mask import CodedMask
from AIImagingLogic.dicom.codes import PRIVATE_SCHEME, concept_of_codes
from AIImagingLogic.dicom.finding_words import fields_of_words
from AIImagingLogic.dicom.seg_reading import ReadSeg
from AIImagingLogic.dicom.source_series import SourceSeries
from AIImagingLogic.dicom.sr_reading import MeasurementGroup, ReadReport
from AIImagingLogic.dicom.sr_writing import SCORE
from AIImagingLogic.records.boxes import OrientedBox, Vector
from AIImagingLogic.records.coding import Code, CodedConcept
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measurement import Measurement, measurement

_GREY = (128, 128, 128)
_UNKNOWN = Code("49755003", "SCT", "Morphologically Altered Structure")
_SMALLEST_MM = 1.0
# Of three unit vectors at right angles the determinant is 1.
_ABOUT_RIGHT_ANGLES = 0.99


def findings_of_report(
    report: ReadReport, segs: Sequence[ReadSeg] = (), source: SourceSeries | None = None
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Return a finding for each group whose place is known.

    Parameters
    ----------
    report : of `read_sr`
    segs : the segmentations it may refer to
    source : the series it was made on: gives regions that are drawn on images their place

    Returns
    -------
    findings : with box, outline (where there is a segment) and measurements; `uid` is the Tracking UID
    notes : which groups are without a place, and what else was in doubt
    """
    masks = {(seg.sop_uid, number): mask for seg in segs for number, mask in zip(seg.numbers, seg.masks, strict=True)}
    headers = {str(header.SOPInstanceUID): header for header in source.headers} if source else {}
    found, lost = [], []
    for number, group in enumerate(report.groups, start=1):
        name = group.tracking_id or f"Finding {number}"
        mask = masks.get((group.seg_uid, group.segment or 0))
        box = _box(group, mask, headers)
        if box is None:
            lost.append(name)
        else:
            spare_uid = generate_uid(entropy_srcs=[report.sop_uid, str(number)])
            found.append(_finding(group, name, str(spare_uid), box, mask))
    notes = list(report.notes)
    if lost:
        notes.append(
            f"{len(lost)} groups have no place ({', '.join(lost[:6])}): the segmentation or the images they refer to "
            "were not given, or they refer to none."
        )
    return tuple(found), tuple(notes)


def _finding(group: MeasurementGroup, name: str, spare_uid: str, box: OrientedBox, mask: CodedMask | None) -> Finding:
    own = {
        question.value: answer.meaning for question, answer in group.evaluations if question.scheme == PRIVATE_SCHEME
    }
    others = {
        question.meaning: answer.meaning for question, answer in group.evaluations if question.scheme != PRIVATE_SCHEME
    }
    fields = fields_of_words(own)
    words = {**fields.pop("descriptors"), **others}
    score = next((entry.value for entry in group.measurements if _is_score(entry.code)), 1.0)
    return Finding(
        uid=group.tracking_uid or spare_uid,
        name=name,
        box=box,
        score=score,
        concept=mask.concept if mask is not None else _concept(group, name),
        mask=None if mask is None else sitk.Cast(mask.mask, sitk.sitkUInt8),
        measurements=tuple(_of_lesion(entry) for entry in group.measurements if not _is_score(entry.code)),
        descriptors=words,
        **fields,
    )


def _of_lesion(made: Measurement) -> Measurement:
    """Return a volume in millilitres, as other programs state it, as a lesion's volume here."""
    if made.name != "organ_volume":
        return made
    interval = None if made.interval_95 is None else (1000 * made.interval_95[0], 1000 * made.interval_95[1])
    return measurement("volume", 1000 * made.value, interval)


def _is_score(code: Code | None) -> bool:
    return code is not None and (code.scheme, code.value) == (PRIVATE_SCHEME, SCORE)


def _concept(group: MeasurementGroup, name: str) -> CodedConcept:
    kind = group.kind or _UNKNOWN
    return concept_of_codes(group.category or _UNKNOWN, kind, None, kind.meaning or name, _GREY)


def _box(group: MeasurementGroup, mask: CodedMask | None, headers: Mapping[str, Dataset]) -> OrientedBox | None:
    if mask is not None:
        size = np.array(mask.mask.GetSize())
        axes = np.array(mask.mask.GetDirection()).reshape(3, 3)
        center = mask.mask.TransformContinuousIndexToPhysicalPoint(((size - 1) / 2).tolist())
        return _oriented(np.array(center), size * mask.mask.GetSpacing(), axes)
    if len(group.ellipsoids_mm) == 1 and _is_solid(group.ellipsoids_mm[0]):
        return box_of_ellipsoid(group.ellipsoids_mm[0])
    if group.points_mm:
        points = np.array(group.points_mm)
        return _oriented((points.min(axis=0) + points.max(axis=0)) / 2, np.ptp(points, axis=0), np.eye(3))
    drawn = [(headers[uid], np.array(points)) for uid, points in group.regions if uid in headers and points]
    return _box_of_regions(drawn) if drawn else None


def _is_solid(points: Sequence[Vector]) -> bool:
    """Whether six points are the ends of axes with lengths, about at right angles."""
    if len(points) != 6:
        return False
    along = np.diff(np.array(points).reshape(3, 2, 3), axis=1)[:, 0]
    lengths = np.linalg.norm(along, axis=1)
    return bool(lengths.min() > 0 and abs(np.linalg.det(along / lengths[:, None])) > _ABOUT_RIGHT_ANGLES)


def _box_of_regions(drawn: Sequence[tuple[Dataset, NDArray[np.float64]]]) -> OrientedBox:
    """Return the box around points (column, row) on slices of one orientation (PS3.3 C.7.6.2.1.1, C.18.6)."""
    first = drawn[0][0]
    row, column = np.array([float(value) for value in first.ImageOrientationPatient]).reshape(2, 3)
    axes = np.stack([row, column, np.cross(row, column)], axis=1)
    points = np.concatenate([_world(header, shape, row, column) for header, shape in drawn]) @ axes
    size = np.ptp(points, axis=0) + (0, 0, float(first.get("SliceThickness") or _SMALLEST_MM))
    return _oriented(axes @ ((points.min(axis=0) + points.max(axis=0)) / 2), size, axes)


def _world(
    header: Dataset, shape: NDArray[np.float64], row: NDArray[np.float64], column: NDArray[np.float64]
) -> NDArray[np.float64]:
    between_rows, between_columns = (float(value) for value in header.PixelSpacing)
    # Image coordinates count from the top left corner of the first pixel, positions from its centre.
    along = (shape[:, :1] - 0.5) * between_columns * row + (shape[:, 1:] - 0.5) * between_rows * column
    return np.asarray(along + np.array([float(value) for value in header.ImagePositionPatient]))


def _oriented(center: NDArray[np.float64], size: NDArray[np.float64], axes: NDArray[np.float64]) -> OrientedBox:
    """Return a box; `axes` are columns. A point gets an extent, since a box without volume is none."""
    x, y, z = (tuple(float(value) for value in axis) for axis in axes.T)
    edge = np.maximum(size, _SMALLEST_MM)
    return OrientedBox(tuple(center.tolist()), tuple(edge.tolist()), (x, y, z))  # type: ignore[arg-type]
