"""Memory that two processes see: written by one, read by the other.

On POSIX it is a file without a name in memory (/dev/shm) or, when that is full, in the temporary folder; the open file
goes to the other process. The system frees it when both have let go, however they end: nothing can be left behind.
It is written with `pwrite`, so that a full disk is an error there and never a signal while reading, and so that the
interpreter lock is free meanwhile. On Windows it is memory of the page file, known by a name.
"""

from __future__ import annotations

import itertools
import mmap
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_MEMORY = Path("/dev/shm")
_numbers = itertools.count(1)


def buffer_folders() -> tuple[Path, ...]:
    """Return where buffers are made, the quickest first."""
    temporary = Path(tempfile.gettempdir())
    return (_MEMORY, temporary) if _MEMORY.is_dir() else (temporary,)


class SharedBuffer:
    """The writing side of `capacity` bytes of shared memory.

    Parameters
    ----------
    capacity : bytes
    folder : where (POSIX)

    Raises
    ------
    OSError
        There is no space.
    """

    def __init__(self, capacity: int, folder: Path) -> None:
        self.id = next(_numbers)
        self.capacity = max(capacity, 1)
        self.folder = folder
        self.tag = ""
        self._memory: mmap.mmap | None = None
        self._file: Any = None
        if sys.platform == "win32":
            self.tag = f"aiimaging-{uuid.uuid4().hex}"
            self._memory = mmap.mmap(-1, self.capacity, tagname=self.tag)
        else:
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - open as long as the buffer
            os.ftruncate(self._file.fileno(), self.capacity)

    @property
    def files(self) -> tuple[int, ...]:
        """The open file that the other process needs; none on Windows."""
        return () if self._file is None else (self._file.fileno(),)

    def write(self, offset: int, data: memoryview) -> None:
        """Write bytes at `offset`.

        Raises
        ------
        OSError
            The memory or the disk is full.
        """
        if self._memory is not None:
            self._memory[offset : offset + len(data)] = data
            return
        while data:
            written = os.pwrite(self._file.fileno(), data, offset)
            offset, data = offset + written, data[written:]

    def close(self) -> None:
        """Let go; the memory is free once the other side has let go too."""
        if self._file is not None:
            self._file.close()
        if self._memory is not None:
            self._memory.close()

    def description(self) -> dict[str, Any]:
        """Return what the other process needs to know, beside the open file."""
        return {"id": self.id, "capacity": self.capacity, "tag": self.tag}


class ReadBuffers:
    """The reading side of another process's buffers; each is mapped once and used as often as it is named."""

    def __init__(self) -> None:
        self._memories: dict[int, mmap.mmap] = {}

    def memory(self, description: dict[str, Any], files: Iterator[int]) -> mmap.mmap:
        """Return the memory of a buffer; the first time its open file is taken from `files`."""
        number = description["id"]
        if number not in self._memories:
            self._memories[number] = _mapped(description, files)
        return self._memories[number]

    def drop(self, numbers: list[int]) -> None:
        """Forget buffers that the other side closed; memory that is still looked at stays until then."""
        for number in numbers:
            self._memories.pop(number, None)


def _mapped(description: dict[str, Any], files: Iterator[int]) -> mmap.mmap:
    if sys.platform == "win32":
        return mmap.mmap(-1, description["capacity"], tagname=description["tag"], access=mmap.ACCESS_READ)
    descriptor = next(files)
    try:
        return mmap.mmap(descriptor, description["capacity"], access=mmap.ACCESS_READ)
    finally:
        os.close(descriptor)
