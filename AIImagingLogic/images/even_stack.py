"""Sheared or unevenly spaced slices, interpolated onto a grid with right angles and one increment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.images.stack_plan import StackPlan


def even_stack(
    voxels: NDArray[Any], plan: StackPlan, outside: float
) -> tuple[NDArray[np.float32], NDArray[np.float64], float]:
    """Interpolate slices linearly: in their plane onto common pixels, then between neighbours along the normal.

    Parameters
    ----------
    voxels : (n, rows, columns) in the order of `plan`
    plan : where the slices lie
    outside : value where no slice reaches

    Returns
    -------
    voxels : (m, rows, columns) on the even grid; more rows or columns where a lean makes the stack wider
    origin : (3,) mm, LPS, centre of the first voxel
    increment : mm along the normal

    Notes
    -----
    Each slice is moved in its plane before anything is interpolated between slices. Interpolating along the leaning
    axis instead would mix tissue from different places.
    """
    spacing = np.array(plan.pixel_spacing_mm)
    shifts = plan.shifts_mm / spacing
    low = np.floor(np.round(shifts.min(axis=0), 3))
    extra = np.ceil(np.round(shifts.max(axis=0), 3)) - low
    rows, columns = voxels.shape[1] + int(extra[1]), voxels.shape[2] + int(extra[0])
    in_plane = np.stack([_moved(part, shift - low, (rows, columns), outside) for part, shift in zip(voxels, shifts)])
    depths, increment = plan.depths_mm, plan.increment_mm
    count = int(np.floor((depths[-1] - depths[0]) / increment + 0.01)) + 1
    at = np.minimum(depths[0] + increment * np.arange(count), depths[-1])
    lower = np.clip(np.searchsorted(depths, at, side="right") - 1, 0, len(depths) - 2)
    share = ((at - depths[lower]) / (depths[lower + 1] - depths[lower])).astype(np.float32)
    result = np.empty((count, rows, columns), dtype=np.float32)
    for number, (below, weight) in enumerate(zip(lower, share, strict=True)):
        result[number] = (1 - weight) * in_plane[below] + weight * in_plane[below + 1]
    first = np.array(plan.frames[0].position)
    origin = first + plan.axes[:, :2] @ (low * spacing)
    return result, origin, increment


def _moved(
    part: NDArray[Any], by_pixels: NDArray[np.float64], shape: tuple[int, int], outside: float
) -> NDArray[np.float32]:
    """Return a slice moved by i, j pixels onto a larger slice."""
    moved: NDArray[np.float32] = ndimage.affine_transform(
        part.astype(np.float32),
        np.eye(2),
        offset=(-by_pixels[1], -by_pixels[0]),
        output_shape=shape,
        order=1,
        mode="constant",
        cval=outside,
    )
    return moved
