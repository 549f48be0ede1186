"""Where the images of a message lie in a shared buffer."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALIGNMENT = 64
_SLAB_BYTES = 1 << 24
_TYPES = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)} | {"f4", "f8"}


class ImageLayout:
    """Collects arrays that will lie one behind the other in one buffer."""

    def __init__(self) -> None:
        self.headers: list[dict[str, Any]] = []
        self.arrays: list[NDArray[Any]] = []
        self.size = 0
        self._owners: list[Any] = []

    def add(self, array: NDArray[Any], owner: Any = None, **facts: Any) -> int:
        """Add an array and what else is said of it; return its number. `owner` of a view is kept alive.

        Raises
        ------
        ValueError
            Its voxel type has no counterpart among images.
        """
        kind = "u1" if array.dtype == np.bool_ else array.dtype.str[1:]
        if kind not in _TYPES:
            raise ValueError(f"voxels of type {array.dtype} are no image")
        length = array.size * int(kind[1:])
        self.headers.append({"at": self.size, "type": kind, "shape": list(array.shape), **facts})
        self.arrays.append(array)
        self._owners.append(owner)
        self.size += -(-length // _ALIGNMENT) * _ALIGNMENT
        return len(self.headers) - 1

    def write(self, write: Callable[[int, memoryview], None], go_on: Callable[[], None]) -> None:
        """Copy every array, in slabs that take a few ms, with the interpreter lock free; `go_on` may raise to stop."""
        for header, array in zip(self.headers, self.arrays, strict=True):
            offset = header["at"]
            for slab in _slabs(array, np.dtype(header["type"])):
                go_on()
                write(offset, slab)
                offset += len(slab)

    def let_go(self) -> None:
        """Forget the arrays, which are copied; where they lie stays known."""
        self.arrays.clear()
        self._owners.clear()


def read_array(header: dict[str, Any], memory: mmap.mmap) -> NDArray[Any]:
    """Return a read-only view of an array in a buffer."""
    shape = header["shape"]
    count = int(np.prod(shape, dtype=np.int64))
    array = np.frombuffer(memory, np.dtype(header["type"]), count, header["at"])
    return array.reshape(shape)


def _slabs(array: NDArray[Any], kind: np.dtype[Any]) -> Iterator[memoryview]:
    """Give the bytes of an array in C order and native byte order, some slices at a time."""
    if array.size == 0:
        return
    if array.flags.c_contiguous and array.dtype == kind:
        whole = _bytes(array)
        for start in range(0, len(whole), _SLAB_BYTES):
            yield whole[start : start + _SLAB_BYTES]
        return
    step = max(1, _SLAB_BYTES * len(array) // (array.size * kind.itemsize))
    for start in range(0, len(array), step):
        slab = np.ascontiguousarray(array[start : start + step], dtype=kind)
        yield _bytes(slab)


def _bytes(array: NDArray[Any]) -> memoryview:
    return memoryview(array.reshape(-1).view(np.uint8).data)
