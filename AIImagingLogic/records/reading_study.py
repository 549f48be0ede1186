"""A reader study: its cases, readers and modes, and the order in which each reader reads."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.reading import ReadingMode


class ReadingDesign(enum.Enum):
    """``crossed``: each reader reads each case in every mode. ``split``: each case once, in one of the modes."""

    CROSSED = "crossed"
    SPLIT = "split"


@dataclass(frozen=True)
class ReadingCase(Record):
    """An image to be read.

    Attributes
    ----------
    case : its code in the study; no patient's name or number
    image : file or DICOM folder, from the study's folder
    findings : file with the AI's marks, from the study's folder; empty when the study has none
    series : DICOM series to read; empty: the main one
    patient : code of whose it is, when a patient has several cases; empty: the case's own
    """

    case: str
    image: str
    findings: str = ""
    series: str = ""
    patient: str = ""


@dataclass(frozen=True)
class ReadingStudy(Record):
    """What is read by whom and how.

    Attributes
    ----------
    study : its name
    seed : of every random choice
    readers : their codes
    modes : all that are compared
    cases : all
    design : see `ReadingDesign`
    washout_days : between two sessions of a reader
    idle_seconds : nothing to be seen of the reader for longer is stated as idle
    question : what to mark, shown to the reader
    """

    study: str
    seed: int
    readers: tuple[str, ...]
    modes: tuple[ReadingMode, ...]
    cases: tuple[ReadingCase, ...]
    design: ReadingDesign = ReadingDesign.CROSSED
    washout_days: float = 0.0
    idle_seconds: float = 60.0
    question: str = "Mark every lesion."

    def case(self, code: str) -> ReadingCase:
        """Return the case of that code.

        Raises
        ------
        KeyError
            There is none.
        """
        for case in self.cases:
            if case.case == code:
                return case
        raise KeyError(code)


@dataclass(frozen=True)
class OrderedCase(Record):
    """A case in a reader's order: session and position in it count from 1."""

    session: int
    position: int
    case: str
    mode: ReadingMode


@dataclass(frozen=True)
class ReadingOrder(Record):
    """The order of one reader.

    Attributes
    ----------
    reader : code
    fingerprint : SHA-256 of the order, by which a reader's file knows it again
    cases : in order
    """

    reader: str
    fingerprint: str
    cases: tuple[OrderedCase, ...]
