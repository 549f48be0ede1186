"""Shares on a coarse grid become voxels of the image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid

Flags = NDArray[np.bool_]


def voxels_from(grid: WorkGrid, shares: NDArray[np.float32]) -> Flags:
    """Return which voxels of `grid.slices` lie in the object: where the shares, interpolated, reach 0.5."""
    inside = shares >= 0.5
    if np.all(grid.step == 1):
        return inside
    whole = inside
    for axis, step in enumerate(grid.step):
        whole = np.repeat(whole, int(step), axis=axis)
    # Only around the outline does interpolation tell more than the node itself.
    ball = np.ones((3, 3, 3), bool)
    mixed = ndimage.binary_dilation(inside, ball) & ndimage.binary_dilation(~inside, ball)
    nodes = np.argwhere(mixed)
    offsets = np.stack(np.meshgrid(*(np.arange(s) for s in grid.step), indexing="ij"), axis=-1).reshape(-1, 3)
    voxels = (nodes[:, None] * grid.step + offsets).reshape(-1, 3)
    places = ((voxels - (grid.step - 1) / 2) / grid.step).T.astype(np.float32)
    whole[tuple(voxels.T)] = ndimage.map_coordinates(shares, places, order=1, mode="nearest") >= 0.5
    return whole
