"""Findings: one lesion on one image, with box, outline and measurements."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

import SimpleITK as sitk

from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import CodedConcept
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

    def value(self, name: str) -> float | None:
        """Return the value of the measurement `name`, None when it was not made."""
        found = self.measurement(name)
        return None if found is None else found.value

    def measurement(self, name: str) -> Measurement | None:
        """Return the measurement `name`, None when it was not made."""
        return next((entry for entry in self.measurements if entry.name == name), None)
