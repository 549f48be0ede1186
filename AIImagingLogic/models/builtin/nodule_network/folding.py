"""Batch normalisation taken into the convolution before it: the same answer from fewer operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_EPSILON = 1e-5


def folded(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of the plain network that answers as the normalised one of `state` does in use.

    Parameters
    ----------
    state : of ``build_network(normalised=True)``: each layer's convolution is its part 0, its normalisation part 1

    References
    ----------
    Ioffe S, Szegedy C. Batch normalization. ICML 2015: at inference it is a fixed scale and shift.
    """
    plain = {}
    for name, value in state.items():
        stem, _, kind = name.rpartition(".")
        if not stem.endswith((".0", ".1")) or f"{stem[:-1]}1.running_mean" not in state:
            plain[name] = value
        elif stem.endswith(".0") and kind == "weight":
            rule = {part: state[f"{stem[:-1]}1.{part}"] for part in ("weight", "bias", "running_mean", "running_var")}
            scale = rule["weight"] / (rule["running_var"] + _EPSILON).sqrt()
            plain[name] = value * scale.reshape(-1, *[1] * (value.dim() - 1))
            plain[f"{stem}.bias"] = rule["bias"] - rule["running_mean"] * scale
    return plain
