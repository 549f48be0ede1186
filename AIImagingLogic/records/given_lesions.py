"""Lesions of a visit as others made them, on their way to a run: outlines, points, boxes, a report."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.segmentation import Segmentation


class LesionSource(enum.Enum):
    """Where the lesions of a visit come from."""

    DETECTOR = "detector"
    """The built-in detector of lung nodules."""
    DRAWN = "drawn"
    """Segmentations, points, boxes and lines of a scene."""
    REPORT = "report"
    """A DICOM structured report of another program."""
    NONE = "none"
    """A person says that the visit shows no lesion."""


@dataclass(frozen=True)
class GivenLesions(Record):
    """The lesions of one visit.

    Attributes
    ----------
    source : the other fields are empty where it does not use them
    segmentations : label images on any grid, LPS mm; a segment may hold several lesions
    boxes : a lesion each, LPS mm
    names : of the boxes' lesions, as shown to the user
    long_axes_mm : of the boxes' lesions, where a person measured it, else None
    report : path of the DICOM SR; it goes into no result
    notes : what was left out, one sentence each
    """

    source: LesionSource
    segmentations: tuple[Segmentation, ...] = ()
    boxes: tuple[OrientedBox, ...] = ()
    names: tuple[str, ...] = ()
    long_axes_mm: tuple[float | None, ...] = ()
    report: str = ""
    notes: tuple[str, ...] = ()
