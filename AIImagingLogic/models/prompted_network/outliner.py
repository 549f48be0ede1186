"""The network on one cube: prompts and what was outlined before go in, probabilities come out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.prompted_network.architecture import build_network
from AIImagingLogic.models.prompted_network.network_input import draw_balls, normalised
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

        fed = np.zeros((4, *(grid.side,) * 3), np.float32)
        fed[0] = normalised(grid.taken(volume))
        for channel, voxels in ((1, inside), (2, outside)):
            # Those of a stroke are many: of neighbours that fall into one voxel of the cube one is enough.
            places = np.unique(np.rint(grid.places(voxels)), axis=0)
            places = places[np.all((places > -3) & (places < grid.side + 2), axis=1)]
            draw_balls(fed[channel], [(float(k), float(j), float(i)) for k, j, i in places])
        if outside_box is not None:
            low, high = (np.rint(grid.places(corner))[0].astype(int) for corner in outside_box)
            around = np.ones(fed.shape[1:], bool)
            around[tuple(slice(max(a, 0), max(b + 1, 0)) for a, b in zip(low, high, strict=True))] = False
            fed[2][around] = 1.0
        if before is not None:
            fed[3] = grid.taken(before)
        with torch.inference_mode():
            given: Any = self._module(torch.from_numpy(fed)[None])
            return np.asarray(given.sigmoid()[0, 0].numpy())
