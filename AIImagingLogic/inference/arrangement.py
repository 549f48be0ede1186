"""How a run is laid out: what it takes and what it spares."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Arrangement:
    """Where a run lies between quick and small.

    Attributes
    ----------
    device : ``cpu``, ``cuda`` or ``mps``
    window : in the network's order, in place of the recipe's; None: the recipe's
    at_once : windows that OpenVINO computes side by side, each on its share of the cores
    sums_on_disk : the sums of windows lie in a file
    volume_on_disk : what the network is fed with lies in a file
    half_precision : the network's weights too are in half precision; on a GPU only
    plain : PyTorch runs the network, whatever else is there
    in_parts : PyTorch computes convolutions slab by slab, and memory is given back as soon as it is free
    frugal : PyTorch runs the network call by call: values end with their last use, those that wait long lie in files
    values_on_disk : of a frugal network all large values lie in files
    off_gpu : a GPU was meant to run it, and its memory did not suffice
    """

    device: str
    window: tuple[int, ...] | None = None
    at_once: int = 1
    sums_on_disk: bool = False
    volume_on_disk: bool = False
    half_precision: bool = False
    plain: bool = False
    in_parts: bool = False
    frugal: bool = False
    values_on_disk: bool = False
    off_gpu: bool = False
