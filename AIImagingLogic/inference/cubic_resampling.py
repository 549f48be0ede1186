"""Cubic resampling of an image to a network's grid: a matrix product along each axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.inference.network_grid import AxisMap, NetworkGrid
from AIImagingLogic.records.progress import Progress


def resample_cubic(voxels: NDArray[Any], grid: NetworkGrid, out: Any, within: bool, progress: Progress) -> None:
    """Interpolate by cubic B-splines, border voxels continued outwards.

    Parameters
    ----------
    voxels : (k, j, i) of the image
    grid : that `out` lies on; along an axis with `nearest_in` the nearest voxel is taken
    out : torch float32 (k, j, i), to be filled
    within : cut values off at the least and greatest of the image; where the nearest voxel is taken along an axis, of
        the slice
    progress : asked whether the user cancelled

    Notes
    -----
    The same as SciPy's spline interpolation with mode ``nearest``: it is separable, and the matrix of an axis is what
    SciPy makes of the identity.
    """
    import torch

    across_i, across_j, through = grid.maps
    right = None if across_i.is_identity else torch.from_numpy(_matrix(across_i)).T.contiguous()
    left = None if across_j.is_identity else torch.from_numpy(_matrix(across_j))
    direct = through.is_identity or through.nearest_in
    flat = out if direct else torch.empty((through.image_size, *out.shape[1:]))
    sources = through.image_taps().first if direct else range(through.image_size)
    for number, source in enumerate(sources):
        plane = torch.from_numpy(voxels[source].astype(np.float32))
        if right is not None:
            plane = plane @ right
        flat[number] = plane if left is None else left @ plane
        progress.check_cancelled()
    if not direct:
        for number, shares in enumerate(torch.from_numpy(_matrix(through))):
            out[number] = (shares @ flat.view(len(flat), -1)).view(out.shape[1:])
    if within:
        _cut_off(voxels, grid, out)


def _matrix(axis: AxisMap) -> NDArray[np.float32]:
    from scipy import ndimage

    if axis.nearest_in:
        return np.eye(axis.image_size, dtype=np.float32)[axis.image_taps().first]
    return ndimage.affine_transform(
        np.eye(axis.image_size),
        np.array([axis.scale, 1.0]),
        offset=[axis.offset, 0.0],
        output_shape=(axis.network_size, axis.image_size),
        order=3,
        mode="nearest",
    ).astype(np.float32)


def _cut_off(voxels: NDArray[Any], grid: NetworkGrid, out: Any) -> None:
    import torch

    # The maps are of i, j, k; the array is (k, j, i).
    separate = next((2 - number for number, axis in enumerate(grid.maps) if axis.nearest_in), None)
    if separate is None:
        out.clamp_(float(voxels.min()), float(voxels.max()))
        return
    others = tuple(axis for axis in range(3) if axis != separate)
    chosen = grid.maps[2 - separate].image_taps().first
    sides = [-1 if axis == separate else 1 for axis in range(3)]
    least, greatest = (
        torch.from_numpy(extreme[chosen].astype(np.float32)).reshape(sides)
        for extreme in (voxels.min(axis=others), voxels.max(axis=others))
    )
    torch.maximum(torch.minimum(out, greatest, out=out), least, out=out)
