"""Timelines: lesions x visits, links between them, change, and what a guideline says."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from AIImagingLogic.records.correction import Correction, LesionIdentity
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.provenance import Provenance
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.segmentation import Segmentation


class LinkStatus(enum.Enum):
    """What became of a lesion between two visits. ``not seen``: at a visit after which it was seen again."""

    MATCHED = "matched"
    NEW = "new"
    RESOLVED = "resolved"
    SPLIT = "split"
    MERGED = "merged"
    NOT_EVALUABLE = "not evaluable"
    NOT_SEEN = "not seen"


@dataclass(frozen=True)
class Visit(Record):
    """One time point: its image's identity, organs and findings.

    `label` is ``baseline`` or ``follow-up``; of more than two visits ``follow-up 1``, ``follow-up 2``, ...
    """

    label: str
    info: ImageInfo
    organs: Segmentation | None
    findings: tuple[Finding, ...]
    provenance: Provenance | None = None

    def finding(self, uid: str | None) -> Finding | None:
        """Return the finding with that uid, None when there is none."""
        return next((entry for entry in self.findings if entry.uid == uid), None)


@dataclass(frozen=True)
class Change(Record):
    """Change of one measurement between two visits.

    Attributes
    ----------
    name : key of Resources/measurements.json
    before, after : in `unit`
    absolute : after - before, in `unit`
    percent : of `before`, None when before is 0
    interval_95_percent : 95% interval of the change in percent of `before`, None when not known
    beyond_error : True when the change exceeds the stated measurement error, None when that is not known
    """

    name: str
    unit: str
    before: float
    after: float
    absolute: float
    percent: float | None
    interval_95_percent: tuple[float, float] | None = None
    beyond_error: bool | None = None


@dataclass(frozen=True)
class Growth(Record):
    """How a lesion grew.

    Attributes
    ----------
    label : ``growing``, ``shrinking``, ``stable``
    reason : one sentence with the figures behind the label
    doubling_time_days : negative = shrinking; None when the change is inside the measurement error or undated
    doubling_time_interval_95 : (low, high) days; infinite where the interval reaches no growth
    """

    label: str
    reason: str
    doubling_time_days: float | None = None
    doubling_time_interval_95: tuple[float, float] | None = None


@dataclass(frozen=True)
class LesionStep(Record):
    """What became of a lesion at one visit.

    Attributes
    ----------
    status : compared with the visits before; None at the first visit and at visits before the lesion was first seen
    reason : one sentence
    since : index of the earlier visit at which it was last seen, None when there is none
    distance_mm : between the finding and where the registration expected it
    confidence : 0..1, of the link or of being new or gone, from the costs of the alternatives; None where none was made
    ambiguous : another reading is nearly as good: a person should look
    by_hand : a person said so
    evaluable : the image of the visit shows the place
    """

    status: LinkStatus | None = None
    reason: str = ""
    since: int | None = None
    distance_mm: float | None = None
    confidence: float | None = None
    ambiguous: bool = False
    by_hand: bool = False
    evaluable: bool = True


@dataclass(frozen=True)
class Lesion(Record):
    """One lesion through the visits.

    Attributes
    ----------
    number : 1, 2, ... stable; shown to the user
    colour : RGB 0..255, the same at every visit
    observations : uid of its finding at each visit, None where it was not seen
    expected_mm : LPS mm at each visit where it was not seen but the registration says it would lie, else None
    status : at the last visit, compared with those before
    reason : one sentence: why linked, why new, why not evaluable
    match_distance_mm : between the finding of the last visit and where the registration expected it
    changes, growth : from the first visit at which it was seen to the last, where it is linked throughout
    uid : a DICOM UID, the same at every visit and after a re-run, for the Tracking UID
    steps : what became of it at each visit
    part_of : the number of the lesion that it fell off from, None when there is none
    merged_into : the number of the lesion that it went into, None when there is none
    """

    number: int
    colour: tuple[int, int, int]
    observations: tuple[str | None, ...]
    expected_mm: tuple[tuple[float, float, float] | None, ...]
    status: LinkStatus
    reason: str
    match_distance_mm: float | None = None
    changes: tuple[Change, ...] = ()
    growth: Growth | None = None
    uid: str = ""
    steps: tuple[LesionStep, ...] = ()
    part_of: int | None = None
    merged_into: int | None = None

    @property
    def ambiguous(self) -> bool:
        """Whether a step is ambiguous and no person decided it yet."""
        return any(step.ambiguous and not step.by_hand for step in self.steps)

    def change(self, name: str) -> Change | None:
        """Return the change of the measurement `name`, None when it was not made at both visits."""
        return next((entry for entry in self.changes if entry.name == name), None)


@dataclass(frozen=True)
class Assessment(Record):
    """What a guideline says of the patient at the last visit, and the row of its table that says so.

    Attributes
    ----------
    rules : id and version of the rule table, such as ``Lung-RADS v2022``
    category : such as ``4A``; for Fleischner the recommendation's short form
    next_step : what the guideline recommends
    lesion_number : the lesion that decides, None when no lesion does
    row : the id of the rule table's row
    reason : one sentence with the figures
    missing : what was not known and would have mattered
    by_lesion : category of each lesion, by its number as text
    """

    rules: str
    source: str
    category: str
    next_step: str
    lesion_number: int | None
    row: str
    reason: str
    missing: tuple[str, ...] = ()
    by_lesion: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Timeline(Record):
    """A follow-up: visits in order of time, one registration from each visit to the next, lesions and assessments.

    Attributes
    ----------
    registrations : None between two visits that could not be registered
    identities : numbers and UIDs of the lesions as they were before any correction, and of those before a re-run
    corrections : what a person said, in order; the lesions are as they are after them
    undone : corrections taken back, the last one first
    remarks : sentences on findings (by uid), which stand in the reasons of their lesions
    """

    visits: tuple[Visit, ...]
    registrations: tuple[Registration | None, ...]
    lesions: tuple[Lesion, ...]
    assessments: tuple[Assessment, ...]
    provenance: Provenance
    notes: tuple[str, ...] = ()
    identities: tuple[LesionIdentity, ...] = ()
    corrections: tuple[Correction, ...] = ()
    undone: tuple[Correction, ...] = ()
    remarks: Mapping[str, str] = field(default_factory=dict)
