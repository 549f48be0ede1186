"""The job service: a queue of jobs, the workers that run them, and news of both for the thread that asks."""

from __future__ import annotations

import atexit
import collections
import itertools
import queue
import sys
import threading
import time
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from AIImagingLogic.jobs.allowed_functions import is_allowed
from AIImagingLogic.jobs.buffer_pool import BufferPool
from AIImagingLogic.jobs.captured_inputs import CapturedInputs
from AIImagingLogic.jobs.handle import Happening, JobHandle, JobState
from AIImagingLogic.jobs.input_copier import InputCopier
from AIImagingLogic.jobs.job import Job
from AIImagingLogic.jobs.submission import Submission
from AIImagingLogic.jobs.worker_line import WorkerLine
from AIImagingLogic.jobs.worker_process import WorkerProcess
from AIImagingLogic.records.errors import AIImagingError, Cancelled, JobFailed

_LOOK_SECONDS = 0.1
_CLOSE_SECONDS = 3.0
_MOST_SECONDS_OF_CHANGES = 10.0
_numbers = itertools.count(1)


class JobService:
    """Runs jobs in worker processes.

    Parameters
    ----------
    workers : jobs that run at the same time
    python : interpreter of the workers; None: the one that fits (inside Slicer PythonSlicer)
    allowed : packages below which functions may be called
    search_path : sys.path of the workers; None: that of this process
    keep_gb : free shared memory up to this size (GB, 1e9 bytes) is kept for the next job, here and in each worker
    niceness : by how much the workers' priority is lowered (POSIX), so that windows stay quick
    """

    def __init__(
        self,
        workers: int = 1,
        python: str | None = None,
        allowed: Sequence[str] = ("AIImagingLogic",),
        search_path: Sequence[str] | None = None,
        keep_gb: float = 1.0,
        niceness: int = 0,
    ) -> None:
        self._allowed = tuple(allowed)
        path = sys.path if search_path is None else search_path
        keep_bytes = int(keep_gb * 1e9)
        settings = {
            "path": [str(Path(entry).absolute()) for entry in path],
            "allowed": list(allowed),
            "niceness": niceness,
            "keep_bytes": keep_bytes,
        }
        self._lock = threading.Lock()
        self._queue: collections.deque[Submission] = collections.deque()
        self._live: dict[JobHandle, Submission] = {}
        self._happenings: queue.SimpleQueue[tuple[Submission, Happening | None]] = queue.SimpleQueue()
        self._news = threading.Event()
        self._pool = BufferPool(keep_bytes, self._buffer_closed)
        self._copier = InputCopier(self._pool, self._copied)
        self._running: dict[Submission, WorkerLine] = {}
        self._closed = False
        self._lines = [WorkerLine(self, partial(WorkerProcess, python, settings)) for _ in range(workers)]

    @property
    def handles(self) -> tuple[JobHandle, ...]:
        """The jobs that wait or run, in the order they were submitted."""
        return tuple(self._live)

    def warm_up(self) -> None:
        """Start the workers, so that the first job need not wait for them; returns at once."""
        for line in self._lines:
            line.warm_up()

    def submit(self, job: Job) -> JobHandle:
        """Put a job into the queue and return its handle; its images are copied by a thread.

        Raises
        ------
        JobFailed
            The function is not allowed, an argument cannot be sent, or the service is closed.
        """
        if self._closed:
            raise JobFailed(f"'{job.title}' cannot be run: the job service is closed.", "Start it again.")
        if not is_allowed(job.function, self._allowed):
            raise JobFailed(f"'{job.title}' cannot be run: '{job.function}' is not among the allowed functions.")
        number = next(_numbers)
        submission = Submission(number, JobHandle(number, job, self), CapturedInputs(job))
        self._live[submission.handle] = submission
        if submission.inputs.layout.size:
            submission.began_copying = time.monotonic()
            self._copier.copy(submission)
        else:
            submission.ready = True
        with self._lock:
            self._queue.append(submission)
        for line in self._lines:
            line.look()
        return submission.handle

    def poll(self) -> None:
        """Take over what happened and call the callbacks, in this thread.

        Raises
        ------
        Exception
            The first that a callback raised; all other callbacks were called too.
        """
        self._news.clear()
        problem: Exception | None = None
        while True:
            try:
                submission, happening = self._happenings.get_nowait()
            except queue.Empty:
                break
            if happening is None:
                self._check_copy(submission)
                continue
            if submission.cancelled.is_set() and happening.result is not None:
                # It ended before the cancellation arrived, but the caller was told nothing of it yet.
                happening.result.release()
                happening = Happening(happening.at, JobState.CANCELLED, error=Cancelled())
            callbacks = submission.handle.apply(happening)
            if submission.handle.state.ended:
                self._live.pop(submission.handle, None)
            for callback in callbacks:
                try:
                    callback(submission.handle)
                except Exception as error:  # noqa: BLE001 - one listener's fault is not another's; raised below
                    problem = problem or error
        if problem is not None:
            raise problem

    def close(self) -> None:
        """Cancel everything, end the workers, free the memory. May be called again."""
        self._closed = True
        with self._lock:
            waiting = list(self._queue)
            self._queue.clear()
        for submission in self._live.values():
            submission.cancelled.set()
        for submission in waiting:
            self.tell(submission, Happening(time.monotonic(), JobState.CANCELLED, error=Cancelled()))
        for line in self._lines:
            line.close()
        self._copier.close()
        for thread in (self._copier.thread, *(line.thread for line in self._lines)):
            thread.join(_CLOSE_SECONDS)
        self._pool.trim()
        self.poll()

    def __enter__(self) -> JobService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cancel(self, handle: JobHandle) -> None:
        """Cancel a job; what `JobHandle.cancel` calls."""
        submission = self._live.get(handle)
        if submission is None:
            return
        submission.cancelled.set()
        with self._lock:
            waiting = submission in self._queue
            if waiting:
                self._queue.remove(submission)
            line = self._running.get(submission)
        if waiting:
            self.tell(submission, Happening(time.monotonic(), JobState.CANCELLED, error=Cancelled()))
            self.release_inputs(submission)
        elif line is not None:
            line.cancel(submission)

    def wait_for(self, handle: JobHandle, timeout: float | None) -> None:
        """Poll until a job ended; what `JobHandle.wait` calls."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            self.poll()
            if handle.state.ended:
                return
            # In short steps: Windows does not interrupt a wait when the user presses Ctrl-C.
            left = _LOOK_SECONDS if until is None else min(_LOOK_SECONDS, until - time.monotonic())
            if left <= 0:
                raise TimeoutError(f"'{handle.job.title}' has not ended within {timeout:g} s.")
            self._news.wait(left)

    def take(self, line: WorkerLine) -> Submission | None:
        """Return the next job; a worker's line calls it."""
        with self._lock:
            if not self._queue:
                return None
            submission = self._queue.popleft()
            self._running[submission] = line
            return submission

    def tell(self, submission: Submission, happening: Happening | None) -> None:
        """Take note of what happened, for the next poll; None: the copy is to be checked."""
        if happening is not None and happening.state is not None and happening.state.ended:
            with self._lock:
                submission.over = True
                self._running.pop(submission, None)
        self._happenings.put((submission, happening))
        self._news.set()

    def release_inputs(self, submission: Submission) -> None:
        """Take back the memory of a job's images."""
        with self._lock:
            buffer, submission.buffer = submission.buffer, None
        if buffer is not None:
            self._pool.give_back(buffer)

    def _copied(self, submission: Submission) -> None:
        """The images of a job are in shared memory, or could not be brought there."""
        if submission.failure is None and submission.inputs.watches:
            self.tell(submission, None)
        else:
            self._settle(submission)

    def _check_copy(self, submission: Submission) -> None:
        """Let the job go on, or copy again when an image changed meanwhile. In the caller's thread, like the scene."""
        if not submission.over and submission.inputs.changed():
            self.release_inputs(submission)
            title = submission.handle.job.title
            try:
                if time.monotonic() - submission.began_copying > _MOST_SECONDS_OF_CHANGES:
                    raise JobFailed(f"The input of '{title}' keeps changing.", "Finish the edit, then run again.")
                submission.inputs = CapturedInputs(submission.handle.job)
            except AIImagingError as error:
                submission.failure = error
            else:
                self._copier.copy(submission)
                return
        self._settle(submission)

    def _settle(self, submission: Submission) -> None:
        with self._lock:
            over = submission.over
            submission.ready = True
            submission.inputs.layout.let_go()
            line = self._running.get(submission)
        if over:
            self.release_inputs(submission)
        elif line is not None:
            line.inputs_settled(submission)

    def _buffer_closed(self, number: int) -> None:
        for line in self._lines:
            line.buffer_closed(number)


@cache
def shared_service() -> JobService:
    """Return the one service of this process, made on first use and closed when Python ends."""
    service = JobService(niceness=5)
    atexit.register(service.close)
    return service
