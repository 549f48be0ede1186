"""What a network does with a window: the calls of PyTorch's functions in order, recorded without computing anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# What a forward may raise when it meets values that have a shape and nothing else.
_FAILURES = (RuntimeError, TypeError, ValueError, AttributeError, LookupError, AssertionError)


class NotRecordable(Exception):  # noqa: N818 - said where it is caught
    """A network's calls cannot be recorded: they depend on values, or happen out of PyTorch's sight."""


@dataclass(frozen=True)
class Reference:
    """Stands in a call for the value of this number."""

    number: int


@dataclass(frozen=True)
class Value:
    """A tensor that a call gives.

    Attributes
    ----------
    shape, item_bytes : of the tensor
    is_single : whether its values are float32
    group : number of the first value that lies in the same memory
    is_whole : whether it is all of that memory, in plain order
    """

    shape: tuple[int, ...]
    item_bytes: int
    is_single: bool
    group: int
    is_whole: bool

    @property
    def bytes(self) -> int:
        """Return the size of the tensor."""
        count = self.item_bytes
        for side in self.shape:
            count *= side
        return count


@dataclass(frozen=True)
class Call:
    """One call of a function.

    Attributes
    ----------
    function : of PyTorch
    args, kwargs : as called, with a `Reference` for each value
    results : number of each thing that it gives, in the order in which containers hold them; None: not a tensor
    changed : groups that it changes in place
    """

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    results: tuple[int | None, ...]
    changed: frozenset[int]

    @property
    def name(self) -> str:
        """Return the function's name without the underscores that say how it was called."""
        return str(getattr(self.function, "__name__", "")).strip("_")

    @property
    def used(self) -> tuple[int, ...]:
        """Return the numbers of the values that it is given."""
        from torch.utils._pytree import tree_leaves

        return tuple(leaf.number for leaf in tree_leaves((self.args, self.kwargs)) if isinstance(leaf, Reference))


@dataclass(frozen=True)
class CallRecord:
    """All calls of one pass. Value 0 is the window.

    Attributes
    ----------
    calls : in order
    values : by number
    output : number of the network's first output
    """

    calls: tuple[Call, ...]
    values: tuple[Value, ...]
    output: int


def record_calls(module: Any, window_shape: Sequence[int]) -> CallRecord:
    """Record what a network does with a window of this shape.

    Parameters
    ----------
    module : torch.nn.Module in evaluation mode, on the CPU
    window_shape : (1, channels, *window)

    Notes
    -----
    The network runs on tensors without values, so this takes neither time nor memory worth mention, and sizes that the
    network reads are those of this window. Nothing of `torch.export` or `torch.jit` is needed.

    Raises
    ------
    NotRecordable
        What the network does depends on values, or PyTorch does not see it (TorchScript).
    """
    import torch

    if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        raise NotRecordable("It is a program of TorchScript, whose calls PyTorch does not show.")
    recorder = _recorder()
    # Tensors made in inference mode do not count their changes, which is how calls in place are told.
    with torch.inference_mode(False), torch.no_grad():
        window = torch.empty(tuple(window_shape), device="meta")
        recorder.keep(window)
        try:
            with recorder:
                output = module(window)
        except _FAILURES as error:
            raise NotRecordable(str(error)) from error
    first = output[0] if isinstance(output, (list, tuple)) and output else output
    number = recorder.numbers.get(id(first))
    if number is None or number == 0:
        raise NotRecordable("The network's output is not that of a recorded call.")
    return CallRecord(tuple(recorder.calls), tuple(recorder.values), number)


def _recorder() -> Any:
    import torch
    from torch.overrides import TorchFunctionMode
    from torch.utils._pytree import tree_flatten, tree_unflatten

    meta = torch.device("meta")

    class Recorder(TorchFunctionMode):
        def __init__(self) -> None:
            super().__init__()
            self.calls: list[Call] = []
            self.values: list[Value] = []
            self.numbers: dict[int, int] = {}
            self._kept: list[Any] = []
            self._groups: dict[int, int] = {}
            self._shadows: dict[int, Any] = {}

        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if function is torch.Tensor.device.__get__:
                return torch.device("cpu")
            leaves, layout = tree_flatten((args, kwargs or {}))
            given_args, given_kwargs = tree_unflatten([self._stand_in(leaf) for leaf in leaves], layout)
            known = [leaf for leaf in leaves if id(leaf) in self.numbers]
            versions = [leaf._version for leaf in known]
            result = function(*given_args, **given_kwargs)
            changed = {self._group(leaf) for leaf, version in zip(known, versions) if leaf._version != version}
            parts, result_layout = tree_flatten(result)
            parts = [self._stand_in(part) for part in parts]
            tensors = [part for part in parts if isinstance(part, torch.Tensor)]
            if changed or any(id(part) not in self.numbers for part in tensors):
                results = tuple(self.keep(part) if isinstance(part, torch.Tensor) else None for part in parts)
                references = [
                    Reference(self.numbers[id(leaf)]) if id(leaf) in self.numbers else leaf for leaf in leaves
                ]
                noted_args, noted_kwargs = tree_unflatten(references, layout)
                self.calls.append(Call(function, tuple(noted_args), noted_kwargs, results, frozenset(changed)))
            return tree_unflatten(parts, result_layout)

        def keep(self, tensor: Any) -> int:
            """Return the number of a tensor, a new one if it has none."""
            if id(tensor) not in self.numbers:
                number = len(self.values)
                self._kept.append(tensor)
                self.numbers[id(tensor)] = number
                group = self._groups.setdefault(tensor.untyped_storage()._cdata, number)
                single = tensor.dtype == torch.float32
                whole = tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.nbytes
                self.values.append(Value(tuple(tensor.shape), tensor.element_size(), single, group, whole))
            return self.numbers[id(tensor)]

        def _group(self, tensor: Any) -> int:
            return self.values[self.numbers[id(tensor)]].group

        def _stand_in(self, leaf: Any) -> Any:
            """Return what takes the place of weights, of new tensors, and of the device."""
            if isinstance(leaf, torch.device):
                return meta
            if not isinstance(leaf, torch.Tensor) or leaf.device == meta:
                return leaf
            if id(leaf) not in self._shadows:
                shadow = torch.empty_strided(leaf.shape, leaf.stride(), dtype=leaf.dtype, device=meta)
                self._shadows[id(leaf)] = shadow
                self._kept.append(leaf)
            return self._shadows[id(leaf)]

    return Recorder()
