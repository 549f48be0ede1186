"""Work beside the network, shared out to all cores.

OpenMP's threads wait by spinning, which would take the cores from OpenVINO's between two windows. These threads sleep.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class SideWork:
    """Runs a function over items in threads. NumPy and PyTorch let others run while they compute.

    Parameters
    ----------
    threads : None: as many as there are cores
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self.threads, "aiimaging-inference")

    def share(self, function: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
        """Return what the function gives for each item, in their order; the first error is raised."""
        return list(self._pool.map(lambda item: _without_gradients(function, item), items))

    def parts(self, size: int) -> list[slice]:
        """Return one range a thread that together are `size` long."""
        ends = [size * number // self.threads for number in range(self.threads + 1)]
        return [slice(first, last) for first, last in zip(ends, ends[1:]) if last > first]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)


def _without_gradients(function: Callable[[_Item], _Result], item: _Item) -> Any:
    import torch

    # The mode belongs to the thread.
    with torch.inference_mode():
        return function(item)
