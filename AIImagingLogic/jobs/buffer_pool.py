"""Shared buffers that are used again: fresh memory costs several times what a copy costs."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator

from AIImagingLogic.jobs.shared_buffer import SharedBuffer, buffer_folders
from AIImagingLogic.records.errors import OutputError

_ROUNDING = 1 << 20
_LARGEST_WASTE = 4
_NO_SPACE = (errno.ENOSPC, errno.EFBIG, errno.ENOMEM, errno.EDQUOT)


class BufferPool:
    """The buffers that this process writes.

    Parameters
    ----------
    keep_bytes : free buffers up to this size together are kept for the next use
    on_close : told the number of each buffer that was closed, so that the other side can let go
    """

    def __init__(self, keep_bytes: int, on_close: Callable[[int], None]) -> None:
        self._keep_bytes = keep_bytes
        self._on_close = on_close
        self._free: list[SharedBuffer] = []
        self._lock = threading.Lock()

    def attempts(self, size: int) -> Iterator[SharedBuffer]:
        """Give buffers of at least `size` bytes, one after another, until one can be filled.

        The caller fills one under `filling` and leaves the loop; the next comes from the next place.

        Raises
        ------
        OutputError
            There is no space anywhere.
        """
        kept = self._kept(size)
        if kept is not None:
            yield kept
        capacity = -(-size // _ROUNDING) * _ROUNDING
        for folder in buffer_folders():
            try:
                buffer = SharedBuffer(capacity, folder)
            except OSError:
                continue  # full, or not to be written to
            yield buffer
        raise OutputError(
            f"There is no space to hand over {size / 1e9:.2f} GB of image data: memory and temporary folder are full.",
            "Close other programs or free some disk space, then run again.",
        )

    def give_back(self, buffer: SharedBuffer) -> None:
        """Take back a buffer that nobody reads any more."""
        with self._lock:
            self._free.append(buffer)
            over = sum(entry.capacity for entry in self._free) - self._keep_bytes
            closing = []
            while over > 0:
                closing.append(self._free.pop(0))
                over -= closing[-1].capacity
        self._close(closing)

    def discard(self, buffer: SharedBuffer) -> None:
        """Close a buffer for good."""
        self._close([buffer])

    def trim(self) -> None:
        """Close all free buffers."""
        with self._lock:
            closing, self._free = self._free, []
        self._close(closing)

    def _kept(self, size: int) -> SharedBuffer | None:
        with self._lock:
            fitting = [entry for entry in self._free if size <= entry.capacity <= max(_LARGEST_WASTE * size, _ROUNDING)]
            if not fitting:
                return None
            best = min(fitting, key=lambda entry: entry.capacity)
            self._free.remove(best)
            return best

    def _close(self, buffers: list[SharedBuffer]) -> None:
        for buffer in buffers:
            buffer.close()
            self._on_close(buffer.id)


def is_full(error: OSError) -> bool:
    """Whether the system refused for lack of space."""
    return error.errno in _NO_SPACE
