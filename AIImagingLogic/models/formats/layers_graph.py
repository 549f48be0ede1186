"""The layers of a TensorFlow.js (Keras) model, read from model.json and checked against what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

_ADVICE = "Convert the model to ONNX or to a state dict with a network.json, or use another one."
_SEVERAL_INPUTS = ("Add", "Concatenate")


@dataclass(frozen=True)
class Layer:
    """One layer: its Keras class and configuration, and the layers whose output it takes."""

    name: str
    kind: str
    config: Mapping[str, Any]
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class LayerGraph:
    """The layers in an order in which they can be run: each after its inputs; the first is the input.

    Attributes
    ----------
    layers : all of them
    output : name of the layer that gives the result
    input_shape : of the first layer without the batch, as declared; None for a size that is free
    channels_last : whether the channels are the last axis of the declared shapes
    """

    layers: tuple[Layer, ...]
    output: str
    input_shape: tuple[int | None, ...]
    channels_last: bool

    @property
    def input_channels(self) -> int:
        """Channels that the network takes."""
        channels = self.input_shape[-1 if self.channels_last else 0]
        if channels is None:
            raise ModelError("model.json does not say how many channels the network takes.", _ADVICE)
        return channels

    @property
    def input_size(self) -> tuple[int | None, ...]:
        """Voxels along each axis, as declared; None where it is free."""
        return self.input_shape[:-1] if self.channels_last else self.input_shape[1:]


def read_layer_graph(model: Mapping[str, Any]) -> LayerGraph:
    """Return the layers that model.json declares.

    Raises
    ------
    ModelError
        It is no layers model, a layer or activation is not supported (named), or the layers do not fit together.
    """
    if model.get("format") != "layers-model":
        raise ModelError(f"model.json is a '{model.get('format', 'nameless')}', no 'layers-model'.", _ADVICE)
    topology = _mapping(model.get("modelTopology"), "modelTopology")
    described = _mapping(topology.get("model_config", topology), "model_config")
    config = described.get("config")
    if described.get("class_name") == "Sequential":
        layers = _sequential(config if isinstance(config, list) else _mapping(config, "config").get("layers"))
        output = layers[-1].name
    else:
        config = _mapping(config, "config")
        layers = _functional(config.get("layers"))
        output = _only_output(config)
    _check(layers, output)
    formats = {layer.config.get("data_format", "channels_last") for layer in layers if layer.kind.startswith("Conv")}
    if len(formats) > 1:
        raise ModelError("model.json mixes channels first and channels last.", _ADVICE)
    return LayerGraph(layers, output, _input_shape(layers[0]), formats != {"channels_first"})


def _sequential(items: Any) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for item in _items(items):
        config = _mapping(item.get("config"), "a layer's config")
        before = (layers[-1].name,) if layers else ()
        if not layers and item.get("class_name") != "InputLayer":
            shape = config.get("batch_input_shape")
            layers.append(Layer("input", "InputLayer", {"batch_input_shape": shape}, ()))
            before = ("input",)
        layers.append(Layer(str(config.get("name")), str(item.get("class_name")), config, before))
    return tuple(layers)


def _functional(items: Any) -> tuple[Layer, ...]:
    layers = []
    for item in _items(items):
        config = _mapping(item.get("config"), "a layer's config")
        nodes = item.get("inbound_nodes") or []
        try:
            inputs = tuple(str(source[0]) for source in nodes[0]) if nodes else ()
        except (TypeError, IndexError, KeyError) as error:
            raise ModelError(f"The inputs of the layer '{item.get('name')}' cannot be read.", _ADVICE) from error
        if len(nodes) > 1:
            raise ModelError(f"The layer '{item.get('name')}' is used twice, which is not supported.", _ADVICE)
        layers.append(Layer(str(item.get("name")), str(item.get("class_name")), config, inputs))
    return tuple(layers)


def _check(layers: tuple[Layer, ...], output: str) -> None:
    allowed = load_resource("model_formats/layers.json")
    if refused := sorted({layer.kind for layer in layers} - set(allowed["layers"])):
        named = next(layer.name for layer in layers if layer.kind == refused[0])
        raise ModelError(f"Layers of the kind {', '.join(refused)} are not supported (first: '{named}').", _ADVICE)
    known: set[str] = set()
    for layer in layers:
        activation = layer.config.get("activation", "linear")
        if activation not in allowed["activations"]:
            raise ModelError(f"The activation '{activation}' of the layer '{layer.name}' is not supported.", _ADVICE)
        if layer.name in known:
            raise ModelError(f"Two layers have the name '{layer.name}'.", _ADVICE)
        if missing := [name for name in layer.inputs if name not in known]:
            raise ModelError(f"The layer '{layer.name}' takes '{missing[0]}', which does not come before it.", _ADVICE)
        wanted = 0 if layer.kind == "InputLayer" else 1
        if len(layer.inputs) != wanted and (layer.kind not in _SEVERAL_INPUTS or len(layer.inputs) < 2):
            raise ModelError(f"The layer '{layer.name}' has {len(layer.inputs)} inputs.", _ADVICE)
        known.add(layer.name)
    if sum(layer.kind == "InputLayer" for layer in layers) != 1 or layers[0].kind != "InputLayer":
        raise ModelError("The network must have one input, as its first layer.", _ADVICE)
    if output not in known:
        raise ModelError(f"The output layer '{output}' does not exist.", _ADVICE)


def _only_output(config: Mapping[str, Any]) -> str:
    outputs = config.get("output_layers")
    if isinstance(outputs, list) and outputs and isinstance(outputs[0], str):
        outputs = [outputs]
    if not isinstance(outputs, list) or len(outputs) != 1 or not isinstance(outputs[0], list) or not outputs[0]:
        raise ModelError("The network must have one output.", _ADVICE)
    return str(outputs[0][0])


def _input_shape(layer: Layer) -> tuple[int | None, ...]:
    shape = layer.config.get("batch_input_shape") or layer.config.get("batch_shape")
    if (
        not isinstance(shape, list)
        or len(shape) not in (4, 5)
        or not all(n is None or (isinstance(n, int) and 0 < n < 1 << 16) for n in shape)
    ):
        raise ModelError(f"The network takes {shape}, neither a slice nor a volume with channels.", _ADVICE)
    return tuple(shape[1:])


def _items(items: Any) -> list[Mapping[str, Any]]:
    limit = load_resource("model_formats/layers.json")["limits"]["layers"]
    if not isinstance(items, list) or not items or len(items) > limit:
        raise ModelError(f"model.json must list 1 to {limit} layers.", _ADVICE)
    return [_mapping(item, "a layer") for item in items]


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ModelError(f"model.json lacks {what}.", "Get the package again.")
    return value
