"""A network run by PyTorch, on the CPU or a GPU."""

from __future__ import annotations

import copy
import os
from typing import Any

from AIImagingLogic.inference.network import Network


class TorchPredictor:
    """Runs the network's module; on a GPU in half precision where the operation allows it."""

    backend = "torch"

    def __init__(self, network: Network, device: str, threads: int | None = None, half: bool = False) -> None:
        import torch

        self.device, self._half = device, half
        self._module = network.module
        if device == "cpu":
            wanted = threads or os.cpu_count() or 1
            if torch.get_num_threads() != wanted:
                torch.set_num_threads(wanted)
        else:
            self._module = copy.deepcopy(network.module).to(device)
            if half:
                self._module = self._module.half()

    def __call__(self, window: Any) -> Any:
        import torch

        if self.device == "cpu":
            return _first(self._module(window)).float()
        there = window.to(self.device)
        if self._half:
            return _first(self._module(there.half())).float().cpu()
        with torch.autocast(self.device, dtype=torch.float16):
            return _first(self._module(there)).float().cpu()


def _first(output: Any) -> Any:
    # Networks with deep supervision give their full-resolution output first.
    return output[0] if isinstance(output, (list, tuple)) else output
