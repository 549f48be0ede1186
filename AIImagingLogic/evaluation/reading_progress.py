"""How far a reader is: the finished cases, the open one, and the next, from his actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from AIImagingLogic.records.reading import ActionKind, CaseReading, ReadingAction, ReadingError
from AIImagingLogic.records.reading_state import CaseState, after, opened_case
from AIImagingLogic.records.reading_study import OrderedCase, ReadingOrder


@dataclass(frozen=True)
class ReadingProgress:
    """Where a reader stands.

    Attributes
    ----------
    finished : in the order in which they were read
    open : the case that was opened and not finished, None when there is none
    next : the case to read next (the open one again), None at the end
    """

    finished: tuple[CaseReading, ...]
    open: CaseState | None
    next: OrderedCase | None


def reading_progress(order: ReadingOrder, actions: Sequence[ReadingAction]) -> ReadingProgress:
    """Go through a reader's actions as the panel did.

    Raises
    ------
    ReadingError
        An action was not allowed, a case is not the one whose turn it was, or the file is of another order.
    """
    finished: list[CaseReading] = []
    state: CaseState | None = None
    for action in actions:
        if action.kind is ActionKind.BEGIN:
            _require_same_order(order, action)
        elif state is not None:
            state = after(state, action)
            if state.closed is not None:
                finished.append(state.reading(order.reader, order.cases[len(finished)].position))
                state = None
        else:
            state = opened_case(action)
            _require_turn(order, len(finished), state)
    following = order.cases[len(finished)] if len(finished) < len(order.cases) else None
    return ReadingProgress(tuple(finished), state, following)


def session_may_begin(progress: ReadingProgress, washout_days: float) -> datetime | None:
    """Return when the next case may be read because a wash-out is over; None when there is none to wait for."""
    if progress.next is None or progress.open is not None or not progress.finished or washout_days <= 0:
        return None
    last = progress.finished[-1]
    return last.closed + timedelta(days=washout_days) if progress.next.session != last.session else None


def begin_note(order: ReadingOrder, program: str) -> str:
    """Return what the action ``begin`` says of the order and the program."""
    return f"order {order.fingerprint} {program}"


def _require_same_order(order: ReadingOrder, action: ReadingAction) -> None:
    if action.note.split()[1:2] != [order.fingerprint]:
        raise ReadingError(
            f"The file of '{order.reader}' belongs to another order of reading.",
            "Plan a changed study into a new folder.",
        )


def _require_turn(order: ReadingOrder, finished: int, state: CaseState) -> None:
    turn = order.cases[finished] if finished < len(order.cases) else None
    if turn is None or (turn.case, turn.session, turn.mode) != (state.case, state.session, state.mode):
        raise ReadingError(f"'{order.reader}' read '{state.case}' when it was not its turn.", "The file was changed.")
