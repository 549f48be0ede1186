"""Room for a network's values: in memory, or in files whose room is used again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from AIImagingLogic.inference.scratch import Scratch

# Values of fewer bytes are kept in memory always.
LEAST_IN_FILE = 1 << 18
# Room in a file is used again for values down to this share of it.
_FILLED = 0.5


class ActivationStore:
    """Gives room for values and takes it back.

    Parameters
    ----------
    scratch : makes the files

    Attributes
    ----------
    in_memory, most_in_memory : bytes of the values that lie in memory now, and at most so far
    """

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._free: list[Any] = []
        self._blocks: dict[int, Any] = {}
        self.in_memory = self.most_in_memory = 0

    def new(self, shape: Sequence[int], in_file: bool) -> Any:
        """Return torch float32 of `shape` whose values are anything."""
        import torch

        count = math.prod(shape)
        if not in_file or count * 4 < LEAST_IN_FILE:
            return self.adopted(torch.empty(tuple(shape), dtype=torch.float32))
        fitting = [block for block in self._free if _FILLED * len(block) <= count <= len(block)]
        block = min(fitting, key=len, default=None)
        if block is None:
            block = self._scratch.zeros((count,), on_disk=True)
        else:
            self._free = [each for each in self._free if each is not block]
        self._blocks[block.data_ptr()] = block
        return block[:count].view(tuple(shape))

    def adopted(self, tensor: Any) -> Any:
        """Return a tensor that was made elsewhere, in memory; it is counted until it is taken back."""
        self.in_memory += tensor.nbytes
        self.most_in_memory = max(self.most_in_memory, self.in_memory)
        return tensor

    def take_back(self, tensor: Any) -> None:
        """Let the room of a tensor that `new` gave be used again."""
        block = self._blocks.pop(tensor.untyped_storage().data_ptr(), None)
        if block is not None:
            self._free.append(block)
        else:
            self.in_memory -= tensor.nbytes

    def release(self) -> None:
        """Let the system drop from memory what lies in files; nothing is lost."""
        self._scratch.release()
