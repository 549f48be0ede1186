"""A file that one program at a time holds: another is told at once, and a program that dies lets go of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from AIImagingLogic.records.atomic_files import output_error


class HeldFile:
    """Holds `path`, an empty file that is made, until `release`.

    On Windows and POSIX the system's own lock is taken, so that none is left behind by a crash. A network folder must
    pass locks on, as SMB and NFS 4 do.

    Raises
    ------
    BlockingIOError
        Another program holds it.
    OutputError
        It cannot be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise output_error(path, error) from error
        try:
            _lock(self._descriptor)
        except OSError as error:
            self.release()
            raise BlockingIOError(f"'{path}' is held by another program.") from error

    def release(self) -> None:
        """Let go; the file stays."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
