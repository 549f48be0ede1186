"""What a person said of the lesions of a timeline, kept so that it can be undone and applied to a later run."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.finding import ReviewStatus
from AIImagingLogic.records.json_form import Record


class CorrectionKind(enum.Enum):
    """What a correction does; the findings that it names stand in this order."""

    CONFIRM_LINK = "confirm link"
    """The first finding and the second, of a later visit, are one lesion."""
    BREAK_LINK = "break link"
    """The first finding and the second, of a later visit, are two lesions."""
    JOIN_LESIONS = "join lesions"
    """The lesions of the two findings are one, at all their visits."""
    NOT_A_LESION = "not a lesion"
    """None of the findings is a lesion."""
    MARK_NEW = "mark new"
    """The lesion of the finding begins with it."""
    MARK_RESOLVED = "mark resolved"
    """The lesion of the finding ends with it."""


@dataclass(frozen=True)
class FindingReference(Record):
    """A finding so named that it is found again after a re-run.

    Attributes
    ----------
    uid : of the finding
    content_hash : of the visit's image
    center_mm, diameter_mm : LPS mm; where the uid is not found, the nearest finding of the visit's image is taken, no
        further away than half the diameter or 4 mm
    review : what a person had said of it before
    """

    uid: str
    content_hash: str
    center_mm: Vector
    diameter_mm: float
    review: ReviewStatus = ReviewStatus.UNREVIEWED


@dataclass(frozen=True)
class Correction(Record):
    """One correction. `who` and `when` stand only where the user wants them recorded."""

    kind: CorrectionKind
    findings: tuple[FindingReference, ...]
    who: str = ""
    when: datetime | None = None


@dataclass(frozen=True)
class LesionIdentity(Record):
    """What stays with a lesion through corrections and re-runs.

    Attributes
    ----------
    number : 1, 2, ...; never given to another lesion of the patient
    uid : a DICOM UID, for the lesion's Tracking UID
    findings : the findings that it was given to
    """

    number: int
    uid: str
    findings: tuple[FindingReference, ...]
