"""Memory that this process has freed and still holds: given back to the system, or not kept in the first place."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from collections.abc import Iterator

# Names and limits of glibc's mallopt (malloc.h).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_MMAP_THRESHOLD = 4 * 1024 * 1024 * ctypes.sizeof(ctypes.c_long)
_SMALL = 1 << 18


def give_back_free_memory() -> None:
    """Give memory that is free in this process back to the system, where the C library can."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def no_memory_kept() -> Iterator[None]:
    """Let large arrays go back to the system as soon as they are freed, until the block ends.

    Otherwise the C library keeps them for the next, which is quicker, and takes more memory than is in use.
    """
    _keep_below(_SMALL)
    try:
        yield
    finally:
        _keep_below(_LARGEST_MMAP_THRESHOLD)
        give_back_free_memory()


def _keep_below(size: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(None)
            library.mallopt(_MMAP_THRESHOLD, size)
            library.mallopt(_TRIM_THRESHOLD, size)
