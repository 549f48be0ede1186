"""Weights of a network: read as data, reduced to named tensors, and put into the network they belong to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from AIImagingLogic.models.safety.checkpoint import load_checkpoint
from AIImagingLogic.models.safety.limits import limit
from AIImagingLogic.models.safety.refusals import UnsafeModel
from AIImagingLogic.records.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

_WRAPPERS = ("state_dict", "model_state_dict", "network_weights", "model", "network", "net")
_NAMED = 4


def load_state_dict(path: Path) -> dict[str, Tensor]:
    """Return the named tensors of a weights file; no code of the file runs.

    Parameters
    ----------
    path : Path
        ``.safetensors``, or a file of ``torch.save``. A dictionary around the weights (``state_dict``, ``model``, …)
        is taken off, and the ``module.`` that DataParallel puts before every name.

    Raises
    ------
    UnsafeModel
        The file would run code, is broken, or declares absurd sizes.
    ModelError
        It is missing, or holds no weights.
    """
    return state_dict_of(load_checkpoint(path), path.name)


def state_dict_of(checkpoint: Any, place: str) -> dict[str, Tensor]:
    """Return the named tensors of a checkpoint that `load_checkpoint` gave.

    Raises
    ------
    ModelError
        It holds none.
    """
    import torch

    weights = checkpoint
    for _ in range(len(_WRAPPERS)):
        if not isinstance(weights, Mapping) or any(isinstance(value, torch.Tensor) for value in weights.values()):
            break
        inner = [weights[name] for name in _WRAPPERS if isinstance(weights.get(name), Mapping)]
        if not inner:
            break
        weights = inner[0]
    if not isinstance(weights, Mapping):
        raise ModelError(f"'{place}' holds no weights by name.", "Have its author save the state dict.")
    tensors = {str(name): value for name, value in weights.items() if isinstance(value, torch.Tensor)}
    if not tensors or len(tensors) > limit("tensors"):
        raise ModelError(f"'{place}' holds {len(tensors)} tensors by name.", "Have its author save the state dict.")
    if sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) > limit("tensor_bytes"):
        raise UnsafeModel(f"'{place}' declares weights of an absurd size.", "Do not use this package.")
    if all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): value for name, value in tensors.items()}
    return tensors


def fitted(make: Callable[[], Module], state_dict: Mapping[str, Tensor], place: str = "the weights") -> Module:
    """Return the network that `make` builds, with the weights in it.

    It is built without memory first: what a description asks for is nothing to trust before the weights agree with it.

    Raises
    ------
    ModelError
        As `fit`, before the network has memory of its own.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    class OrdinaryLinspace(TorchFunctionMode):  # networks read rates of their layers from it while they are built
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            on_cpu = {"device": "cpu"} if function is torch.linspace else {}
            return function(*args, **{**(kwargs or {}), **on_cpu})

    with torch.device("meta"), OrdinaryLinspace():
        _check_fit(make().state_dict(), state_dict, place)
    module = make()
    fit(module, state_dict, place)
    return module


def fit(module: Module, state_dict: Mapping[str, Tensor], place: str = "the weights") -> None:
    """Put weights into the network; every name and shape must be the network's own.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place.
    state_dict : Mapping of str to Tensor
        As `load_state_dict` gave them.
    place : str
        Name of the file, for the message.

    Raises
    ------
    ModelError
        Weights are missing, left over, or of another shape; the first few are named. The network is unchanged.
    """
    own = module.state_dict()
    _check_fit(own, state_dict, place)
    module.load_state_dict({name: state_dict.get(name, own[name]) for name in own}, strict=True)


def _check_fit(own: Mapping[str, Tensor], state_dict: Mapping[str, Tensor], place: str) -> None:
    # Written by older versions of PyTorch without the counter; it plays no part when a network is used.
    missing = [name for name in own if name not in state_dict and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in state_dict if name not in own]
    shapes = [
        f"{name} {_shape(state_dict[name])} instead of {_shape(own[name])}"
        for name in own
        if name in state_dict and state_dict[name].shape != own[name].shape
    ]
    problems = [
        _listed("missing", missing, len(own)),
        _listed("not of this network", unexpected, len(state_dict)),
        _listed("of another shape", shapes, len(own)),
    ]
    if said := "; ".join(problem for problem in problems if problem):
        raise ModelError(
            f"The weights in '{place}' do not fit the network: {said}.",
            "The weights and the network's description are of two versions: get both from one package.",
        )


def _shape(tensor: Tensor) -> str:
    return "x".join(str(length) for length in tensor.shape) or "scalar"


def _listed(what: str, names: Sequence[str], total: int) -> str:
    if not names:
        return ""
    more = ", …" if len(names) > _NAMED else ""
    return f"{len(names)} of {total} {what} ({', '.join(names[:_NAMED])}{more})"
