"""Pictures that a run rendered, so that a report can place them without knowing how they were made."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.json_form import Record


@dataclass(frozen=True)
class Picture(Record):
    """A PNG file.

    Attributes
    ----------
    file : name relative to the output folder, with ``/``
    caption : one sentence, shown under it and read out by screen readers
    lesion_number : the lesion it shows, None for an overview
    """

    file: str
    caption: str
    lesion_number: int | None = None
