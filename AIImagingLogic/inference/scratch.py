"""Room for large intermediate values: in memory, or in a file when memory is short."""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from AIImagingLogic.records.atomic_files import output_error


class Scratch:
    """Gives arrays of zeros.

    Parameters
    ----------
    folder : for files, which vanish with the array; None: the system's own
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._maps: list[mmap.mmap] = []

    def zeros(self, shape: tuple[int, ...], on_disk: bool) -> Any:
        """Return torch float32 zeros of `shape`, in memory or in a file.

        Raises
        ------
        OutputError
            The disk has no room.
        """
        import torch

        if not on_disk:
            return torch.zeros(shape, dtype=torch.float32)
        count = int(np.prod(shape))
        with tempfile.TemporaryFile(dir=self._folder) as file:
            try:
                _reserve(file.fileno(), max(count, 1) * 4)
            except OSError as error:
                raise output_error(Path(self._folder or tempfile.gettempdir()), error) from error
            mapped = mmap.mmap(file.fileno(), max(count, 1) * 4)
        self._maps.append(mapped)
        return torch.frombuffer(mapped, dtype=torch.float32, count=count).reshape(shape)

    def release(self) -> None:
        """Let the system drop from memory what lies in files; nothing is lost."""
        for mapped in self._maps:
            if hasattr(mmap, "MADV_DONTNEED"):
                with contextlib.suppress(OSError):
                    mapped.madvise(mmap.MADV_DONTNEED)


def _reserve(descriptor: int, size: int) -> None:
    """Make a file as long as `size`; where the system can, with its room on the disk taken at once."""
    if hasattr(os, "posix_fallocate"):
        # A hole in the file would end the process when the disk is full.
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)
