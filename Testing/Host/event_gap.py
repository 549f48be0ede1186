"""How long the interface did not answer: the longest time between two events."""

from __future__ import annotations

import time

from PySide6 import QtCore


class EventGapMeter:
    """A 1 ms timer in the event loop; a late tick means that something held the loop up.

    Only what happens between `start` and `stop` counts, and only while events are being processed or should be.
    """

    def __init__(self) -> None:
        self._timer = QtCore.QTimer()
        self._timer.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        self._timer.setInterval(1)
        self._timer.timeout.connect(self._tick)
        self._last = 0.0
        self._longest = 0.0

    def start(self) -> None:
        """Forget what was measured and begin."""
        self._longest, self._last = 0.0, time.perf_counter()
        self._timer.start()

    def _tick(self) -> None:
        now = time.perf_counter()
        self._longest = max(self._longest, now - self._last)
        self._last = now

    def stop(self) -> float:
        """End; return the longest gap in milliseconds, the one that still lasts included."""
        self._tick()
        self._timer.stop()
        return 1000.0 * self._longest
