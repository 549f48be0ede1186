"""Boxes on the network's grid become boxes in the patient."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.geometry import index_to_world
from AIImagingLogic.inference.network_grid import NetworkGrid
from AIImagingLogic.records.boxes import OrientedBox, Vector


def world_boxes(corners: NDArray[np.float32], grid: NetworkGrid, image: sitk.Image) -> list[OrientedBox]:
    """Return boxes along the image's own axes, made right-handed: LPS mm.

    Parameters
    ----------
    corners : (N, 6) least and greatest corner in voxels of the network's array; the middle of its first voxel is 0
    grid : how the network's array lies on the image
    image : 3D, any orientation

    Notes
    -----
    A corner's place in the patient is found through the image's own geometry, axis by axis. No sign is changed
    anywhere: a box cannot come out mirrored, whichever way the image's axes or the network's run.
    """
    first, last = (np.empty((len(corners), 3)) for _ in range(2))
    for number, (axis, flipped) in enumerate(zip(grid.order, grid.flipped, strict=True)):
        along = grid.maps[axis]
        ends = corners[:, [number, number + 3]].astype(np.float64)
        if flipped:
            ends = along.network_size - 1 - ends
        ends = np.sort(ends * along.scale + along.offset, axis=1)
        first[:, axis], last[:, axis] = ends.T
    centres = index_to_world(image, (first + last) / 2)
    sizes = (last - first) * np.array(image.GetSpacing())
    axes = np.array(image.GetDirection()).reshape(3, 3).T
    if np.linalg.det(axes) < 0:
        axes = axes * np.array([[1.0], [1.0], [-1.0]])
    rows = (_vector(axes[0]), _vector(axes[1]), _vector(axes[2]))
    return [OrientedBox(_vector(centre), _vector(size), rows) for centre, size in zip(centres, sizes, strict=True)]


def _vector(values: NDArray[np.float64]) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])
