"""The network of a classification package, built from an allow-list of names and arguments that are plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource


def build_network(description: Any) -> Any:
    """Return the torch.nn.Module that a package describes, in evaluation mode, its weights not yet set.

    Parameters
    ----------
    description : ``{"name": …, "arguments": {…}}`` for a network of MONAI, or ``{"layers": [["Conv2d", {…}], …]}`` for
        layers of PyTorch one after the other

    Raises
    ------
    ModelError
        The network or a layer is not on the allow-list, its arguments are not plain data or do not fit, or MONAI is
        not installed.
    """
    if not isinstance(description, Mapping):
        raise ModelError("The package does not describe its network.", _ADVICE)
    try:
        return _made(description).eval().float()
    except ModelError:
        raise
    # What a constructor raises on arguments that make no sense is not documented.
    except Exception as error:
        line = str(error).strip().splitlines()
        reason = line[0] if line else type(error).__name__
        raise ModelError(f"The package's network cannot be made: {reason}", _ADVICE) from error


_ADVICE = "See the guide on classification for what a network.json holds."


def _made(description: Mapping[str, Any]) -> Any:
    import torch

    if "layers" not in description:
        return _from_monai(description.get("name"), description.get("arguments", {}))
    layers = description["layers"]
    allowed = load_resource("model_formats/classification.json")
    if not isinstance(layers, list) or not 0 < len(layers) <= allowed["largest_layers"]:
        raise ModelError("The package's list of layers is empty or too long.", _ADVICE)
    made = []
    for layer in layers:
        name, arguments = (*layer, {})[:2] if isinstance(layer, list) and layer else (layer, {})
        if name not in allowed["layers"]:
            raise ModelError(f"The package's network has a layer that is not supported: {name}.", _ADVICE)
        made.append(getattr(torch.nn, name)(**_plain(arguments)))
    return torch.nn.Sequential(*made)


def _from_monai(name: Any, arguments: Any) -> Any:
    networks = load_resource("model_formats/classification.json")["monai"]
    if not isinstance(name, str) or name not in networks:
        raise ModelError(f"The network '{name}' is not supported.", f"Those that are: {', '.join(networks)}.")
    forced = networks[name]
    try:
        from monai.networks import nets
    except ImportError as error:
        raise ModelError(f"The network '{name}' needs MONAI, which is not installed.", "pip install monai") from error
    return getattr(nets, name)(**{**_plain(arguments), **forced})


def _plain(arguments: Any) -> dict[str, Any]:
    if not isinstance(arguments, Mapping) or not all(_is_plain(value) for value in arguments.values()):
        raise ModelError("The arguments of the package's network are no plain data, or absurdly large.", _ADVICE)
    return dict(arguments)


def _is_plain(value: Any) -> bool:
    limits = load_resource("model_formats/classification.json")
    if isinstance(value, (list, tuple)):
        return len(value) <= limits["largest_list"] and all(_is_plain(item) for item in value)
    if isinstance(value, Mapping):
        return len(value) <= limits["largest_list"] and all(_is_plain(item) for item in value.values())
    if isinstance(value, (int, float)):
        return abs(value) <= limits["largest_number"]
    return value is None or isinstance(value, str)
