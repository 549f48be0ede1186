"""Runs the network over a volume of any size, in parts that fit memory and answer as the whole would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.nodule_network.architecture import (
    DIVISIBLE_BY,
    OUTPUTS,
    REACH,
    STRIDE,
    build_network,
)
from AIImagingLogic.models.builtin.nodule_network.lung_grid import network_input
from AIImagingLogic.models.safety.weights import fitted, load_state_dict
from AIImagingLogic.records.progress import Progress

if TYPE_CHECKING:
    import torch

Volume = NDArray[np.float32]
_MOST_VOXELS = 16_000_000
"""Of one part: about .8 GB of activations."""


class NoduleRunner:
    """Holds the network, on the CPU.

    Parameters
    ----------
    weights : file of the trained weights (safetensors, batch normalisation folded)
    most_voxels : of a part

    Attributes
    ----------
    module : the network

    Raises
    ------
    ModelError
        The file is missing, broken, or of another network.
    """

    def __init__(self, weights: Path, most_voxels: int = _MOST_VOXELS) -> None:
        import torch

        state = {name: value.float() for name, value in load_state_dict(weights).items()}
        self.module: torch.nn.Module = fitted(build_network, state, weights.name).eval()
        # A quarter quicker on the CPU than channels first.
        self.module.to(memory_format=torch.channels_last_3d)
        self._most_voxels = most_voxels

    def outputs(self, hu: Volume, progress: Progress) -> Volume:
        """Return what the network says of each cell: (5, k / 4, j / 4, i / 4); see `architecture.OUTPUTS`.

        Parameters
        ----------
        hu : (k, j, i), each side a multiple of 8
        progress : told of each part
        """
        import torch

        result = np.empty((OUTPUTS, *(side // STRIDE for side in hu.shape)), np.float32)
        pieces = list(parts(hu.shape, self._most_voxels))
        for number, (first, last, before, after) in enumerate(pieces):
            progress.report(number / len(pieces), f"Network, part {number + 1} of {len(pieces)}")
            fed = torch.from_numpy(network_input(hu[before:after]))[None, None]
            with torch.inference_mode():
                given: Any = self.module(fed)
            own = slice((first - before) // STRIDE, (last - before) // STRIDE)
            result[:, first // STRIDE : last // STRIDE] = given[0, :, own].numpy()
        return result


def parts(shape: tuple[int, ...], most_voxels: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield slabs along k: the first and last slice that a part answers for, and those that it has to be given.

    Parameters
    ----------
    shape : of the volume, a multiple of 8 along k
    most_voxels : a part is given about so many at most, and answers for 8 slices at least
    """
    area = int(np.prod(shape[1:]))
    if shape[0] * area <= most_voxels:
        yield 0, shape[0], 0, shape[0]
        return
    thickness = max((most_voxels // area - 2 * REACH) // DIVISIBLE_BY * DIVISIBLE_BY, DIVISIBLE_BY)
    for first in range(0, shape[0], thickness):
        last = min(first + thickness, shape[0])
        yield first, last, max(first - REACH, 0), min(last + REACH, shape[0])
