"""One worker process: how it is started, listened to, and ended with everything that it started."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from AIImagingLogic.jobs.channel import Channel, Message, PipeLink, SocketLink
from AIImagingLogic.jobs.worker_log import WorkerLog
from AIImagingLogic.records.errors import WorkerLost

_BOOT = (
    "import json, sys; settings = json.loads(sys.argv[1]); sys.path[:] = settings['path'];"
    "from AIImagingLogic.jobs.worker import main; main(settings)"
)

# Waits until the application is gone, however it went, then ends the worker's process group. The worker cannot do this
# itself while a library holds the interpreter lock, and the system's signal at a parent's death spares grandchildren.
_GUARD = 'read -r _; kill -9 "-$1"'

# Large blocks on huge pages: first use of an image's memory in the worker costs a third of the time.
_HUGE_PAGES = "glibc.malloc.hugetlb=1"


class WorkerProcess:
    """A running worker.

    Parameters
    ----------
    python : the interpreter; None: the one that fits where we run
    settings : what the worker is told at its start: ``path`` (sys.path), ``allowed``, ``niceness``, ``keep_bytes``
    on_message : called in a thread of its own with each message, and with None when the worker is gone

    Raises
    ------
    WorkerLost
        It could not be started.
    """

    def __init__(
        self, python: str | None, settings: dict[str, Any], on_message: Callable[[WorkerProcess, Message | None], None]
    ) -> None:
        self.ready = False
        self._ended = False
        self.started = time.monotonic()
        self.known_buffers: set[int] = set()
        self.log = WorkerLog()
        self._on_message = on_message
        self._outbox: queue.SimpleQueue[tuple[dict[str, Any], bytes, Sequence[int]] | None] = queue.SimpleQueue()
        self._guard: subprocess.Popen[bytes] | None = None
        command = [python or python_executable(), "-c", _BOOT, json.dumps(settings)]
        try:
            self._process, self._channel = _started(command, self.log)
        except OSError as error:
            self.log.close()
            raise WorkerLost(
                f"The worker process could not be started: {error.strerror or error}.",
                "Check the installation of AI Imaging.",
            ) from error
        if sys.platform != "win32":
            self._guard = _guarded(self._process.pid)
        for name, target in (("listen", self._listen), ("talk", self._talk)):
            threading.Thread(target=target, name=f"aiimaging-worker-{name}", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, header: dict[str, Any], body: bytes = b"", files: Sequence[int] = ()) -> None:
        """Send a message; returns at once, also when the worker does not listen.

        The files are duplicated, so that the caller may close its own.
        """
        if self._ended:
            return
        self._outbox.put((header, body, tuple(os.dup(descriptor) for descriptor in files)))

    def terminate(self) -> None:
        """Ask the system to end the worker and what it started."""
        self._signal_group(False)

    def kill(self) -> None:
        """End the worker and what it started, at once."""
        self._signal_group(True)

    def reap(self, seconds: float) -> int | None:
        """Wait for the end of the process, clean up, and return its exit code; None when it does not end."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        # What the worker started is still there when the worker died alone.
        self._signal_group(True)
        self._ended = True
        self._outbox.put(None)
        self._channel.close()
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait()
            if self._guard.stdin is not None:
                self._guard.stdin.close()
        self.log.close()
        return code

    def _signal_group(self, kill: bool) -> None:
        if sys.platform == "win32":
            subprocess.run(
                ["taskkill", "/T", "/F", "/PID", str(self.pid)],
                capture_output=True,
                check=False,
                creationflags=subprocess.CREATE_NO_WINDOW,
            )
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # all gone; macOS refuses for zombies
            os.killpg(self.pid, signal.SIGKILL if kill else signal.SIGTERM)

    def _listen(self) -> None:
        while (message := self._channel.receive()) is not None:
            self._on_message(self, message)
        self._on_message(self, None)

    def _talk(self) -> None:
        while (item := self._outbox.get()) is not None:
            header, body, files = item
            try:
                self._channel.send(header, body, files)
            except OSError:
                pass  # `_listen` learns of it and says so
            finally:
                for descriptor in files:
                    os.close(descriptor)


def python_executable() -> str:
    """Return the Python to run workers with: this one, or inside the Slicer application its PythonSlicer.

    Raises
    ------
    WorkerLost
        There is none.
    """
    if Path(sys.executable or "").name.lower().startswith("python"):
        return sys.executable
    found = shutil.which("PythonSlicer")
    if found is None:
        raise WorkerLost("Slicer's own Python (PythonSlicer) was not found.", "Check the installation of Slicer.")
    return found


def _started(command: list[str], log: WorkerLog) -> tuple[subprocess.Popen[bytes], Channel]:
    if sys.platform == "win32":
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.file,
            bufsize=0,
            creationflags=subprocess.CREATE_NO_WINDOW,
        )
        assert process.stdin is not None and process.stdout is not None
        return process, Channel(PipeLink(os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno())))
    ours, theirs = socket.socketpair()
    tunables = os.environ.get("GLIBC_TUNABLES")
    environment = {**os.environ, "GLIBC_TUNABLES": f"{tunables}:{_HUGE_PAGES}" if tunables else _HUGE_PAGES}
    try:
        process = subprocess.Popen(
            command, stdin=theirs.fileno(), stdout=log.file, stderr=log.file, start_new_session=True, env=environment
        )
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    return process, Channel(SocketLink(ours))


def _guarded(pid: int) -> subprocess.Popen[bytes]:
    """Start the guard of a worker. It needs nothing of the environment, which inside Slicer is not the system's."""
    return subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "aiimaging-guard", str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={"PATH": "/bin:/usr/bin"},
    )
