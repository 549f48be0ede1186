"""A network that a package names: one of MONAI's from a list, built from plain arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from AIImagingLogic.models.safety.plain_values import is_plain_value
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

if TYPE_CHECKING:
    import torch

_ADVICE = "Correct the network.json of the package, or get the package again."


def build_named_network(described: Any, place: str) -> torch.nn.Module:
    """Return the network with random weights.

    Parameters
    ----------
    described : ``{"name": "UNet", "arguments": {"spatial_dims": 3, ...}}``
    place : stands in messages

    Raises
    ------
    ModelError
        The name is not on the list, an argument is no plain value or absurd, the network cannot be built of them, or
        MONAI is not installed.
    """
    rules = load_resource("model_formats/networks.json")
    name = described.get("name") if isinstance(described, Mapping) else None
    if not isinstance(name, str) or name not in rules["monai"]:
        raise ModelError(f"{place}: the network '{name}' is not built here.", f"Known: {', '.join(rules['monai'])}.")
    arguments = described.get("arguments", {})
    if not isinstance(arguments, Mapping):
        raise ModelError(f"{place}: the arguments of {name} are no object.", _ADVICE)
    for key, value in arguments.items():
        if key in rules["refused_arguments"] or not is_plain_value(value, rules["limits"]):
            raise ModelError(f"{place}: the argument '{key}' of {name} is not accepted.", _ADVICE)
    try:
        from monai.networks import nets
    except ImportError as error:
        raise ModelError("This package needs MONAI, which is not installed.", "pip install monai") from error
    try:
        network: torch.nn.Module = getattr(nets, name)(**arguments)
    except (TypeError, ValueError, KeyError, IndexError, AssertionError, AttributeError, RuntimeError) as error:
        lines = str(error).strip().splitlines()
        raise ModelError(
            f"{place}: {name} cannot be built of its arguments ({lines[0][:160] if lines else type(error).__name__}).",
            _ADVICE,
        ) from error
    return network.eval()
