"""Write lesions and their measurements as a DICOM structured report (TID 1500)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import highdicom as hd
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from AIImagingLogic.dicom.box_region import region_of_box
from AIImagingLogic.dicom.codes import dicom_code, private_code
from AIImagingLogic.dicom.finding_words import words_of_finding
from AIImagingLogic.dicom.measurement_items import measurement_item
from AIImagingLogic.dicom.quiet import without_warnings
from AIImagingLogic.dicom.seg_writing import MANUFACTURER, PRODUCT
from AIImagingLogic.dicom.source_series import SourceSeries
from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.coding import Code
from AIImagingLogic.records.errors import OutputError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measurement import Measurement
from AIImagingLogic.records.resources import load_resource

SCORE = "score"
# One UID for the program as observer: made once from a random number (PS3.5 B.2).
_OBSERVER_UID = "2.25.295148246212871532066043216913415246541"
_SERIES_NUMBER = 301
_PROCEDURES = {
    "CT": codes.LN.CTUnspecifiedBodyRegion,
    "MR": codes.LN.MRIUnspecifiedBodyRegion,
    "PT": codes.LN.PETUnspecifiedBodyRegion,
}


@dataclass(frozen=True)
class Observation:
    """One lesion at one visit.

    Attributes
    ----------
    finding : with measurements, descriptors and review
    tracking_id, tracking_uid : of the lesion, the same at every visit
    segment : its number in the SEG, None when it has no outline: then its box is its place
    """

    finding: Finding
    tracking_id: str
    tracking_uid: str
    segment: int | None = None


@dataclass(frozen=True)
class TimePoint:
    """Which visit a report is of: its name, its place in time (0 is the first) and the days since the first."""

    label: str
    order: int
    days: float | None = None


@without_warnings()
def write_sr(
    observations: Sequence[Observation],
    source: SourceSeries,
    path: Path,
    *,
    seg: Dataset | None = None,
    time_point: TimePoint | None = None,
    person: str = "",
) -> Dataset:
    """Write one Comprehensive SR with a measurement group for each lesion.

    It is a Comprehensive 3D SR where a lesion has a box only: that is a region in space, which the other kind has not.
    Patient and study are copied from the source: the object is filed with the patient.

    Parameters
    ----------
    observations : at least one
    source : headers of the series that was measured
    path : file to write
    seg : the SEG of the outlines, as `write_seg` returned it
    time_point : of the visit
    person : name of who reviewed the findings, ``Family^Given``; empty when nobody did

    Returns
    -------
    pydicom.Dataset
        What was written.

    Raises
    ------
    OutputError
        There is no observation, a reader's name is none for DICOM, or the file could not be written.

    References
    ----------
    DICOM PS3.16 TID 1500 (Measurement Report), TID 1411 (Volumetric ROI Measurements), TID 1502 (Time Point Context).
    """
    if not observations:
        raise OutputError("There is no finding to report.", "A structured report needs at least one.")
    groups = [_group(entry, seg, source, time_point) for entry in observations]
    report = hd.sr.MeasurementReport(
        observation_context=_observers(person),
        procedure_reported=_PROCEDURES.get(source.modality, codes.LN.CTUnspecifiedBodyRegion),
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    in_space = any(_has_region(group) for group in groups)
    document = (hd.sr.Comprehensive3DSR if in_space else hd.sr.ComprehensiveSR)(
        evidence=[*source.headers, *([seg] if seg is not None else [])],
        content=report[0],
        series_instance_uid=hd.UID(),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        series_description="Measurements",
    )
    # What people type need not fit the character set that the images have.
    document.SpecificCharacterSet = "ISO_IR 192"
    with written_atomically(path) as temporary:
        document.save_as(temporary)
    return document


def _observers(person: str) -> Any:
    device = hd.sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=_OBSERVER_UID, name=PRODUCT, manufacturer_name=MANUFACTURER, model_name=PRODUCT
        ),
    )
    reader = None
    if person:
        reader = hd.sr.ObserverContext(
            observer_type=codes.DCM.Person,
            observer_identifying_attributes=hd.sr.PersonObserverIdentifyingAttributes(name=person),
        )
    return hd.sr.ObservationContext(observer_person_context=reader, observer_device_context=device)


def _group(entry: Observation, seg: Dataset | None, source: SourceSeries, time_point: TimePoint | None) -> Any:
    finding = entry.finding
    made = [*finding.measurements, Measurement(SCORE, finding.score, "1", private_code(SCORE, "Detection score"))]
    shared = {
        "tracking_identifier": hd.sr.TrackingIdentifier(uid=entry.tracking_uid, identifier=entry.tracking_id),
        "time_point_context": _time_point(time_point),
        "finding_type": dicom_code(finding.concept.type),
        "finding_category": dicom_code(finding.concept.category),
        "finding_sites": _sites(finding),
        "measurements": [measurement_item(one) for one in made],
        "qualitative_evaluations": _evaluations(finding),
    }
    grouped = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations
    if seg is not None and entry.segment is not None:
        segment = hd.sr.ReferencedSegment.from_segmentation(seg, segment_number=entry.segment)
        return grouped(referenced_segment=segment, **shared)
    region = region_of_box(finding.box, source)
    if region is not None:
        return grouped(referenced_volume_surface=region, **shared)
    images = [hd.sr.SourceImageForMeasurementGroup.from_source_image(header) for header in source.headers[:1]]
    return hd.sr.MeasurementsAndQualitativeEvaluations(source_images=images, **shared)


def _has_region(group: Any) -> bool:
    return any(item.ValueType == "SCOORD3D" for item in group[0].ContentSequence)


def _time_point(time_point: TimePoint | None) -> Any:
    if time_point is None:
        return None
    offset = None
    if time_point.days is not None:
        offset = hd.sr.LongitudinalTemporalOffsetFromEvent(
            value=time_point.days, unit=codes.UCUM.Day, event_type=codes.cid280.Baseline
        )
    return hd.sr.TimePointContext(
        time_point=time_point.label, time_point_order=time_point.order + 1, temporal_offset_from_event=offset
    )


def _sites(finding: Finding) -> list[Any] | None:
    table = load_resource("dicom/finding_sites.json")
    site = table["sites"].get(finding.concept.key)
    if site is None:
        return None
    side = table["lateralities"].get(finding.descriptors.get("side", ""))
    laterality = None if side is None else dicom_code(Code.from_json(side))
    return [hd.sr.FindingSite(dicom_code(Code.from_json(site)), laterality=laterality)]


def _evaluations(finding: Finding) -> list[Any]:
    """Return what is said of a finding as coded pairs; no published codes say the same, so that they are our own."""
    return [
        hd.sr.QualitativeEvaluation(
            name=dicom_code(private_code(name, name.capitalize().replace("_", " "))),
            value=dicom_code(private_code(value, value)),
        )
        for name, value in words_of_finding(finding).items()
    ]


def days_between(first: datetime | None, later: datetime | None) -> float | None:
    """Return the days from one visit to a later one, None when a date is not known."""
    return None if first is None or later is None else (later - first).total_seconds() / 86400
