"""A network compiled by OpenVINO for this processor, checked against PyTorch before it is trusted.

OpenVINO's own `convert_model` reports its use over the network unless the user has said no. The conversion here goes
through the PyTorch front end underneath, which does not.
"""

from __future__ import annotations

import hashlib
import math
import os
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.inference.ladder import is_shortage
from AIImagingLogic.inference.network import EngineSettings, Network
from AIImagingLogic.inference.openvino_normalisation import centre_first_normalisations
from AIImagingLogic.inference.openvino_refusals import NotConvertible, known_refusal, remember_refusal
from AIImagingLogic.inference.torch_threads import torch_threads
from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.errors import OutputError
from AIImagingLogic.records.free_memory import give_back_free_memory

# Largest difference from PyTorch's output, as a share of its range: single precision sums in another order. Measured:
# 1e-5 on most windows, 9e-4 of a trained nnU-Net on windows of air, where instance normalisation divides by little.
_TOLERANCE = 3e-3
# Counts up when the conversion changes, so that what an earlier one made is not taken from the cache.
_CONVERSION = 2
# A window this many times as large as the traced one, a cube of so many voxels, is not traced itself.
_LARGE, _TRACED = 4, 96
# Networks kept compiled in this process, so that a second image does not wait.
_KEPT = 2
_compiled: OrderedDict[str, Any] = OrderedDict()


class OpenVinoPredictor:
    """Runs a compiled network on the CPU. What a call returns is overwritten by the next call.

    Parameters
    ----------
    compiled : the network
    at_once : windows that it computes side by side, as it was compiled for
    """

    backend = "openvino"
    device = "cpu"

    def __init__(self, compiled: Any, at_once: int = 1) -> None:
        self.at_once = at_once
        # One more than are computed, whose values are being read meanwhile.
        self._requests = [compiled.create_infer_request() for _ in range(at_once + 1)]
        self._windows: list[Any] = [None] * len(self._requests)
        self._next = 0
        self._last: tuple[Any, Any] = (None, None)

    def __call__(self, window: Any) -> Any:
        values = self.start(window)()
        self._last = (window, values)
        return values

    def start(self, window: Any) -> Callable[[], Any]:
        """Begin with a window and return what waits for its values; see `predictor.Predictor`."""
        # The window by which the network was checked is not run again: it can be a whole image.
        if window is self._last[0]:
            return partial(_given, self._last[1])
        self._last = (None, None)
        at, self._next = self._next, (self._next + 1) % len(self._requests)
        # OpenVINO reads where the window lies.
        self._windows[at] = window
        self._requests[at].start_async([window.numpy()], share_inputs=True)
        return partial(_waited_for, self._requests[at])


def _given(values: Any) -> Any:
    return values


def _waited_for(request: Any) -> Any:
    import torch

    request.wait()
    return torch.from_numpy(request.get_output_tensor().data)


def open_openvino(network: Network, window: Any, settings: EngineSettings, at_once: int = 1) -> OpenVinoPredictor:
    """Compile a network for windows like the given one, or take it from this process or the cache folder.

    Parameters
    ----------
    network : with a content hash it is kept compiled
    window : torch float32 (1, channels, *window)
    settings : number of threads and the cache folder
    at_once : windows to be computed side by side

    Raises
    ------
    NotConvertible
        OpenVINO lacks an operation of the network, or its output differs from PyTorch's. It is remembered of a network
        with a content hash, for windows of this shape, as long as the process lives.
    """
    known = known_refusal(network, window.shape)
    if known is not None:
        raise NotConvertible(f"{known} This was found in an earlier run.")
    key = _key(network, window.shape, settings, at_once)
    if network.content_hash and key in _compiled:
        _compiled.move_to_end(key)
        return OpenVinoPredictor(_compiled[key], at_once)
    path = settings.cache_folder / f"{key}.blob" if settings.cache_folder and network.content_hash else None
    compiled = _from_file(path, settings, at_once) if path is not None else None
    if compiled is not None:
        predictor = OpenVinoPredictor(compiled, at_once)
    else:
        with torch_threads(_threads(settings)):
            try:
                compiled, predictor = _checked(network, window, settings, at_once)
            except NotConvertible as reason:
                remember_refusal(network, window.shape, reason)
                raise
        if path is not None:
            _to_file(path, compiled)
    if network.content_hash:
        _compiled[key] = compiled
        while len(_compiled) > _KEPT:
            _compiled.popitem(last=False)
    return predictor


def is_compiled(network: Network, window_shape: Sequence[int], settings: EngineSettings, at_once: int = 1) -> bool:
    """Whether the network is compiled already for windows of a shape (1, channels, *window)."""
    if not network.content_hash:
        return False
    key = _key(network, window_shape, settings, at_once)
    kept = settings.cache_folder is not None and (settings.cache_folder / f"{key}.blob").is_file()
    return key in _compiled or kept


def _key(network: Network, window_shape: Sequence[int], settings: EngineSettings, at_once: int) -> str:
    import openvino

    parts = (
        _CONVERSION,
        network.content_hash,
        tuple(window_shape),
        _threads(settings),
        at_once,
        openvino.get_version(),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:40]


def _threads(settings: EngineSettings) -> int:
    return settings.threads or os.cpu_count() or 1


def _options(settings: EngineSettings, at_once: int) -> dict[str, Any]:
    # Two windows on a core each are quicker than one on both, which wait for one another at each layer.
    side_by_side = {"NUM_STREAMS": at_once} if at_once > 1 else {"PERFORMANCE_HINT": "LATENCY"}
    return {
        **side_by_side,
        # Processors with bfloat16 would use it unasked; labels would then differ from PyTorch's.
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": _threads(settings),
    }


def _checked(network: Network, window: Any, settings: EngineSettings, at_once: int) -> tuple[Any, OpenVinoPredictor]:
    """Compile a network and compare it with PyTorch on a window.

    Converting runs the network once. A large window is spared that: what most networks do does not depend on its size.
    """
    full = tuple(window.shape)
    small = (*full[:2], *(min(side, _TRACED) for side in full[2:]))
    shapes = [full] if math.prod(full) < _LARGE * math.prod(small) else [small, full]
    theirs: Any = None
    for shape in shapes:
        try:
            compiled = _compile(network, shape, full, settings, at_once)
            predictor = OpenVinoPredictor(compiled, at_once)
            if theirs is None:
                theirs = _output_of_torch(network, window)
                # What PyTorch freed would stay beside what OpenVINO takes.
                give_back_free_memory()
            _compare(theirs.numpy(), predictor(window).numpy())
        except NotConvertible as reason:
            if shape == full:
                reason.values = theirs
                raise
        else:
            return compiled, predictor
    raise AssertionError("the last shape returns or raises")


def _compile(
    network: Network, traced: Sequence[int], window: Sequence[int], settings: EngineSettings, at_once: int
) -> Any:
    """Return the network for windows of one shape, converted by a look at another; both (1, channels, *window)."""
    import openvino
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    try:
        with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
            # Tracing warns of every shape that it fixes; the window's shape is fixed on purpose.
            warnings.simplefilter("ignore")
            # A tensor made in inference mode cannot be traced with.
            example = torch.zeros(tuple(traced))
            front_end = FrontEndManager().load_by_framework("pytorch")
            decoder = TorchScriptPythonDecoder(
                network.module, example_input=example, trace_kwargs={"check_trace": False}
            )
            model = front_end.convert(front_end.load(decoder))
        model.reshape(openvino.PartialShape(list(window)))
        centre_first_normalisations(model)
        return openvino.Core().compile_model(model, "CPU", _options(settings, at_once))
    except Exception as error:  # noqa: BLE001 - front end, tracing and plugin each raise their own kinds
        # Memory that is short now may suffice for the next image.
        raise NotConvertible(f"OpenVINO cannot convert it ({_one_line(error)}).", not is_shortage(error)) from error


def _output_of_torch(network: Network, window: Any) -> Any:
    import torch

    with torch.inference_mode():
        values = network.module(window)
    return (values[0] if isinstance(values, (list, tuple)) else values).float()


def _compare(theirs: NDArray[np.float32], ours: NDArray[np.float32]) -> None:
    if ours.shape != theirs.shape:
        raise NotConvertible("OpenVINO's output has another shape.")
    apart = float(np.abs(ours - theirs).max())
    allowed = _TOLERANCE * max(float(theirs.max() - theirs.min()), 1e-3)
    # Not-a-number compares as false and is refused.
    if not apart <= allowed:
        raise NotConvertible(f"OpenVINO's output differs by up to {apart:.2g} on the first window.")


def _from_file(path: Path, settings: EngineSettings, at_once: int) -> Any:
    import openvino

    if not path.is_file():
        return None
    try:
        return openvino.Core().import_model(path.read_bytes(), "CPU", _options(settings, at_once))
    except RuntimeError:
        # Made by another version or on another processor, or cut off: it is compiled again and replaced.
        return None


def _to_file(path: Path, compiled: Any) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_atomically(path) as temporary:
            temporary.write_bytes(compiled.export_model().getvalue())
    except (OSError, OutputError):
        # A cache that cannot be written costs the next run its compilation, nothing more.
        return


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:160]
