"""A network run by PyTorch, on the CPU or a GPU."""

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from AIImagingLogic.inference.arrangement import Arrangement
from AIImagingLogic.inference.convolutions_in_parts import convolutions_in_parts
from AIImagingLogic.inference.network import Network


class TorchPredictor:
    """Runs the network's module; on a GPU in half precision where the operation allows it.

    Parameters
    ----------
    network : is left as it is
    arrangement : of the run
    threads : of the CPU; None: all cores
    """

    backend = "torch"
    at_once = 1

    def __init__(self, network: Network, arrangement: Arrangement, threads: int | None = None) -> None:
        device = arrangement.device
        self.device, self._half, self._in_parts = device, arrangement.half_precision, arrangement.in_parts
        self._module = network.module
        self._seen: tuple[Any, Any] = (None, None)
        if device == "cpu":
            use_threads(threads)
        else:
            self._module = copy.deepcopy(network.module).to(device)
            if self._half:
                self._module = self._module.half()

    def has_seen(self, window: Any, values: Any) -> None:
        """Take what the network gave of a window, (1, channels, *window): if it comes next it is not run again."""
        self._seen = (window, values)

    def start(self, window: Any) -> Callable[[], Any]:
        """Return what computes a window when it is asked for its values."""
        return partial(self, window)

    def __call__(self, window: Any) -> Any:
        import torch

        (seen, values), self._seen = self._seen, (None, None)
        if window is seen:
            return values
        if self.device == "cpu":
            with convolutions_in_parts() if self._in_parts else contextlib.nullcontext():
                return _first(self._module(window)).float()
        there = window.to(self.device)
        if self._half:
            return _first(self._module(there.half())).float().cpu()
        with torch.autocast(self.device, dtype=torch.float16):
            return _first(self._module(there)).float().cpu()


def use_threads(threads: int | None) -> None:
    """Let PyTorch use so many threads of the CPU; None: all cores."""
    import torch

    wanted = threads or os.cpu_count() or 1
    if torch.get_num_threads() != wanted:
        torch.set_num_threads(wanted)


def _first(output: Any) -> Any:
    # Networks with deep supervision give their full-resolution output first.
    return output[0] if isinstance(output, (list, tuple)) else output
