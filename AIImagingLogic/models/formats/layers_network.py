"""A TensorFlow.js layers model as a torch module that we build: no code of the package is run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.formats.layers_graph import Layer, LayerGraph
from AIImagingLogic.models.formats.surrounding import cut_back, surround
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

if TYPE_CHECKING:
    import torch

_ADVICE = "Convert the model to ONNX or to a state dict with a network.json, or use another one."
_NAMED = 4
# The engine wants values before the last softmax or sigmoid, which it applies itself.
_ENDINGS = ("softmax", "sigmoid")

Weights = Mapping[str, NDArray[np.float32]]


def ending(graph: LayerGraph) -> str:
    """Return the activation that the network ends with: ``softmax``, ``sigmoid`` or empty."""
    last = next(layer for layer in graph.layers if layer.name == graph.output)
    activation = "softmax" if last.kind == "Softmax" else str(last.config.get("activation", "linear"))
    return activation if activation in _ENDINGS else ""


def build_layers_network(graph: LayerGraph, weights: Weights, margin: int = 0) -> tuple[torch.nn.Module, int]:
    """Return the network and the number of channels it gives.

    The module takes float32 (1, channels, *size) in the order of axes that model.json declares, and gives
    (1, output channels, *size). A softmax or sigmoid at its end is left out. The input is surrounded by `margin` voxels
    of 0, at most up to the declared size.

    Raises
    ------
    ModelError
        Weights are missing, left over or of another shape (named), or a layer is set up in a way that is not supported.
    """
    left = dict(weights)
    dimensions = len(graph.input_size)
    channels: dict[str, int] = {}
    modules: dict[str, torch.nn.Module] = {}
    faults: list[str] = []
    for layer in graph.layers:
        inputs = [channels[name] for name in layer.inputs]
        given = graph.input_channels if layer.kind == "InputLayer" else sum(inputs)
        if layer.kind == "Add" and len(set(inputs)) > 1:
            raise ModelError(f"The layer '{layer.name}' adds images with {inputs} channels.", _ADVICE)
        module, channels[layer.name] = _module(
            layer, inputs[0] if layer.kind == "Add" else given, dimensions, left, faults, layer.name == graph.output
        )
        if module is not None:
            modules[layer.name] = module
    faults += [f"'{name}' is not used by any layer" for name in left]
    if faults:
        more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise ModelError(f"The weights do not fit the network: {'; '.join(faults[:_NAMED])}{more}.", "Get it again.")
    return _wired(graph, modules, margin), channels[graph.output]


def _wired(graph: LayerGraph, modules: Mapping[str, torch.nn.Module], margin: int) -> torch.nn.Module:
    """Return one module that runs the layers in their order and lets go of each image after its last use."""
    import torch

    wiring = torch.fx.Graph()
    order = {layer.name: index for index, layer in enumerate(graph.layers)}
    # Channels beside each other in memory: measured 2 to 4 times faster for dilated convolutions on a CPU.
    memory = torch.channels_last_3d if len(graph.input_size) == 3 else torch.channels_last
    values: dict[str, torch.fx.Node] = {}
    for layer in graph.layers:
        inputs = [values[name] for name in layer.inputs]
        if layer.kind == "InputLayer":
            image = value = wiring.placeholder("image")
            if margin:
                value = wiring.call_function(surround, (image, margin, graph.input_size))
            value = wiring.call_method("contiguous", (value,), {"memory_format": memory})
        elif layer.kind == "Concatenate":
            value = wiring.call_function(torch.cat, (inputs, 1))
        elif layer.kind == "Add":
            value = inputs[0]
            for other in inputs[1:]:
                value = wiring.call_function(torch.add, (value, other))
        elif layer.name in modules:
            value = wiring.call_module(f"layer_{order[layer.name]}", (inputs[0],))
            alone = sum(other.inputs.count(layer.inputs[0]) for other in graph.layers) == 1
            if hasattr(modules[layer.name], "inplace") and alone and inputs[0].op == "call_module":
                modules[layer.name].inplace = True
        else:
            value = inputs[0]
        values[layer.name] = value
    result = values[graph.output]
    wiring.output(wiring.call_function(cut_back, (result, image, margin, graph.input_size)) if margin else result)
    root = torch.nn.ModuleDict({f"layer_{order[name]}": module for name, module in modules.items()})
    module = torch.fx.GraphModule(root, wiring).eval().requires_grad_(False)
    return module.to(memory_format=memory)


def _module(
    layer: Layer, channels: int, dimensions: int, left: dict[str, Any], faults: list[str], last: bool
) -> tuple[torch.nn.Module | None, int]:
    """Return the module of a layer, None when it does nothing, and the channels that it gives."""
    if layer.kind.startswith("Conv"):
        return _convolution(layer, channels, dimensions, left, faults, last)
    if layer.kind == "BatchNormalization":
        return _batch_normalisation(layer, channels, dimensions, left, faults), channels
    if layer.kind == "Softmax":
        return (None if last else _activation("softmax")), channels
    if layer.kind == "ReLU":
        return _activation("relu6" if layer.config.get("max_value") == 6 else "relu"), channels
    if layer.kind == "LeakyReLU":
        return _activation("leaky_relu", float(layer.config.get("alpha", 0.3))), channels
    if layer.kind == "ELU":
        return _activation("elu", float(layer.config.get("alpha", 1.0))), channels
    if layer.kind == "Activation":
        name = str(layer.config.get("activation", "linear"))
        return (None if last and name in _ENDINGS else _activation(name)), channels
    return None, channels


def _convolution(
    layer: Layer, channels: int, dimensions: int, left: dict[str, Any], faults: list[str], last: bool
) -> tuple[torch.nn.Module, int]:
    import torch

    config = layer.config
    kernel, dilation = _sizes(layer, "kernel_size", dimensions), _sizes(layer, "dilation_rate", dimensions)
    filters, padding = config.get("filters"), config.get("padding", "valid")
    if not isinstance(filters, int) or not 0 < filters <= 4096 or max(kernel) > 64 or max(dilation) > 256:
        raise ModelError(f"The layer '{layer.name}' has an absurd size.", _ADVICE)
    if set(_sizes(layer, "strides", dimensions)) != {1} or config.get("groups", 1) != 1 or padding != "same":
        raise ModelError(
            f"The layer '{layer.name}' has strides, groups or padding '{padding}'; "
            "only padding 'same' with strides of 1 is supported.",
            _ADVICE,
        )
    build = {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[dimensions]
    bias = bool(config.get("use_bias", True))
    module = build(channels, filters, kernel, dilation=dilation, bias=bias, padding="same")
    shape = (*kernel, channels, filters)
    if (values := _taken(left, f"{layer.name}/kernel", shape, faults)) is not None:
        module.weight.data = torch.from_numpy(np.ascontiguousarray(np.moveaxis(values, (-1, -2), (0, 1))))
    if bias and (values := _taken(left, f"{layer.name}/bias", (filters,), faults)) is not None:
        module.bias.data = torch.from_numpy(values.copy())
    parts: list[torch.nn.Module] = [module]
    normalisation = load_resource("model_formats/layers.json")["instance_normalisation"]
    if layer.name.endswith(normalisation["name_ends_with"]):
        kind = {2: torch.nn.InstanceNorm2d, 3: torch.nn.InstanceNorm3d}[dimensions]
        parts.append(kind(filters, eps=normalisation["epsilon"]))
    activation = str(config.get("activation", "linear"))
    if not (last and activation in _ENDINGS) and (own := _activation(activation)) is not None:
        parts.append(own)
    return (parts[0] if len(parts) == 1 else torch.nn.Sequential(*parts)), filters


def _batch_normalisation(
    layer: Layer, channels: int, dimensions: int, left: dict[str, Any], faults: list[str]
) -> torch.nn.Module:
    import torch

    config = layer.config
    build = {2: torch.nn.BatchNorm2d, 3: torch.nn.BatchNorm3d}[dimensions]
    module = build(channels, eps=float(config.get("epsilon", 1e-3)))
    stored = {"moving_mean": module.running_mean, "moving_variance": module.running_var}
    stored |= {"gamma": module.weight} if config.get("scale", True) else {}
    stored |= {"beta": module.bias} if config.get("center", True) else {}
    for name, target in stored.items():
        values = _taken(left, f"{layer.name}/{name}", (channels,), faults)
        if values is not None and target is not None:
            target.data.copy_(torch.from_numpy(values.copy()))
    return module


def _activation(name: str, slope: float = 1.0) -> torch.nn.Module | None:
    """Return the module of an activation, None for none."""
    from torch import nn

    made = {
        "relu": nn.ReLU,
        "relu6": nn.ReLU6,
        "elu": lambda: nn.ELU(slope),
        "leaky_relu": lambda: nn.LeakyReLU(slope),
        "selu": nn.SELU,
        "gelu": nn.GELU,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "softmax": lambda: nn.Softmax(1),
    }
    return None if name == "linear" else made[name]()


def _taken(left: dict[str, Any], name: str, shape: tuple[int, ...], faults: list[str]) -> Any:
    """Take a weight out of those left; None, and a fault, when it is missing or of another shape."""
    values = left.pop(name, None)
    if values is None:
        faults.append(f"'{name}' is missing")
    elif values.shape != shape:
        faults.append(f"'{name}' is {list(values.shape)} instead of {list(shape)}")
        return None
    return values


def _sizes(layer: Layer, key: str, dimensions: int) -> tuple[int, ...]:
    value = layer.config.get(key, 1)
    sizes = tuple(value) if isinstance(value, list) else (value,) * dimensions
    if len(sizes) != dimensions or not all(isinstance(n, int) and n > 0 for n in sizes):
        raise ModelError(f"The {key} {value} of the layer '{layer.name}' makes no sense.", _ADVICE)
    return sizes
