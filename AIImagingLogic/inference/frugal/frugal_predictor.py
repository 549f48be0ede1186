"""A network run by PyTorch on the CPU with little memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from AIImagingLogic.inference.frugal.activation_store import ActivationStore
from AIImagingLogic.inference.frugal.frugal_network import FrugalNetwork
from AIImagingLogic.inference.frugal.frugal_plan import frugal_plan
from AIImagingLogic.inference.network import Network
from AIImagingLogic.inference.scratch import Scratch
from AIImagingLogic.inference.torch_predictor import use_threads


class FrugalPredictor:
    """Runs the network's module call by call.

    Parameters
    ----------
    network : is left as it is
    window_shape : (1, channels, *window) of the run
    values_on_disk : whether all large values lie in files, not only those that wait long
    threads : of the CPU; None: all cores
    scratch : makes the files

    Raises
    ------
    NotRecordable
        The network's calls cannot be had.
    """

    backend = "torch"
    device = "cpu"
    at_once = 1

    def __init__(
        self, network: Network, window_shape: Sequence[int], values_on_disk: bool, threads: int | None, scratch: Scratch
    ) -> None:
        use_threads(threads)
        plan = frugal_plan(network.module, window_shape, values_on_disk)
        self._network = FrugalNetwork(plan, ActivationStore(scratch))

    def start(self, window: Any) -> Callable[[], Any]:
        """Return what computes a window when it is asked for its values."""
        return partial(self, window)

    def __call__(self, window: Any) -> Any:
        """Return the network's first output, which may be overwritten by the next call."""
        return self._network(window).float()
