"""Observers of MRML objects that widgets add: none outlives its widget or the host."""

from __future__ import annotations

import weakref
from typing import Any

import shiboken6

# What was observed with which tag; emptied when the host closes, before VTK's objects go.
_observed: list[tuple[Any, int]] = []


def observe(target: Any, event: Any, widget: Any, method: str) -> tuple[Any, int]:
    """Call ``widget.method()`` at an event of a VTK object for as long as the widget lives."""
    known = weakref.ref(widget)

    def heard(*_: Any) -> None:
        alive = known()
        if alive is not None and shiboken6.isValid(alive):
            getattr(alive, method)()

    entry = (target, target.AddObserver(event, heard))
    _observed.append(entry)
    return entry


def forget(entries: list[tuple[Any, int]]) -> None:
    """Remove observers of one widget."""
    for entry in entries:
        entry[0].RemoveObserver(entry[1])
        if entry in _observed:
            _observed.remove(entry)
    entries.clear()


def forget_all() -> None:
    """Remove every observer that a widget of the host has added."""
    forget(list(_observed))
    _observed.clear()
