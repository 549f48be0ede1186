"""What runs a network on one window, and which one is chosen."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any, Protocol

from AIImagingLogic.inference.arrangement import Arrangement
from AIImagingLogic.inference.frugal.call_record import NotRecordable
from AIImagingLogic.inference.frugal.frugal_predictor import FrugalPredictor
from AIImagingLogic.inference.network import EngineSettings, Network
from AIImagingLogic.inference.openvino_predictor import open_openvino
from AIImagingLogic.inference.openvino_refusals import NotConvertible
from AIImagingLogic.inference.scratch import Scratch
from AIImagingLogic.inference.torch_predictor import TorchPredictor
from AIImagingLogic.records.errors import ModelError

_ADVICE = "Install the package 'openvino', or choose another backend."


class Predictor(Protocol):
    """Runs a network. What a call returns may be overwritten by the next call.

    Attributes
    ----------
    at_once : windows that it computes side by side
    """

    backend: str
    device: str
    at_once: int

    def __call__(self, window: Any) -> Any:
        """Return torch float32 (1, output channels, *window) on the CPU, of (1, channels, *window)."""
        ...

    def start(self, window: Any) -> Callable[[], Any]:
        """Begin with a window and return what waits for its values.

        `at_once` more may be begun before they are asked for; those of the first may be overwritten after that.
        """
        ...


def open_predictor(
    network: Network, window: Any, settings: EngineSettings, arrangement: Arrangement, scratch: Scratch | None = None
) -> tuple[Predictor, tuple[str, ...]]:
    """Make a network ready for windows like the given one.

    Parameters
    ----------
    network : is left as it is
    window : torch float32 (1, channels, *window) of the run, by which a compiled network is checked
    settings : what to run on
    arrangement : of the run: device and precision
    scratch : of the run, for a frugal network's values; None: one of its own

    Returns
    -------
    The predictor, and notes on what was given up.

    Raises
    ------
    ModelError
        OpenVINO was asked for by name and is not there, or was asked to run on a GPU.
    """
    device = arrangement.device
    if settings.backend == "openvino" and device != "cpu":
        raise ModelError(f"OpenVINO does not run on '{device}' here.", "Choose the CPU, or the backend torch.")
    notes: tuple[str, ...] = ()
    known: Any = None
    if chosen_backend(settings, arrangement) == "openvino":
        try:
            return open_openvino(network, window, settings, arrangement.at_once), ()
        except NotConvertible as reason:
            notes = (f"The network ran on PyTorch: {reason}",)
            known = reason.values
    if arrangement.frugal and device == "cpu":
        try:
            room = scratch or Scratch(settings.scratch_folder)
            return FrugalPredictor(network, window.shape, arrangement.values_on_disk, settings.threads, room), notes
        except NotRecordable as reason:
            notes = (*notes, f"The network could not be computed a few slices at a time: {reason}")
    predictor = TorchPredictor(network, arrangement, settings.threads)
    if known is not None:
        predictor.has_seen(window, known)
    return predictor, notes


def chosen_backend(settings: EngineSettings, arrangement: Arrangement) -> str:
    """Return ``openvino`` or ``torch``, which a run so laid out begins with.

    Raises
    ------
    ModelError
        OpenVINO was asked for by name and is not installed.
    """
    if settings.backend == "torch" or arrangement.plain or arrangement.device != "cpu":
        return "torch"
    if importlib.util.find_spec("openvino") is not None:
        return "openvino"
    if settings.backend == "openvino":
        raise ModelError("OpenVINO was asked for and is not installed.", _ADVICE)
    return "torch"


def chosen_device(settings: EngineSettings) -> str:
    """Return ``cpu``, ``cuda`` or ``mps``.

    Raises
    ------
    ModelError
        A GPU was asked for by name and torch cannot use it.
    """
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if settings.device != "auto":
        if not there[settings.device]:
            raise ModelError(
                f"The device '{settings.device}' was asked for and cannot be used.", "Choose the CPU, or automatic."
            )
        return settings.device
    if settings.backend == "openvino":
        return "cpu"
    return next(name for name in ("cuda", "mps", "cpu") if there[name])
