"""What was measured of every segment of a segmentation."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.measurement import Measurement
from AIImagingLogic.records.provenance import Provenance
from AIImagingLogic.records.segmentation import Segment


@dataclass(frozen=True)
class MeasuredSegment(Record):
    """A segment and its measurements."""

    segment: Segment
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True)
class MeasuredSegments(Record):
    """Every segment of a segmentation, measured on one image."""

    rows: tuple[MeasuredSegment, ...]
    provenance: Provenance
