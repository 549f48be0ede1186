"""Small TensorFlow.js layers models, written as packages, and their plain evaluation with numpy and scipy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special


def conv(name: str, filters: int, dilation: int = 1, size: int = 3, activation: str = "linear", **more: Any) -> dict:
    """Return a Conv3D layer."""
    config = {
        "name": name,
        "filters": filters,
        "kernel_size": [size] * 3,
        "strides": [1, 1, 1],
        "dilation_rate": [dilation] * 3,
        "padding": "same",
        "data_format": "channels_last",
        "activation": activation,
        "use_bias": True,
        **more,
    }
    return {"class_name": "Conv3D", "config": config, "name": name}


def layer(kind: str, name: str, inputs: tuple[str, ...] = (), **config: Any) -> dict:
    """Return any other layer; without `inputs` it takes the one before."""
    return {"class_name": kind, "config": {"name": name, **config}, "name": name, "inputs": inputs}


def write_package(
    folder: Path,
    layers: list[dict],
    weights: dict[str, NDArray[Any]],
    size: int | None = None,
    channels: int = 1,
    labels: list[str] | None = None,
) -> Path:
    """Write model.json, weights.bin and a colour map; uint8 weights are declared as quantised to 0.01 from -1."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = [None, size, size, size, channels]
    items = [{"class_name": "InputLayer", "config": {"name": "input", "batch_input_shape": shape}, "name": "input"}]
    items[0]["inbound_nodes"] = []
    for item in layers:
        sources = item.get("inputs") or (items[-1]["name"],)
        item = {key: value for key, value in item.items() if key != "inputs"}
        items.append({**item, "inbound_nodes": [[[name, 0, 0, {}] for name in sources]]})
    entries = []
    for name, values in weights.items():
        entry: dict[str, Any] = {"name": name, "shape": list(values.shape), "dtype": "float32"}
        if values.dtype == np.uint8:
            entry["quantization"] = {"min": -1.0, "scale": 0.01, "dtype": "uint8", "original_dtype": "float32"}
        entries.append(entry)
    config = {"name": "m", "layers": items, "input_layers": [["input", 0, 0]]}
    config["output_layers"] = [[items[-1]["name"], 0, 0]]
    model = {
        "format": "layers-model",
        "modelTopology": {"model_config": {"class_name": "Functional", "config": config}},
        "weightsManifest": [{"paths": ["weights.bin"], "weights": entries}],
    }
    (folder / "model.json").write_text(json.dumps(model))
    (folder / "weights.bin").write_bytes(b"".join(values.tobytes() for values in weights.values()))
    if labels is not None:
        levels = [10 * index for index in range(len(labels))]
        (folder / "colormap.json").write_text(json.dumps({"R": levels, "G": levels, "B": levels, "labels": labels}))
    return folder


def random_weights(layers: list[dict], channels: int = 1, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Return weights for a chain of convolutions."""
    random = np.random.default_rng(seed)
    weights = {}
    for item in layers:
        if item["class_name"] == "Conv3D":
            config = item["config"]
            shape = (*config["kernel_size"], channels, config["filters"])
            weights[f"{item['name']}/kernel"] = random.normal(0, 0.4, shape).astype(np.float32)
            if config["use_bias"]:
                weights[f"{item['name']}/bias"] = random.normal(0, 0.2, config["filters"]).astype(np.float32)
            channels = config["filters"]
    return weights


def plain_convolution(
    image: NDArray[np.float64], kernel: NDArray[Any], bias: NDArray[Any] | float, dilation: int
) -> NDArray[np.float64]:
    """Return 'same' convolution as Keras defines it (no flip, zeros outside); channels last throughout."""
    size = dilation * (kernel.shape[0] - 1) + 1
    result = np.zeros((*image.shape[:3], kernel.shape[-1]))
    for target in range(kernel.shape[-1]):
        for source in range(kernel.shape[-2]):
            spread = np.zeros((size,) * 3)
            spread[::dilation, ::dilation, ::dilation] = kernel[..., source, target]
            result[..., target] += ndimage.correlate(image[..., source], spread, mode="constant")
    return result + bias


def gelu(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Gaussian error linear unit, exactly."""
    return 0.5 * values * (1 + special.erf(values / np.sqrt(2)))
