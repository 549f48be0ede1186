"""One process at a time: locks that the system gives back when their holder ends, however it ends."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from AIImagingLogic.records.atomic_files import make_folder, output_error
from AIImagingLogic.records.errors import OutputError
from AIImagingLogic.records.progress import Progress

_POLL_SECONDS = 0.1


@contextlib.contextmanager
def locked(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock file `path` for the block; wait while another process holds it.

    The lock is the system's on the open file, so one left by a process that died or was killed is free at once. The
    file itself stays: removing it would let two processes lock two files of one name.

    Raises
    ------
    Cancelled
        The user gave up waiting.
    OutputError
        The folder is not writable, or its file system has no locks.
    """
    make_folder(path.parent)
    try:
        file = path.open("a+b")
    except OSError as error:
        raise output_error(path, error) from error
    with file:
        while not _taken(file):
            progress.report(0.0, "Waiting for another process that uses the model store")
            time.sleep(_POLL_SECONDS)
        try:
            yield
        finally:
            _give_back(file)


if sys.platform == "win32":
    import msvcrt

    def _taken(file: IO[bytes]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _give_back(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _taken(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise OutputError(
                f"The folder of the model store cannot be locked: {error.strerror or error}.",
                "Set AIIMAGING_MODELS to a folder on a disk of this computer.",
            ) from error
        return True

    def _give_back(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_UN)
