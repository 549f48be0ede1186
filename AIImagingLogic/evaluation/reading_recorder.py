"""Records what one reader does, as it happens: checks each action, writes it, and counts the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from AIImagingLogic import __version__
from AIImagingLogic.evaluation.reading_folder import load_order, load_study, log_file
from AIImagingLogic.evaluation.reading_progress import begin_note, reading_progress, session_may_begin
from AIImagingLogic.records.atomic_files import make_folder
from AIImagingLogic.records.reading import ActionKind, CaseReading, ReadingAction, ReadingError
from AIImagingLogic.records.reading_log import ReadingLog
from AIImagingLogic.records.reading_state import CaseState, after, opened_case
from AIImagingLogic.records.reading_study import OrderedCase

_ALIVE_SECONDS = 15.0


def _now() -> datetime:
    return datetime.now().astimezone()


class ReadingRecorder:
    """One reader at one study, from the start of the program to its end.

    A case that was open when the program ended is paused: `open` goes on with it, with all that was recorded.

    Parameters
    ----------
    study_file : study.json of a planned study
    reader : code
    program : what is recorded of the program, such as ``Slicer 5.12.0``
    now, clock : the time with its zone; seconds of a clock that only runs forward

    Attributes
    ----------
    study, order : as planned
    state : of the open case; None between cases
    finished : the cases read so far
    notes : what was found when the file was opened

    Raises
    ------
    ReadingError
        No such reader, another program has his file open, or a file was changed.
    UnreadableImageError
        The study cannot be read.
    OutputError
        The reader's file cannot be written.
    """

    def __init__(
        self,
        study_file: Path,
        reader: str,
        program: str = "",
        now: Callable[[], datetime] = _now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.study_file = study_file
        self.study = load_study(study_file)
        self.order = load_order(study_file, self.study, reader)
        self._now, self._clock, self._started = now, clock, clock()
        path = log_file(study_file, reader)
        make_folder(path.parent)
        self._log = ReadingLog(path)
        try:
            progress = reading_progress(self.order, self._log.actions)
        except ReadingError:
            self._log.close()
            raise
        self.finished: list[CaseReading] = list(progress.finished)
        self.state: CaseState | None = progress.open
        self._last_activity = self._last_line = self._started
        self.notes: tuple[str, ...] = ()
        note = begin_note(self.order, " ".join(("AI Imaging", __version__, program)).strip())
        if self._log.cut_bytes:
            self.notes = (f"The last line of '{path.name}' was cut off by a crash and taken away.",)
            note += f"; {self._log.cut_bytes} bytes of a cut line taken away"
        self._log.append(self._action(ActionKind.BEGIN, of_case=False, note=note))
        if self.state is not None and self.state.running:
            self.record(ActionKind.INTERRUPT)

    @property
    def next(self) -> OrderedCase | None:
        """The case whose turn it is, the open one too; None at the end."""
        done = len(self.finished)
        return self.order.cases[done] if done < len(self.order.cases) else None

    @property
    def may_begin(self) -> datetime | None:
        """When the next case may be opened, None at once: the wash-out between two sessions."""
        progress = reading_progress(self.order, self._log.actions)
        begins = session_may_begin(progress, self.study.washout_days)
        return begins if begins is not None and begins > self._now() else None

    def require_turn(self) -> OrderedCase:
        """Return the case to open now.

        Raises
        ------
        ReadingError
            All are read, one is open, or the wash-out is not over.
        """
        turn, begins = self.next, self.may_begin
        if turn is None:
            raise ReadingError("All cases are read.", "Thank you.")
        if self.state is not None and self.state.running:
            raise ReadingError(f"The case '{self.state.case}' is open.", "Finish it first.")
        if begins is not None:
            raise ReadingError(f"Session {turn.session} may begin on {begins:%Y-%m-%d %H:%M}.", "Until then: wash-out.")
        return turn

    def open(self) -> CaseState:
        """Record that the case whose turn it is is on show, or that its reading goes on; time counts from now.

        Raises
        ------
        ReadingError
            See `require_turn`.
        OutputError
            It could not be written.
        """
        turn = self.require_turn()
        self._last_activity = self._clock()
        if self.state is not None:
            return self.record(ActionKind.RESUME)
        action = self._action(ActionKind.OPEN, of_case=False, case=turn.case, mode=turn.mode, session=turn.session)
        self.state = opened_case(self._append(action))
        return self.state

    def record(self, kind: ActionKind, **said: Any) -> CaseState:
        """Record an action on the open case; return the state after it.

        Parameters
        ----------
        kind : what was done
        said : the other fields of `ReadingAction`, such as ``mark``, ``position_mm``, ``score``

        Raises
        ------
        ReadingError
            No case is open, or the action is not allowed; nothing was recorded.
        OutputError
            It could not be written; nothing was recorded.
        """
        if self.state is None:
            raise ReadingError("No case is open.", "Take the next case.")
        action = self._action(kind, **said)
        # Before anything is written.
        after(self.state, action)
        if kind not in (ActionKind.ALIVE, ActionKind.IDLE, ActionKind.INTERRUPT):
            self.touch()
            action = self._action(kind, **said)
        self.state = after(self.state, self._append(action))
        state = self.state
        if state.closed is not None:
            self.finished.append(state.reading(self.order.reader, self.order.cases[len(self.finished)].position))
            self.state = None
        return state

    def touch(self) -> None:
        """Something was seen of the reader: a view moved, a mark was put. A long time before it was idle."""
        now = self._clock()
        gap, self._last_activity = now - self._last_activity, now
        if self.state is not None and self.state.running and gap > self.study.idle_seconds:
            self.record(ActionKind.IDLE, seconds=round(gap, 3))

    def tick(self) -> None:
        """Call every few seconds while a case is open: so a crash costs no more time than that."""
        if self.state is not None and self.state.running and self._clock() - self._last_line >= _ALIVE_SECONDS:
            self.record(ActionKind.ALIVE)

    def close(self) -> None:
        """End: a running case is paused, the file let go."""
        if self.state is not None and self.state.running:
            self.record(ActionKind.PAUSE)
        self._log.close()

    def _append(self, action: ReadingAction) -> ReadingAction:
        written = self._log.append(action)
        self._last_line = self._clock()
        return written

    def _action(self, kind: ActionKind, of_case: bool = True, **said: Any) -> ReadingAction:
        if of_case and self.state is not None:
            said = {"case": self.state.case, "mode": self.state.mode, "session": self.state.session, **said}
        return ReadingAction(
            number=len(self._log.actions) + 1,
            kind=kind,
            time=self._now(),
            clock=round(self._clock() - self._started, 3),
            **said,
        )
