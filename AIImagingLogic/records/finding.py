"""Findings: one lesion on one image, with box, outline and measurements."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import SimpleITK as sitk

from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import CodedConcept
from AIImagingLogic.records.finding_event import FindingEvent, require_zone
from AIImagingLogic.records.finding_type import NoduleType
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.measurement import Measurement


class ReviewStatus(enum.Enum):
    """What a person said of a finding."""

    UNREVIEWED = "unreviewed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EDITED = "edited"


@dataclass(frozen=True)
class Finding(Record):
    """A lesion proposed on one image.

    Attributes
    ----------
    uid : stable, a valid DICOM UID, usable as Tracking UID
    name : short name shown to the user, such as ``Nodule 3``
    box : LPS mm
    score : 0..1, the detector's; 1 for a finding that a person placed
    concept : what it is
    mask : cropped uint8 image on the grid of the input: 0 outside, 1 lesion, 2 solid part of a part-solid lesion
    measurements : see Resources/measurements.json for names, units and codes
    descriptors : words that describe it: ``attenuation`` (solid, part-solid, ground-glass, calcified), ``side``
        (left, right), ``third`` (upper, middle, lower), ``contact`` (pleura, vessel, pleura and vessel, none)
    review : what a person said of it
    stated_type : what a person or another program said that it is; None: nobody did, and `type` is as measured
    reader : who reviewed it: a name or code that the user typed, never taken from the system; empty when not recorded
    found, reviewed : when it was proposed and when the reader last spoke of it, with time zone; None: not recorded
    history : what was done to it, the oldest first

    Raises
    ------
    ValueError
        A time has no zone.
    """

    uid: str
    name: str
    box: OrientedBox
    score: float
    concept: CodedConcept
    mask: sitk.Image | None = None
    measurements: tuple[Measurement, ...] = ()
    descriptors: Mapping[str, str] = field(default_factory=dict)
    review: ReviewStatus = ReviewStatus.UNREVIEWED
    stated_type: NoduleType | None = None
    reader: str = ""
    found: datetime | None = None
    reviewed: datetime | None = None
    history: tuple[FindingEvent, ...] = ()

    def __post_init__(self) -> None:
        """Refuse times without their zone."""
        require_zone(self.found, "the time of finding")
        require_zone(self.reviewed, "the time of review")

    @property
    def type(self) -> NoduleType | None:
        """What kind of nodule it is: as stated, else as its attenuation was measured; None when neither is known."""
        if self.stated_type is not None:
            return self.stated_type
        word = self.descriptors.get("attenuation", "")
        return next((kind for kind in NoduleType if kind.value == word), None)

    def value(self, name: str) -> float | None:
        """Return the value of the measurement `name`, None when it was not made."""
        found = self.measurement(name)
        return None if found is None else found.value

    def measurement(self, name: str) -> Measurement | None:
        """Return the measurement `name`, None when it was not made."""
        return next((entry for entry in self.measurements if entry.name == name), None)
