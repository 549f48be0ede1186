"""Progress from the worker: at most some twenty messages a second, and never a stale one left standing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_RATE = 20.0
_BURST = 5.0


class ProgressMessages:
    """Sends reports on, the first and the last always; what comes too quickly is replaced by what comes after it.

    Parameters
    ----------
    send : called with fraction and message
    """

    def __init__(self, send: Callable[[float, str], None]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._allowance = _BURST
        self._at = time.monotonic()
        self._pending: tuple[float, str] | None = None
        self._furthest = 0.0
        self._ended = threading.Event()
        threading.Thread(target=self._send_pending, name="aiimaging-progress", daemon=True).start()

    def report(self, fraction: float, message: str) -> None:
        """Report; a fraction never goes back."""
        with self._lock:
            self._furthest = max(self._furthest, fraction)
            now = time.monotonic()
            self._allowance = min(_BURST, self._allowance + _RATE * (now - self._at))
            self._at = now
            if self._allowance < 1:
                self._pending = (self._furthest, message)
                return
            self._allowance -= 1
            self._pending = None
            self._send(self._furthest, message)

    def end(self) -> None:
        """Send what is pending; nothing is sent afterwards."""
        with self._lock:
            self._ended.set()
            if self._pending is not None:
                self._send(*self._pending)
                self._pending = None

    def _send_pending(self) -> None:
        while not self._ended.wait(1 / _RATE):
            with self._lock:
                if self._pending is not None and not self._ended.is_set():
                    self._send(*self._pending)
                    self._pending = None
