"""One worker and the thread that attends to it: takes jobs, follows them, cancels them, replaces the worker."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from AIImagingLogic.jobs.channel import Message
from AIImagingLogic.jobs.error_form import error_from_json, error_to_json
from AIImagingLogic.jobs.handle import Happening, JobState
from AIImagingLogic.jobs.sent_result import SentResult
from AIImagingLogic.jobs.shared_buffer import ReadBuffers
from AIImagingLogic.jobs.submission import Submission
from AIImagingLogic.jobs.worker_end import lost_worker, memory_kills
from AIImagingLogic.jobs.worker_process import WorkerProcess
from AIImagingLogic.records.errors import AIImagingError, Cancelled, WorkerLost

# The cancel ladder, seconds: asked politely, then ended, then killed. Together under a second.
_ASKED = 0.4
_TERMINATED = 0.3
_KILLED = 1.0

# A worker takes about .2 s to start; one that takes this long when its job is cancelled is given up.
_LONGEST_START = 10.0


class Dispatcher(Protocol):
    """What a line asks of the service. Called from the line's thread."""

    def take(self, line: WorkerLine) -> Submission | None:
        """Return the next job, now this line's."""
        ...

    def tell(self, submission: Submission, happening: Happening) -> None:
        """Something happened to a job."""
        ...

    def release_inputs(self, submission: Submission) -> None:
        """The worker needs the job's images no more."""
        ...


class WorkerLine:
    """Runs jobs one after another. Everything happens in its own thread; others `post` what is to be done there.

    Parameters
    ----------
    dispatcher : where jobs come from and news go to
    start : starts a worker process, given who is told of its messages
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        start: Callable[[Callable[[WorkerProcess, Message | None], None]], WorkerProcess],
    ) -> None:
        self._dispatcher = dispatcher
        self._start = start
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._process: WorkerProcess | None = None
        self._reads = ReadBuffers()
        self._job: Submission | None = None
        self._sent = False
        self._heard = False
        self._sent_again = False
        self._stage = ""
        self._kills_before: int | None = None
        self._log_start = 0
        self._rung = 0
        self._deadline: float | None = None
        self._closed = False
        self.thread = threading.Thread(target=self._run, name="aiimaging-jobs", daemon=True)
        self.thread.start()

    def look(self) -> None:
        """There may be a job to take."""
        self._inbox.put(self._look)

    def warm_up(self) -> None:
        """Start the worker if there is none."""
        self._inbox.put(self._warm_up)

    def inputs_settled(self, submission: Submission) -> None:
        """The job's images are copied, or could not be."""
        self._inbox.put(partial(self._inputs_settled, submission))

    def cancel(self, submission: Submission) -> None:
        """Cancel the job if it runs here."""
        self._inbox.put(partial(self._cancel, submission))

    def buffer_closed(self, number: int) -> None:
        """A buffer of images is gone; the worker can let go of it."""
        self._inbox.put(partial(self._drop, number))

    def close(self) -> None:
        """End the job, the worker and the thread."""
        self._inbox.put(self._close)

    def _run(self) -> None:
        while not self._closed:
            try:
                wait = None if self._deadline is None else max(self._deadline - time.monotonic(), 0.0)
                action = self._inbox.get(timeout=wait)
            except queue.Empty:
                action = self._climb
            try:
                action()
            except Exception as error:  # noqa: BLE001 - a fault here must not take other jobs along
                self._give_up(error_from_json(error_to_json(error), ""))

    def _look(self) -> None:
        if self._job is not None or (job := self._dispatcher.take(self)) is None:
            return
        self._job, self._sent, self._stage, self._rung = job, False, "Starting", 0
        self._heard = self._sent_again = False
        self._kills_before, self._log_start = None, 0
        self._tell(Happening(time.monotonic(), state=JobState.RUNNING, stage=self._stage))
        self._warm_up()
        if self._process is not None and self._process.ready:
            self._send_job()

    def _warm_up(self) -> None:
        if self._process is not None:
            return
        self._reads = ReadBuffers()
        try:
            self._process = self._start(lambda process, message: self._inbox.put(partial(self._take, process, message)))
        except WorkerLost as error:
            self._finish(error)

    def _send_job(self) -> None:
        job, process = self._job, self._process
        if job is None or process is None or self._sent:
            return
        self._sent = True
        self._kills_before = memory_kills()
        self._log_start = process.log.size()
        has_images = bool(job.inputs.layout.size)
        header = {"do": "job", "job": job.number, "function": job.handle.job.function, "has_images": has_images}
        process.send(header, job.inputs.body())
        self._inputs_settled(job)

    def _inputs_settled(self, job: Submission) -> None:
        if job is not self._job:
            return
        if job.failure is not None:
            self._cancel(job)
        elif self._sent and job.ready and job.buffer is not None and self._process is not None:
            header = {"do": "images", "job": job.number, "images": job.inputs.layout.headers}
            new = job.buffer.id not in self._process.known_buffers
            self._process.known_buffers.add(job.buffer.id)
            files = job.buffer.files if new else ()
            self._process.send({**header, "buffer": job.buffer.description()}, files=files)

    def _cancel(self, job: Submission) -> None:
        if job is not self._job or self._rung:
            return
        if not self._sent or self._process is None:
            if self._process is not None and time.monotonic() - self._process.started > _LONGEST_START:
                self._process.kill()  # it hangs; the next job gets another
            self._finish(job.failure or Cancelled())
            return
        self._process.send({"do": "cancel", "job": job.number})
        self._climb_to(1, _ASKED)

    def _climb(self) -> None:
        """The worker did not do what it was asked in time: the next rung of the ladder."""
        if self._process is None or self._rung == 3:
            self._give_up(self._ending())
        elif self._rung == 1:
            self._process.terminate()
            self._climb_to(2, _TERMINATED)
        else:
            self._process.kill()
            self._climb_to(3, _KILLED)

    def _climb_to(self, rung: int, seconds: float) -> None:
        self._rung, self._deadline = rung, time.monotonic() + seconds

    def _take(self, process: WorkerProcess, message: Message | None) -> None:
        if process is not self._process:
            return
        if message is None:
            self._lost(process)
            return
        header = message.header
        if header["say"] == "ready":
            process.ready = True
            self._send_job()
        elif header["say"] == "closed":
            self._reads.drop(header["buffers"])
        elif self._job is not None and header["job"] == self._job.number:
            self._heard = True
            self._take_of_job(process, message, self._job)

    def _take_of_job(self, process: WorkerProcess, message: Message, job: Submission) -> None:
        header = message.header
        if header["say"] == "progress":
            self._stage = header["stage"]
            if not self._rung:
                happening = Happening(
                    time.monotonic(),
                    fraction=header["fraction"],
                    stage=self._stage,
                    memory_gb=header["memory_gb"],
                )
                self._tell(happening)
        elif header["say"] == "loaded":
            self._dispatcher.release_inputs(job)
        elif header["say"] == "failed":
            error = error_from_json(header["error"], str(process.log.path))
            self._finish(self._ending() if self._rung else error, tuple(header["costs"]))
        elif header["say"] == "done":
            self._reads.drop(header["closed"])
            result = self._received(process, message)
            if self._rung:
                result.release()
                self._finish(self._ending())
            else:
                self._end(Happening(time.monotonic(), JobState.DONE, 1.0, result=result, costs=tuple(header["costs"])))

    def _received(self, process: WorkerProcess, message: Message) -> SentResult:
        header = message.header
        buffer: dict[str, Any] | None = header["buffer"]
        if buffer is None:
            return SentResult(message.body, header["kind"], [], None, lambda: None)
        memory = self._reads.memory(buffer, iter(message.files))
        release = partial(process.send, {"do": "free", "buffers": [buffer["id"]]})
        return SentResult(message.body, header["kind"], header["images"], memory, release)

    def _lost(self, process: WorkerProcess) -> None:
        """The worker is gone: by our hand, or its own."""
        code = process.reap(0.5)
        if code is None:
            process.kill()
            code = process.reap(_KILLED)
        ours = self._rung > 0
        self._process = None
        if self._job is not None and self._sent and not (ours or self._heard or self._sent_again):
            # It died before it began with the job, perhaps before the job was sent: the job is not to blame.
            self._sent, self._sent_again = False, True
        elif self._job is not None:
            error = lost_worker(
                code, self._stage, process.log.tail(self._log_start), process.log.path, self._kills_before
            )
            self._finish(self._ending() if ours else error)
        if ours or process.ready:
            self._warm_up()

    def _give_up(self, error: AIImagingError) -> None:
        """End the job without the worker, which is left to the system."""
        process, self._process = self._process, None
        self._reads = ReadBuffers()
        if process is not None:
            process.kill()
            process.reap(_KILLED)
        self._finish(error)

    def _ending(self) -> AIImagingError:
        """Return why the job is being stopped."""
        failure = None if self._job is None else self._job.failure
        return failure or Cancelled()

    def _finish(self, error: AIImagingError, costs: tuple[dict[str, Any], ...] = ()) -> None:
        state = JobState.CANCELLED if isinstance(error, Cancelled) else JobState.FAILED
        self._end(Happening(time.monotonic(), state, error=error, costs=costs))

    def _end(self, happening: Happening) -> None:
        self._rung, self._deadline = 0, None
        if self._job is not None:
            self._dispatcher.release_inputs(self._job)
            self._tell(happening)
            self._job = None
        self.look()

    def _tell(self, happening: Happening) -> None:
        if self._job is not None:
            self._dispatcher.tell(self._job, happening)

    def _drop(self, number: int) -> None:
        if self._process is not None and number in self._process.known_buffers:
            self._process.known_buffers.discard(number)
            self._process.send({"do": "drop", "buffers": [number]})

    def _close(self) -> None:
        self._closed = True
        self._give_up(Cancelled())
