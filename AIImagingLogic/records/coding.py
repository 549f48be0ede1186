"""Coded concepts: what a segment, finding or measurement is, in the terms of a published coding scheme."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.resources import load_resource


@dataclass(frozen=True)
class Code(Record):
    """A code of a coding scheme, such as SNOMED CT (`SCT`), DICOM (`DCM`) or UCUM."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True)
class CodedConcept(Record):
    """What a structure is: category, type and an optional modifier (laterality), and the colour it is shown in.

    `colour` is red, green, blue in 0..255.
    """

    key: str
    name: str
    category: Code
    type: Code
    modifier: Code | None
    colour: tuple[int, int, int]


def concept(key: str) -> CodedConcept:
    """Return the concept `key` of Resources/terminology/concepts.json, such as ``lung-left`` or ``lung-nodule``.

    Raises
    ------
    KeyError
        No concept has that key.
    """
    return CodedConcept.from_json({"key": key, **load_resource("terminology/concepts.json")["concepts"][key]})
