"""What went wrong where nobody could catch it: in slots, timers, observers and overridden methods."""

from __future__ import annotations

import sys
import traceback
from types import TracebackType

# Filled by slots, virtual methods and VTK observers; emptied by `raise_faults`.
_faults: list[BaseException] = []


class FaultInSlotError(AssertionError):
    """Code of the module raised where PythonQt (or VTK) prints the error and goes on."""


def record_fault(error: BaseException) -> None:
    """Keep an error that PythonQt would only print."""
    _faults.append(error)


def take_faults() -> tuple[BaseException, ...]:
    """Return the errors kept so far, and forget them."""
    taken = tuple(_faults)
    _faults.clear()
    return taken


def raise_faults() -> None:
    """Raise what was kept.

    Raises
    ------
    FaultInSlotError
        There was at least one error; its message holds every traceback, and the first error is its cause.
    """
    faults = take_faults()
    if not faults:
        return
    texts = ["".join(traceback.format_exception(fault)) for fault in faults]
    raise FaultInSlotError(f"{len(faults)} error(s) in slots or observers:\n" + "\n".join(texts)) from faults[0]


def record_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Take the place of `sys.excepthook`: VTK hands it what an observer raised."""
    record_fault(error)
    sys.__excepthook__(kind, error, trace)
