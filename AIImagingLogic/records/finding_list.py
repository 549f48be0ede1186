"""Findings as they travel between programs: those of one image, and those of many."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.provenance import Provenance
from AIImagingLogic.records.segmentation import Segmentation


@dataclass(frozen=True)
class FindingList(Record):
    """The findings of one image.

    Attributes
    ----------
    findings : LPS mm
    series_uid : Series Instance UID, or the name that a file gives the image; empty when not known
    info : of the image, None when it was not at hand
    notes : what reading left out or leaves in doubt, one sentence each
    label, organs, provenance : of the visit that they were found at, see `Visit`; empty or None when not known
    """

    findings: tuple[Finding, ...]
    series_uid: str = ""
    info: ImageInfo | None = None
    notes: tuple[str, ...] = ()
    label: str = ""
    organs: Segmentation | None = None
    provenance: Provenance | None = None


@dataclass(frozen=True)
class FindingCollection(Record):
    """The findings of several images."""

    scans: tuple[FindingList, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of all scans, each once."""
        return tuple(dict.fromkeys(note for scan in self.scans for note in scan.notes))
