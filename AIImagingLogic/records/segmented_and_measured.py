"""A segmentation together with what was measured of its segments."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.measured_segments import MeasuredSegments
from AIImagingLogic.records.segmentation import Segmentation


@dataclass(frozen=True)
class SegmentedAndMeasured(Record):
    """A segmentation and the measurements of its segments on the image it was made from."""

    segmentation: Segmentation
    measured: MeasuredSegments
