"""A case while it is read: what each action changes, and which actions its mode does not allow.

The panel and the reader of the file go through the same function, so what is on file is what was allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from AIImagingLogic.records.reading import (
    ActionKind,
    AiMark,
    CaseReading,
    ReaderMark,
    ReadingAction,
    ReadingError,
    ReadingMode,
)

_LARGEST_SCORE = 100.0


@dataclass(frozen=True)
class CaseState:
    """An open (or finished) case.

    Attributes
    ----------
    case, mode, session : which
    opened, closed : times; `closed` is None while it is open
    shown : the AI's marks; None before they are shown, and always in the unaided mode
    marks : the reader's, by name, accepted ones too
    refused : names of refused AI marks
    locked : of a second reader: the marks at the lock; None before it
    placed : how many marks the reader has put so far, deleted ones too
    running : time is counted
    clock : of the last action
    active_seconds, idle_seconds, alone_seconds, pauses, interruptions : see `CaseReading`
    actions : all so far
    """

    case: str
    mode: ReadingMode
    session: int
    opened: datetime
    closed: datetime | None = None
    shown: tuple[AiMark, ...] | None = None
    marks: Mapping[str, ReaderMark] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    locked: tuple[ReaderMark, ...] | None = None
    placed: int = 0
    running: bool = True
    clock: float = 0.0
    active_seconds: float = 0.0
    idle_seconds: float = 0.0
    alone_seconds: float | None = None
    pauses: int = 0
    interruptions: int = 0
    actions: tuple[ReadingAction, ...] = ()

    @property
    def may_show_ai(self) -> bool:
        """Whether the AI's marks may be seen now."""
        return self.mode is ReadingMode.CONCURRENT or (
            self.mode is ReadingMode.SECOND_READER and self.locked is not None
        )

    @property
    def fixed(self) -> frozenset[str]:
        """The marks that cannot be changed any more: those of a locked reading."""
        return frozenset(mark.mark for mark in self.locked or ())

    @property
    def undecided(self) -> tuple[str, ...]:
        """The AI marks of which nothing was said yet."""
        return tuple(
            mark.mark for mark in self.shown or () if mark.mark not in self.marks and mark.mark not in self.refused
        )

    @property
    def unrated(self) -> tuple[str, ...]:
        """The marks without a score."""
        return tuple(mark.mark for mark in self.marks.values() if mark.score is None)

    def next_mark(self) -> str:
        """The name of the mark that the reader puts next."""
        return f"M{self.placed + 1}"

    def reading(self, reader: str, position: int) -> CaseReading:
        """Return the finished case as a record.

        Raises
        ------
        ReadingError
            It is not finished.
        """
        if self.closed is None:
            raise ReadingError(f"The case '{self.case}' is not finished.", "Finish it first.")
        return CaseReading(
            reader=reader,
            case=self.case,
            session=self.session,
            position=position,
            mode=self.mode,
            opened=self.opened,
            closed=self.closed,
            active_seconds=round(self.active_seconds, 3),
            idle_seconds=round(self.idle_seconds, 3),
            alone_seconds=None if self.alone_seconds is None else round(self.alone_seconds, 3),
            pauses=self.pauses,
            interruptions=self.interruptions,
            alone_marks=self.locked,
            marks=tuple(self.marks.values()),
            shown=self.shown or (),
            refused=tuple(sorted(self.refused)),
            actions=self.actions,
        )


def opened_case(action: ReadingAction) -> CaseState:
    """Return the state after the action ``open``.

    Raises
    ------
    ReadingError
        It is another action, or says no case or mode.
    """
    if action.kind is not ActionKind.OPEN or not action.case or action.mode is None:
        raise ReadingError(f"Action {action.number} opens no case.", _DAMAGED)
    return CaseState(
        action.case, action.mode, action.session, opened=action.time, clock=action.clock, actions=(action,)
    )


def after(state: CaseState, action: ReadingAction) -> CaseState:
    """Return the state after an action.

    Raises
    ------
    ReadingError
        The action is not allowed: by the mode, because the reading is locked, the case finished or paused, or because
        something is still to be said.
    """
    if action.case != state.case or action.session != state.session:
        raise ReadingError(f"Action {action.number} is of another case than '{state.case}'.", _DAMAGED)
    if state.closed is not None:
        raise ReadingError(f"The case '{state.case}' is finished.", "Go on to the next case.")
    kind = action.kind
    if not state.running and kind not in (ActionKind.RESUME, ActionKind.INTERRUPT):
        raise ReadingError(f"The case '{state.case}' is paused.", "Go on first: nothing is recorded in a pause.")
    return _CHANGES[kind](_counted(state, action), action)


def _counted(state: CaseState, action: ReadingAction) -> CaseState:
    """Return the state with the time since the last action; a clock that was started anew counts nothing."""
    seconds = 0.0
    if state.running and action.kind is not ActionKind.INTERRUPT:
        seconds = action.clock - state.clock
        if seconds < 0:
            raise ReadingError(f"The clock of action {action.number} runs backward.", _DAMAGED)
    return replace(
        state,
        clock=action.clock,
        active_seconds=state.active_seconds + seconds,
        actions=(*state.actions, action),
    )


def _show(state: CaseState, action: ReadingAction) -> CaseState:
    if not state.may_show_ai:
        raise ReadingError(
            f"The AI's marks are not shown {'in an unaided reading' if not state.mode.shows_ai else 'before the lock'}."
        )
    if state.shown is not None:
        raise ReadingError("The AI's marks are on show already.")
    return replace(state, shown=action.marks)


def _add(state: CaseState, action: ReadingAction) -> CaseState:
    if action.mark != state.next_mark() or action.position_mm is None:
        raise ReadingError(f"Action {action.number} puts no mark '{state.next_mark()}'.", _DAMAGED)
    made = ReaderMark(action.mark, action.position_mm, _score(action, needed=False), aided=state.shown is not None)
    return replace(state, marks={**state.marks, made.mark: made}, placed=state.placed + 1)


def _move(state: CaseState, action: ReadingAction) -> CaseState:
    mark = _changeable(state, action.mark)
    if mark.accepted:
        raise ReadingError(f"'{mark.mark}' is the AI's.", "Refuse it, and put a mark of your own.")
    if action.position_mm is None:
        raise ReadingError(f"Action {action.number} says no place.", _DAMAGED)
    return replace(state, marks={**state.marks, mark.mark: replace(mark, position_mm=action.position_mm)})


def _delete(state: CaseState, action: ReadingAction) -> CaseState:
    mark = _changeable(state, action.mark)
    if mark.accepted:
        raise ReadingError(f"'{mark.mark}' is the AI's.", "Refuse it.")
    return replace(state, marks={name: other for name, other in state.marks.items() if name != mark.mark})


def _rate(state: CaseState, action: ReadingAction) -> CaseState:
    mark = _changeable(state, action.mark)
    return replace(state, marks={**state.marks, mark.mark: replace(mark, score=_score(action))})


def _accept(state: CaseState, action: ReadingAction) -> CaseState:
    shown = _shown(state, action.mark)
    made = ReaderMark(
        shown.mark, shown.position_mm, _score(action, needed=False), True, True, diameter_mm=shown.diameter_mm
    )
    return replace(state, marks={**state.marks, shown.mark: made}, refused=state.refused - {shown.mark})


def _refuse(state: CaseState, action: ReadingAction) -> CaseState:
    shown = _shown(state, action.mark)
    return replace(_without(state, shown.mark), refused=state.refused | {shown.mark})


def _undecide(state: CaseState, action: ReadingAction) -> CaseState:
    shown = _shown(state, action.mark)
    return replace(_without(state, shown.mark), refused=state.refused - {shown.mark})


def _lock(state: CaseState, action: ReadingAction) -> CaseState:
    if state.mode is not ReadingMode.SECOND_READER:
        raise ReadingError("Only a second reader's own reading is locked.", "Finish the case.")
    if state.locked is not None:
        raise ReadingError("The unaided reading is locked already.")
    _require_scores(state)
    return replace(state, locked=tuple(state.marks.values()), alone_seconds=state.active_seconds)


def _finish(state: CaseState, action: ReadingAction) -> CaseState:
    _require_scores(state)
    if state.mode.shows_ai and state.shown is None:
        missing = "Lock the unaided reading" if not state.may_show_ai else "Look at the AI's marks"
        raise ReadingError(f"The case '{state.case}' was not read in its mode.", f"{missing} first.")
    if state.undecided:
        raise ReadingError(f"Nothing was said yet of {', '.join(state.undecided)}.", "Accept or refuse every AI mark.")
    return replace(state, closed=action.time, running=False)


def _pause(state: CaseState, action: ReadingAction) -> CaseState:
    return replace(state, running=False, pauses=state.pauses + 1)


def _resume(state: CaseState, action: ReadingAction) -> CaseState:
    if state.running:
        raise ReadingError(f"The case '{state.case}' is not paused.")
    return replace(state, running=True)


def _idle(state: CaseState, action: ReadingAction) -> CaseState:
    if action.seconds is None or action.seconds < 0:
        raise ReadingError(f"Action {action.number} says no time.", _DAMAGED)
    return replace(state, idle_seconds=state.idle_seconds + action.seconds)


def _interrupt(state: CaseState, action: ReadingAction) -> CaseState:
    return replace(state, running=False, interruptions=state.interruptions + (1 if state.running else 0))


def _alive(state: CaseState, action: ReadingAction) -> CaseState:
    return state


def _unexpected(state: CaseState, action: ReadingAction) -> CaseState:
    raise ReadingError(f"The case '{state.case}' is still open.", "Finish it first.")


def _changeable(state: CaseState, name: str) -> ReaderMark:
    mark = state.marks.get(name)
    if mark is None:
        raise ReadingError(f"There is no mark '{name}'.", "Choose one of the list.")
    if name in state.fixed:
        raise ReadingError(f"'{name}' belongs to the unaided reading, which is locked.", "Add a mark instead.")
    return mark


def _shown(state: CaseState, name: str) -> AiMark:
    found = next((mark for mark in state.shown or () if mark.mark == name), None)
    if found is None:
        raise ReadingError(f"There is no AI mark '{name}' on show.", "Choose one of the list.")
    return found


def _without(state: CaseState, name: str) -> CaseState:
    return replace(state, marks={key: mark for key, mark in state.marks.items() if key != name})


def _score(action: ReadingAction, needed: bool = True) -> float | None:
    if action.score is None and not needed:
        return None
    if action.score is None or not 0 <= action.score <= _LARGEST_SCORE:
        raise ReadingError(f"{action.score} is no score.", "Give 0 to 100.")
    return action.score


def _require_scores(state: CaseState) -> None:
    if state.unrated:
        raise ReadingError(f"There is no score yet for {', '.join(state.unrated)}.", "Give every mark 0 to 100.")


_DAMAGED = "The file was changed or damaged; keep a copy and look at it."
_CHANGES = {
    ActionKind.BEGIN: _unexpected,
    ActionKind.OPEN: _unexpected,
    ActionKind.SHOW: _show,
    ActionKind.ADD: _add,
    ActionKind.MOVE: _move,
    ActionKind.DELETE: _delete,
    ActionKind.RATE: _rate,
    ActionKind.ACCEPT: _accept,
    ActionKind.REFUSE: _refuse,
    ActionKind.UNDECIDE: _undecide,
    ActionKind.LOCK: _lock,
    ActionKind.FINISH: _finish,
    ActionKind.PAUSE: _pause,
    ActionKind.RESUME: _resume,
    ActionKind.IDLE: _idle,
    ActionKind.ALIVE: _alive,
    ActionKind.INTERRUPT: _interrupt,
}
