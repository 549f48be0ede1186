"""A network that is ready to run, how it is to be run, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import SimpleITK as sitk

Backend = Literal["auto", "openvino", "torch"]
Device = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True)
class Network:
    """A network with its weights.

    Attributes
    ----------
    module : torch.nn.Module, float32, in evaluation mode, on the CPU; takes (1, channels, *window) and gives
        (1, output_channels, *window)
    content_hash : hexadecimal, of architecture and weights; compiled networks are cached under it; empty: they are not
    dimensions : of the window, 2 or 3; a 2D network sees a volume slice by slice
    """

    module: Any
    content_hash: str = ""
    dimensions: int = 3


@dataclass(frozen=True)
class EngineSettings:
    """How a network is run.

    Attributes
    ----------
    backend : auto: OpenVINO where it is installed and the run is on the CPU, else torch
    device : auto: a GPU that torch can use, else the CPU
    threads : of the CPU; None: all cores
    memory_budget_bytes : resident memory that the process may reach; None: what it has and what is free
    cache_folder : for compiled networks; None: not kept
    scratch_folder : for values that do not fit in memory; None: the system's folder for temporary files
    """

    backend: Backend = "auto"
    device: Device = "auto"
    threads: int | None = None
    memory_budget_bytes: int | None = None
    cache_folder: Path | None = None
    scratch_folder: Path | None = None


@dataclass(frozen=True)
class NetworkOutput:
    """What a run gave.

    Attributes
    ----------
    labels : uint8 or uint16, exactly on the grid of the first image
    notes : what a reader of the result should know: fallbacks, what was left out
    device, backend : that the network ran on
    network_seconds : spent in the network itself
    windows : that the network saw
    """

    labels: sitk.Image
    notes: tuple[str, ...]
    device: str
    backend: str
    network_seconds: float = 0.0
    windows: int = 0
