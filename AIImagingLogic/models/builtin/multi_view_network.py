"""A small 2D network that looks at every view of a candidate with the same weights, run in NumPy alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from AIImagingLogic.records.errors import ModelError

Array = NDArray[np.float32]

SIDE = 32
SPACINGS_MM = (0.8, 2.0)
"""Each view is seen twice: 26 mm near by, and 64 mm around."""
DARKEST_HU, BRIGHTEST_HU = -1000.0, 200.0
CONVOLUTIONS = ("first", "second", "third")
DENSE = ("view", "joint", "answer")
_AT_A_TIME = 12
_TYPES = {"F32": np.float32, "F16": np.float16}
_LARGEST_HEADER = 100_000


@dataclass(frozen=True)
class MultiViewNetwork:
    """Three convolutions of 3x3, each with a maximum over 2x2, and a dense layer a view; mean and maximum over the
    views; two dense layers.

    Attributes
    ----------
    weights : ``NAME.weight`` and ``NAME.bias`` of `CONVOLUTIONS` (out, in, 3, 3) and `DENSE` (out, in)
    """

    weights: Mapping[str, Array]

    def evidence(self, patches: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log odds (N,) that each candidate is a lesion.

        Parameters
        ----------
        patches : (N, V, C, SIDE, SIDE), HU; channels with the spacings of `SPACINGS_MM`
        """
        parts = [self._evidence(patches[n : n + _AT_A_TIME]) for n in range(0, len(patches), _AT_A_TIME)]
        return np.concatenate([np.empty(0), *parts]).astype(np.float64)

    def _evidence(self, patches: Array) -> Array:
        count, views = patches.shape[:2]
        # Channels last: a convolution is then one product of matrices.
        values = np.moveaxis(network_values(patches).reshape(count * views, *patches.shape[2:]), 1, -1)
        for name in CONVOLUTIONS:
            values = _halved(np.maximum(self._convolved(values, name), 0.0))
        flat = np.moveaxis(values, -1, 1).reshape(count * views, -1)
        each = np.maximum(self._dense(flat, "view"), 0.0).reshape(count, views, -1)
        joint = np.concatenate([each.mean(axis=1), each.max(axis=1)], axis=1)
        return self._dense(np.maximum(self._dense(joint, "joint"), 0.0), "answer")[:, 0]

    def _convolved(self, values: Array, name: str) -> Array:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        padded = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)))
        windows = sliding_window_view(padded, (3, 3), axis=(1, 2))
        columns = windows.reshape(-1, weight[0].size)
        result: Array = columns @ weight.reshape(len(weight), -1).T + bias
        return result.reshape(*values.shape[:3], len(weight))

    def _dense(self, values: Array, name: str) -> Array:
        result: Array = values @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return result


def network_values(patches: NDArray[np.float32]) -> Array:
    """Return HU as the network is fed with them: 0..1 from `DARKEST_HU` to `BRIGHTEST_HU`, clipped."""
    scaled = (patches - np.float32(DARKEST_HU)) / np.float32(BRIGHTEST_HU - DARKEST_HU)
    result: Array = np.clip(scaled, 0.0, 1.0)
    return result


def read_network(path: Path) -> MultiViewNetwork:
    """Return the network of a safetensors file; the format is read here, so that nothing else need be installed.

    Raises
    ------
    ModelError
        The file is damaged, or holds another network.

    References
    ----------
    safetensors, format: 8 bytes with the length of the header, the header (JSON), the numbers.
    """
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    try:
        if length > _LARGEST_HEADER:
            raise ValueError(f"a header of {length} bytes")
        header = json.loads(data[8 : 8 + length])
        weights = {}
        for name in (f"{layer}.{part}" for layer in (*CONVOLUTIONS, *DENSE) for part in ("weight", "bias")):
            first, last = header[name]["data_offsets"]
            numbers = np.frombuffer(data[8 + length + first : 8 + length + last], _TYPES[header[name]["dtype"]])
            weights[name] = numbers.astype(np.float32).reshape(header[name]["shape"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"The weights '{path.name}' are damaged: {error}.", "Install AI Imaging again.") from error
    return MultiViewNetwork(weights)


def _halved(values: Array) -> Array:
    """Return the maximum over 2x2 pixels of (B, H, W, C)."""
    count, height, width, channels = values.shape
    result: Array = values.reshape(count, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
    return result
