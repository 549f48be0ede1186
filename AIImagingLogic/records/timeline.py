"""Timelines: lesions x visits, links between them, change, and what a guideline says."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.provenance import Provenance
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.segmentation import Segmentation


class LinkStatus(enum.Enum):
    """What became of a lesion between two visits."""

    MATCHED = "matched"
    NEW = "new"
    RESOLVED = "resolved"
    SPLIT = "split"
    MERGED = "merged"
    NOT_EVALUABLE = "not evaluable"


@dataclass(frozen=True)
class Visit(Record):
    """One time point: its image's identity, organs and findings. `label` is ``baseline`` or ``follow-up``."""

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
class Lesion(Record):
    """One lesion through the visits.

    Attributes
    ----------
    number : 1, 2, ... stable; shown to the user
    colour : RGB 0..255, the same at every visit
    observations : uid of its finding at each visit, None where it was not seen
    expected_mm : LPS mm at each visit where it was not seen but the registration says it would lie, else None
    status : between the first and the last visit
    reason : one sentence: why linked, why new, why not evaluable
    match_distance_mm : between the finding and where the registration expected it
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
    """A follow-up: visits in order of time, one registration from each visit to the next, lesions and assessments."""

    visits: tuple[Visit, ...]
    registrations: tuple[Registration, ...]
    lesions: tuple[Lesion, ...]
    assessments: tuple[Assessment, ...]
    provenance: Provenance
    notes: tuple[str, ...] = ()
