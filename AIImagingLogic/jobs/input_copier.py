"""Copies the images of jobs into shared memory, in a thread, one job after another."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from AIImagingLogic.jobs.buffer_pool import BufferPool
from AIImagingLogic.jobs.error_form import error_from_json, error_to_json
from AIImagingLogic.jobs.filled_buffer import filled_buffer
from AIImagingLogic.jobs.submission import Submission
from AIImagingLogic.records.errors import AIImagingError, Cancelled

_IDLE_SECONDS = 60.0


class InputCopier:
    """Copies in the order asked; gives memory back that was not used for a minute.

    Parameters
    ----------
    pool : where buffers come from
    on_copied : called, in the copying thread, when a job's images are in its `buffer` or its `failure` says why not
    """

    def __init__(self, pool: BufferPool, on_copied: Callable[[Submission], None]) -> None:
        self._pool = pool
        self._on_copied = on_copied
        self._inbox: queue.SimpleQueue[Submission | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run, name="aiimaging-copy", daemon=True)
        self.thread.start()

    def copy(self, submission: Submission) -> None:
        """Copy a job's images; returns at once."""
        self._inbox.put(submission)

    def close(self) -> None:
        """End the thread."""
        self._inbox.put(None)

    def _run(self) -> None:
        while True:
            try:
                submission = self._inbox.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                self._pool.trim()
                submission = self._inbox.get()
            if submission is None:
                return
            self._copy(submission)

    def _copy(self, submission: Submission) -> None:
        def go_on() -> None:
            if submission.cancelled.is_set() or submission.over:
                raise Cancelled

        try:
            go_on()
            submission.buffer = filled_buffer(submission.inputs.layout, self._pool, go_on)
        except Cancelled:
            return  # whoever cancelled it says so
        except AIImagingError as error:
            submission.failure = error
        except Exception as error:  # noqa: BLE001 - the next job's images must still be copied
            submission.failure = error_from_json(error_to_json(error), "")
        self._on_copied(submission)
