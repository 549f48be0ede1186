"""What the caller holds of a job: its state, how far it is, its result."""

from __future__ import annotations

import enum
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from AIImagingLogic.jobs.job import Job
from AIImagingLogic.jobs.sent_result import SentResult
from AIImagingLogic.jobs.time_left import TimeLeft
from AIImagingLogic.records.errors import AIImagingError

if TYPE_CHECKING:
    from AIImagingLogic.records.provenance import StageCost


class JobState(enum.StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing will happen any more."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True)
class Happening:
    """Something that happened to a job: a new state, progress, or both."""

    at: float
    state: JobState | None = None
    fraction: float | None = None
    stage: str | None = None
    memory_gb: float | None = None
    error: AIImagingError | None = None
    result: SentResult | None = None
    costs: tuple[dict[str, Any], ...] | None = None


class _Keeper(Protocol):
    """What a handle asks of the service."""

    def cancel(self, handle: JobHandle) -> None: ...

    def wait_for(self, handle: JobHandle, timeout: float | None) -> None: ...


class JobHandle:
    """A job that was submitted.

    Everything changes only inside `JobService.poll` or `wait`, in the thread that calls these.

    Attributes
    ----------
    id : unique in this process
    state : queued, running, done, failed, cancelled
    fraction : 0..1
    stage : what is being done, for the user
    seconds_left : None as long as nothing can be said
    memory_gb : resident memory of the worker, GB (1e9 bytes); None when not known
    error : why it failed, `Cancelled` included
    """

    def __init__(self, number: int, job: Job, keeper: _Keeper) -> None:
        self.id = f"job-{number}"
        self.job = job
        self.state = JobState.QUEUED
        self.fraction = 0.0
        self.stage = "Waiting"
        self.seconds_left: float | None = None
        self.memory_gb: float | None = None
        self.error: AIImagingError | None = None
        self._keeper = keeper
        self._callbacks: list[Callable[[JobHandle], None]] = []
        self._sent: SentResult | None = None
        self._record: Any = None
        self._costs: tuple[dict[str, Any], ...] = ()
        self._time_left: TimeLeft | None = None

    def on_change(self, callback: Callable[[JobHandle], None]) -> None:
        """Call `callback` whenever something changed, in the thread that polls."""
        self._callbacks.append(callback)

    def cancel(self) -> None:
        """Ask to stop; returns at once. The job is cancelled within a second, whatever it does."""
        if not self.state.ended:
            self._keeper.cancel(self)

    def wait(self, timeout: float | None = None) -> Any:
        """Poll until the job ended and return its result.

        Parameters
        ----------
        timeout : seconds; None: as long as it takes

        Raises
        ------
        AIImagingError
            The job failed, or was cancelled (`Cancelled`).
        TimeoutError
            It has not ended yet.
        """
        self._keeper.wait_for(self, timeout)
        return self.result()

    def result(self) -> Any:
        """Return the record that the function returned. Imports SimpleITK.

        Raises
        ------
        AIImagingError
            The job failed or was cancelled.
        RuntimeError
            It has not ended yet.
        """
        if self.error is not None:
            raise self.error
        if self._sent is not None:
            self._record = self._sent.decode()
            self._sent = None
        elif self.state is not JobState.DONE:
            raise RuntimeError(f"{self.job.title} has not ended yet.")
        return self._record

    def forget_result(self) -> None:
        """Let the result's memory go, once it lives elsewhere; `result` then returns None."""
        self._record = None

    def stage_costs(self) -> tuple[StageCost, ...]:
        """Return seconds and peak memory of each stage that ended."""
        from AIImagingLogic.records.provenance import StageCost

        return tuple(StageCost.from_json(cost) for cost in self._costs)

    def apply(self, happening: Happening) -> tuple[Callable[[JobHandle], None], ...]:
        """Take over what happened; return the callbacks to call. For the service."""
        if happening.state is JobState.RUNNING:
            self._time_left = TimeLeft(happening.at)
        for name in ("state", "fraction", "stage", "memory_gb", "error"):
            value = getattr(happening, name)
            if value is not None:
                setattr(self, name, value)
        if happening.fraction is not None and self._time_left is not None:
            self.seconds_left = self._time_left.update(self.fraction, happening.at)
        if happening.costs is not None:
            self._costs = happening.costs
        if happening.result is not None:
            self._sent = happening.result
            weakref.finalize(self, happening.result.release)
        if self.state.ended:
            self.seconds_left = None
        return tuple(self._callbacks)
