"""The network on one cube: prompts and what was outlined before go in, probabilities come out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.prompted_network.architecture import build_network
from AIImagingLogic.models.prompted_network.network_input import network_input, normalised
from AIImagingLogic.models.prompted_network.window_grid import Volume, WindowGrid
from AIImagingLogic.models.safety.weights import fitted, load_state_dict

if TYPE_CHECKING:
    import torch


class Outliner:
    """Holds the network.

    Parameters
    ----------
    weights : file of the trained weights
    """

    def __init__(self, weights: Path) -> None:
        state = {name: value.float() for name, value in load_state_dict(weights).items()}
        self._module: torch.nn.Module = fitted(build_network, state, weights.name).eval()

    def probabilities(
        self,
        grid: WindowGrid,
        volume: NDArray[np.generic],
        inside: NDArray[np.int64],
        outside: NDArray[np.int64],
        outside_box: tuple[NDArray[np.int64], NDArray[np.int64]] | None,
        before: NDArray[np.bool_] | None,
    ) -> Volume:
        """Return the probability of each voxel of the cube to lie in the object.

        Parameters
        ----------
        grid : the cube
        volume : the image (k, j, i)
        inside, outside : (N, 3) voxels of the image that were shown
        outside_box : first and last voxel of a box around the object
        before : what was outlined before, on the image's grid; None: nothing
        """
        import torch

        around, prior = (np.zeros((grid.side,) * 3, np.float32) for _ in range(2))
        if outside_box is not None:
            low, high = (np.rint(grid.places(corner))[0].astype(int) for corner in outside_box)
            around[...] = 1.0
            around[tuple(slice(max(a, 0), max(b + 1, 0)) for a, b in zip(low, high, strict=True))] = 0.0
        if before is not None:
            prior = grid.taken(before)
        shown = [np.rint(grid.places(voxels)).astype(int) for voxels in (inside, outside)]
        fed = network_input(normalised(grid.taken(volume)), shown[0], shown[1], around, prior)
        with torch.inference_mode():
            given: Any = self._module(torch.from_numpy(fed)[None])
            return np.asarray(given.sigmoid()[0, 0].numpy())
