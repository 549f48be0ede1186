"""An ONNX network as a module that the engine can run: inside it OpenVINO or ONNX Runtime does the work."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.safety.onnx_file import load_onnx
from AIImagingLogic.records.errors import ModelError

if TYPE_CHECKING:
    import torch

Infer = Callable[[NDArray[np.float32]], NDArray[np.float32]]
_RUNTIMES = ("openvino", "onnxruntime")


def open_onnx_network(path: Path, package: Path) -> torch.nn.Module:
    """Return a module for the network in an ONNX file.

    Parameters
    ----------
    path : the file
    package : folder that files of weights must lie in

    Raises
    ------
    ModelError
        Neither OpenVINO nor ONNX Runtime is installed, or the network has not one input, or cannot be compiled.
    UnsafeModel
        The file is broken, absurdly large, points outside the package, or needs operators of another library.
    """
    model = load_onnx(path, package)
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [item.name for item in model.graph.input if item.name not in stored]
    if len(inputs) != 1:
        raise ModelError(
            f"'{path.name}' takes {len(inputs)} inputs; one with all channels is needed.", "Export it again."
        )
    runtime = onnx_runtime()
    # What was checked is what is run, not another reading of the file.
    content = model.SerializeToString()
    prepare = _openvino if runtime == "openvino" else _onnxruntime
    try:
        infer = prepare(content)
    except Exception as error:  # noqa: BLE001 - both runtimes raise kinds of their own
        lines = str(error).strip().splitlines()
        reason = lines[-1][:160] if lines else type(error).__name__
        raise ModelError(f"'{path.name}' cannot be run by {runtime} ({reason}).", "Export it again.") from error
    module: torch.nn.Module = _module_class()(infer, runtime)
    return module.eval()


def onnx_runtime() -> str:
    """Return the library that runs ONNX networks here: ``openvino``, else ``onnxruntime``.

    Raises
    ------
    ModelError
        Neither is installed.
    """
    runtime = next((name for name in _RUNTIMES if find_spec(name) is not None), None)
    if runtime is None:
        raise ModelError("ONNX networks need OpenVINO or ONNX Runtime.", "Install one: pip install openvino.")
    return runtime


def _openvino(content: bytes) -> Infer:
    import openvino

    core = openvino.Core()
    model = core.read_model(model=content)
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": os.cpu_count() or 1}
    compiled: dict[tuple[int, ...], Any] = {}

    def infer(window: NDArray[np.float32]) -> NDArray[np.float32]:
        if window.shape not in compiled:
            compiled.clear()
            model.reshape(list(window.shape))
            compiled[window.shape] = core.compile_model(model, "CPU", options)
        return np.array(compiled[window.shape](window)[0], np.float32)

    return infer


def _onnxruntime(content: bytes) -> Infer:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda window: np.asarray(session.run(None, {name: window})[0], np.float32)


@cache
def _module_class() -> Any:
    """Return the class of the module; made when it is asked for, since it needs torch."""
    import torch

    class OnnxNetwork(torch.nn.Module):
        """Takes and gives float32 (1, channels, *window); the sums are those of the runtime."""

        def __init__(self, infer: Infer, runtime: str) -> None:
            super().__init__()
            self._infer, self._runtime = infer, runtime

        def forward(self, window: torch.Tensor) -> torch.Tensor:
            # Traced, the result of one window would stand for that of all.
            if torch.jit.is_tracing():
                raise RuntimeError(f"an ONNX network runs on {self._runtime} as it is")
            try:
                result = self._infer(np.ascontiguousarray(window.cpu().numpy(), np.float32))
            except RuntimeError as error:
                lines = str(error).strip().splitlines()
                raise ModelError(
                    f"The ONNX network does not take an input of {tuple(window.shape)} "
                    f"({lines[-1][:160] if lines else 'no reason given'}).",
                    "Correct the window or the number of channels in network.json.",
                ) from error
            return torch.from_numpy(result).to(window.device)

    return OnnxNetwork
