"""Where workers write what libraries print and the tracebacks of errors that nobody foresaw. No patient data."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from AIImagingLogic.records.user_folders import data_folder

_KEPT = 10
_TAIL_BYTES = 4000
_numbers = itertools.count(1)


def log_folder() -> Path:
    """Return $AIIMAGING_LOG_FOLDER, else a folder in the user's data folder."""
    return Path(os.environ.get("AIIMAGING_LOG_FOLDER") or data_folder() / "logs")


class WorkerLog:
    """The log file of one worker. The newest ten are kept; an empty one goes when its worker ends."""

    def __init__(self) -> None:
        name = f"worker-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}-{next(_numbers)}.log"
        self.path, self.file = _opened(log_folder() / name, Path(tempfile.gettempdir()) / name)

    def size(self) -> int:
        """Return how much was written so far, bytes."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def tail(self, start: int) -> str:
        """Return the last lines of what was written after the first `start` bytes."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(start, self.size() - _TAIL_BYTES))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    def close(self) -> None:
        """Close the file; remove it when nothing was written."""
        self.file.close()
        with contextlib.suppress(OSError):
            if self.path.stat().st_size == 0:
                self.path.unlink()


def _opened(path: Path, instead: Path) -> tuple[Path, IO[Any]]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in sorted(path.parent.glob("worker-*.log"))[: -(_KEPT - 1)]:
            with contextlib.suppress(OSError):  # in use, on Windows
                old.unlink()
        return path, path.open("ab")
    except OSError:
        # A home that cannot be written to is no reason not to run.
        return instead, instead.open("ab")
