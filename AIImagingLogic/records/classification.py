"""Classifications: class probabilities of an image or finding."""

from __future__ import annotations

from dataclasses import dataclass

import SimpleITK as sitk

from AIImagingLogic.records.coding import CodedConcept
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.provenance import Provenance


@dataclass(frozen=True)
class Classification(Record):
    """Probabilities (0..1) of classes, the threshold for calling one, and whether they are calibrated.

    `heat_map` is on the grid of the input, 0..1.
    """

    classes: tuple[CodedConcept, ...]
    probabilities: tuple[float, ...]
    threshold: float
    calibration: str
    heat_map: sitk.Image | None = None
    provenance: Provenance | None = None
