"""The worker process: waits for jobs, runs one after another, and tells how far it is."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import queue
import signal
import subprocess
import sys
import threading
from typing import Any

from AIImagingLogic.jobs.channel import Channel, Message, channel_of_worker
from AIImagingLogic.jobs.worker_run import WorkerRun, WorkerState

_IDLE_SECONDS = 30.0
_LARGEST_LOG = 5_000_000


def main(settings: dict[str, Any]) -> None:
    """Run jobs until the application closes the channel or is gone."""
    channel = channel_of_worker()
    faulthandler.enable(all_threads=False)
    if settings["niceness"] and hasattr(os, "nice"):
        os.nice(settings["niceness"])
    channel.send({"say": "ready"})
    inbox = _Inbox(channel)
    threading.Thread(target=inbox.listen, name="aiimaging-listen", daemon=True).start()
    state = WorkerState(channel, tuple(settings["allowed"]), settings["keep_bytes"])
    # What every job needs, loaded while nobody waits for it.
    import AIImagingLogic.jobs.record_form  # noqa: F401

    while True:
        try:
            message = inbox.jobs.get(timeout=_IDLE_SECONDS)
        except queue.Empty:
            state.save_memory()
            message = inbox.jobs.get()
        if message.header["do"] == "job":
            WorkerRun(state, message, inbox.cancelled, inbox.jobs).run()
            _shorten_log()
        else:
            state.take(message)


class _Inbox:
    """Takes messages in a thread, so that a cancellation is seen while a job runs."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.jobs: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.cancelled: set[int] = set()

    def listen(self) -> None:
        """Take messages until the application is gone; then end this process and all that it started."""
        while (message := self._channel.receive()) is not None:
            if message.header["do"] == "cancel":
                self.cancelled.add(message.header["job"])
            self.jobs.put(message)
        _end()


def _end() -> None:
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(os.getpid())], capture_output=True, check=False)
    else:
        os.killpg(os.getpgrp(), signal.SIGKILL)


def _shorten_log() -> None:
    with contextlib.suppress(OSError):
        if os.fstat(2).st_size > _LARGEST_LOG:
            os.ftruncate(2, 0)
