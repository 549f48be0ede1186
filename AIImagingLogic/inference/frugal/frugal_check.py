"""Whether a network can be run call by call, tried on a small window, and how much memory that takes."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from AIImagingLogic.inference.activation_memory import ActivationMemory, small_window, weight_bytes
from AIImagingLogic.inference.frugal.activation_store import ActivationStore
from AIImagingLogic.inference.frugal.call_record import NotRecordable
from AIImagingLogic.inference.frugal.frugal_network import FrugalNetwork
from AIImagingLogic.inference.frugal.frugal_plan import frugal_plan, plan_bytes
from AIImagingLogic.inference.scratch import Scratch

# Of the largest value: far more than rounding, far less than what a misread call does.
_APART = 1e-3
_known: weakref.WeakKeyDictionary[Any, dict[tuple[int, ...], bool]] = weakref.WeakKeyDictionary()


def can_be_frugal(module: Any, window_shape: Sequence[int], scratch_folder: Path | None) -> bool:
    """Whether a network gives call by call what it gives at once; tried once on a small window.

    Parameters
    ----------
    module : torch.nn.Module in evaluation mode, on the CPU
    window_shape : (1, channels, *window)
    scratch_folder : for files
    """
    known = _known.setdefault(module, {})
    shape = tuple(window_shape)
    if shape not in known:
        try:
            frugal_plan(module, shape, all_in_files=True)
            known[shape] = _is_same(module, small_window(shape), scratch_folder)
        except (NotRecordable, MemoryError, RuntimeError, TypeError, ValueError, LookupError, AssertionError):
            # The ladder goes on without; a network that takes its own window only cannot be tried on another.
            known[shape] = False
    return known[shape]


def frugal_memory(module: Any, window_shape: Sequence[int], all_in_files: bool) -> ActivationMemory:
    """Return what a network takes when it is run call by call. Parameters are those of `frugal_plan`.

    Raises
    ------
    NotRecordable
        The network's calls cannot be had.
    """
    needed = plan_bytes(frugal_plan(module, window_shape, all_in_files))
    return ActivationMemory(weight_bytes(module), needed, needed)


def _is_same(module: Any, shape: tuple[int, ...], scratch_folder: Path | None) -> bool:
    import torch

    with torch.inference_mode():
        window = torch.randn(shape, generator=torch.Generator().manual_seed(1))
        expected = module(window.clone())
        expected = expected[0] if isinstance(expected, (list, tuple)) else expected
        plan = frugal_plan(module, shape, all_in_files=True)
        values = FrugalNetwork(plan, ActivationStore(Scratch(scratch_folder)))(window)
        apart = (values - expected).abs().max()
        return bool(apart <= _APART * expected.abs().max())
