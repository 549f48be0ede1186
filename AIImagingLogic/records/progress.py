"""Progress of a run: fraction, message, cancellation, and what each stage cost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from AIImagingLogic.records.errors import Cancelled
from AIImagingLogic.records.peak_memory import measured_peak
from AIImagingLogic.records.provenance import StageCost


class Progress:
    """What a task tells of how far it is, and how it learns that the user cancelled.

    Parameters
    ----------
    on_report
        Called with the fraction done (0..1) of the whole run and a short message.
    is_cancelled
        Asked at every check; True ends the run with `Cancelled`.

    A task divides its own range with `stage`, which also records the cost of each stage in `costs`; a callee gets the
    `Progress` of its stage and need not know where it stands in the whole.
    """

    def __init__(
        self,
        on_report: Callable[[float, str], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self._on_report = on_report or (lambda fraction, message: None)
        self._is_cancelled = is_cancelled or (lambda: False)
        self._start = 0.0
        self._end = 1.0
        self.costs: list[StageCost] = []

    def report(self, fraction: float, message: str) -> None:
        """Say that `fraction` (0..1) of this part is done, and check for cancellation."""
        self.check_cancelled()
        self._on_report(self._start + (self._end - self._start) * min(max(fraction, 0.0), 1.0), message)

    def check_cancelled(self) -> None:
        """Raise `Cancelled` when the user asked to stop."""
        if self._is_cancelled():
            raise Cancelled

    def part(self, start: float, end: float) -> Progress:
        """Return the `Progress` for a callee that does the range `start`..`end` of this part."""
        part = Progress(self._on_report, self._is_cancelled)
        part._start = self._start + (self._end - self._start) * start
        part._end = self._start + (self._end - self._start) * end
        part.costs = self.costs
        return part

    @contextlib.contextmanager
    def stage(self, name: str, start: float, end: float) -> Iterator[Progress]:
        """Run a stage that covers `start`..`end` of this part; its seconds and peak memory join `costs`."""
        part = self.part(start, end)
        part.report(0.0, name)
        began = time.perf_counter()
        with measured_peak() as peak:
            yield part
        self.costs.append(StageCost(name, time.perf_counter() - began, peak.gigabytes))
        part.report(1.0, name)
