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

    `heat_map` is on the grid of the input, 0..1, and shows what speaks for the class with the key `explained`.
    """

    classes: tuple[CodedConcept, ...]
    probabilities: tuple[float, ...]
    threshold: float
    calibration: str
    heat_map: sitk.Image | None = None
    provenance: Provenance | None = None
    explained: str = ""

    @property
    def above_threshold(self) -> tuple[bool, ...]:
        """Whether each class is called."""
        return tuple(value >= self.threshold for value in self.probabilities)

    def probability(self, key: str) -> float:
        """Return the probability of the class with the key `key`. Raises KeyError when there is none."""
        for concept, value in zip(self.classes, self.probabilities, strict=True):
            if concept.key == key:
                return value
        raise KeyError(key)
