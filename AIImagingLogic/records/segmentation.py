"""Segmentations: one label image and what each label is."""

from __future__ import annotations

from dataclasses import dataclass

import SimpleITK as sitk

from AIImagingLogic.records.coding import CodedConcept
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.provenance import Provenance


@dataclass(frozen=True)
class Segment(Record):
    """One label of a segmentation: its value (> 0), its name and what it is. `colour` is RGB in 0..255."""

    value: int
    name: str
    concept: CodedConcept
    colour: tuple[int, int, int]


@dataclass(frozen=True)
class Segmentation(Record):
    """A label image (uint8 or uint16) on exactly the grid of the image it was made from, and its segments."""

    image: sitk.Image
    segments: tuple[Segment, ...]
    provenance: Provenance | None = None

    def segment(self, key: str) -> Segment:
        """Return the first segment whose concept has the key `key`. Raises KeyError when there is none."""
        for segment in self.segments:
            if segment.concept.key == key:
                return segment
        raise KeyError(key)
