"""A reading of a case in a reader study: its mode, its marks, and what the reader did, action by action."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.errors import AIImagingError
from AIImagingLogic.records.json_form import Record


class ReadingError(AIImagingError):
    """An action that the mode of the reading does not allow, or a study's file that is not what it was."""

    exit_code = 12


class ReadingMode(enum.Enum):
    """When a reader sees the AI's marks: never, after his own reading was locked, or from the start."""

    UNAIDED = "unaided"
    SECOND_READER = "second-reader"
    CONCURRENT = "concurrent"

    @property
    def shows_ai(self) -> bool:
        """Whether AI marks are seen at any time."""
        return self is not ReadingMode.UNAIDED


class ActionKind(enum.Enum):
    """What is recorded, a line each.

    ``begin``: the program was started on the study. ``open``: the image of a case is on show. ``show``: the AI's
    marks are. ``undecide``: what was said of an AI mark is taken back. ``idle``: there was nothing to see of the
    reader for so many seconds. ``alive``: the case is still open. ``interrupt``: the program had ended without
    closing the case.
    """

    BEGIN = "begin"
    OPEN = "open"
    SHOW = "show"
    ADD = "add"
    MOVE = "move"
    DELETE = "delete"
    RATE = "rate"
    ACCEPT = "accept"
    REFUSE = "refuse"
    UNDECIDE = "undecide"
    LOCK = "lock"
    PAUSE = "pause"
    RESUME = "resume"
    IDLE = "idle"
    ALIVE = "alive"
    INTERRUPT = "interrupt"
    FINISH = "finish"


@dataclass(frozen=True)
class AiMark(Record):
    """A mark of the AI as it was shown.

    Attributes
    ----------
    mark : ``A1``, ``A2``, ... in the order of the findings file
    position_mm : (3,) mm, LPS
    score : the detector's
    diameter_mm : None when not known
    uid : of the finding, empty when the file has none
    """

    mark: str
    position_mm: Vector
    score: float
    diameter_mm: float | None = None
    uid: str = ""


@dataclass(frozen=True)
class ReaderMark(Record):
    """A mark that a reader stands by.

    Attributes
    ----------
    mark : ``M1``, ``M2``, ... for the reader's own, never used twice in a case; the AI's name for an accepted one
    position_mm : (3,) mm, LPS
    score : the reader's confidence, 0 to 100; None until it is given
    accepted : it is the AI's, and the reader accepted it
    aided : it was placed or accepted while the AI's marks were on show
    diameter_mm : of an accepted mark; None for the reader's own
    """

    mark: str
    position_mm: Vector
    score: float | None = None
    accepted: bool = False
    aided: bool = False
    diameter_mm: float | None = None


@dataclass(frozen=True)
class ReadingAction(Record):
    """One thing that happened; a line of the reader's file.

    Attributes
    ----------
    number : 1, 2, ... through the whole file
    kind : what
    time : with time zone
    clock : seconds of a clock that only runs forward, since the program was started on the study
    case, mode, session : of the open case; of ``begin`` none
    mark : which
    position_mm : (3,) mm, LPS; where a mark is put, or where the judged mark lies
    score : the reader's confidence, 0 to 100
    seconds : of ``idle``
    marks : of ``show``: the AI's, as shown
    note : of ``begin``: what program, which study; of others, what a reader of the file must know
    """

    number: int
    kind: ActionKind
    time: datetime
    clock: float
    case: str = ""
    mode: ReadingMode | None = None
    session: int = 0
    mark: str = ""
    position_mm: Vector | None = None
    score: float | None = None
    seconds: float | None = None
    marks: tuple[AiMark, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class CaseReading(Record):
    """What one reader said of one case in one mode, and how long it took.

    Attributes
    ----------
    reader, case, session, position, mode : codes of the study; `position` of the case in its session, from 1
    opened, closed : with time zone
    active_seconds : the case was open and not paused; idle seconds are among them
    idle_seconds : of these, nothing was to be seen of the reader for longer than the study's limit
    alone_seconds : of a second reader: active seconds until the lock; None for other modes
    pauses, interruptions : how many; an interruption is a program that ended with the case open
    alone_marks : of a second reader: the locked marks; None for other modes
    marks : final
    shown, refused : names of the AI marks that were shown, and of those refused
    actions : all of them
    """

    reader: str
    case: str
    session: int
    position: int
    mode: ReadingMode
    opened: datetime
    closed: datetime
    active_seconds: float
    idle_seconds: float
    alone_seconds: float | None
    pauses: int
    interruptions: int
    alone_marks: tuple[ReaderMark, ...] | None
    marks: tuple[ReaderMark, ...]
    shown: tuple[AiMark, ...]
    refused: tuple[str, ...]
    actions: tuple[ReadingAction, ...] = ()
