"""An outline cut in two where it is thinnest at a point."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.outline_tools.masks import Flags, flags, mask_like, spacing_kji
from AIImagingLogic.records.errors import GeometryError

_DIRECTIONS = 120
_COARSE_VOXELS = 150_000
_FARTHEST_VOXELS = 3.0
_LARGEST_SECTION = 2.0


def cut_here(mask: sitk.Image, point_mm: tuple[float, float, float]) -> sitk.Image:
    """Cut an outline by the plane through a point that has the smallest section, and return the smaller part.

    Parameters
    ----------
    mask : 3D, 0 outside
    point_mm : in the outline or up to three voxels from it, LPS mm

    Returns
    -------
    sitk.Image
        uint8, 1 in the smaller of the two parts.

    Raises
    ------
    GeometryError
        The point is not at the outline, or no plane through it cuts a part off.
    """
    inside, spacing = flags(mask), np.array(spacing_kji(mask))
    middle = np.array(mask.TransformPhysicalPointToContinuousIndex(point_mm))[::-1]
    voxels = np.argwhere(inside)
    if len(voxels) == 0:
        raise GeometryError("There is no outline to cut.", "Choose another segment.")
    nearest = voxels[np.argmin((((voxels - middle) * spacing) ** 2).sum(axis=1))]
    if np.abs(nearest - middle).max() > _FARTHEST_VOXELS:
        raise GeometryError("The point to cut at is not at the outline.", "Click where it is to be cut.")
    step = max(1, int(np.ceil((inside.size / _COARSE_VOXELS) ** (1 / 3))))
    start = nearest % step
    coarse = inside[start[0] :: step, start[1] :: step, start[2] :: step]
    order = _by_section(coarse, nearest // step, spacing * step)
    for direction in order:
        part = _cut(inside, nearest, spacing, direction)
        if part is not None:
            return mask_like(part, mask)
    raise GeometryError("No plane through this point cuts a part off.", "Click where the outline has a neck.")


def _by_section(inside: Flags, point: NDArray[np.int_], spacing: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return directions, (k, j, i), by the area that a plane through the point cuts out of the part around it."""
    areas = []
    directions = _half_sphere()
    for direction in directions:
        section = _section(inside, point, spacing, direction)
        thickness = float(np.abs(direction) @ spacing)
        areas.append(np.count_nonzero(section) * float(np.prod(spacing)) / thickness)
    # A plane that runs along the outline, and cuts a flat piece off its side, is not what was meant.
    widest = _LARGEST_SECTION * min(areas)
    return [directions[number] for number in np.argsort(areas, kind="stable") if areas[number] <= widest]


def _section(
    inside: Flags, point: NDArray[np.int_], spacing: NDArray[np.float64], direction: NDArray[np.float64]
) -> Flags:
    """Return the voxels that a plane through the point meets, joined to the point."""
    from scipy import ndimage

    met = inside & (np.abs(_height(inside.shape, point, spacing, direction)) <= np.abs(direction) @ spacing / 2)
    labels, _count = ndimage.label(met, np.ones((3, 3, 3)))
    return np.asarray(labels == labels[tuple(point)])


def _cut(
    inside: Flags, point: NDArray[np.int_], spacing: NDArray[np.float64], direction: NDArray[np.float64]
) -> Flags | None:
    """Return the smaller part; None when the plane leaves one piece."""
    from scipy import ndimage

    section = _section(inside, point, spacing, direction)
    height = _height(inside.shape, point, spacing, direction)
    labels, count = ndimage.label(inside & ~section)
    if count < 2:
        return None
    beside = ndimage.binary_dilation(section, np.ones((3, 3, 3))) & inside & ~section
    above = set(np.unique(labels[beside & (height > 0)])) - {0}
    below = set(np.unique(labels[beside & (height <= 0)])) - {0}
    if not above or not below or above & below:
        return None
    parts = [
        np.isin(labels, sorted(side)) | (section & sign) for side, sign in ((above, height > 0), (below, height <= 0))
    ]
    return min(parts, key=np.count_nonzero)


def _height(
    shape: tuple[int, ...], point: NDArray[np.int_], spacing: NDArray[np.float64], direction: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the distance of every voxel from the plane, mm."""
    grids = np.ogrid[tuple(slice(0, count) for count in shape)]
    axes = zip(grids, point, spacing, direction, strict=True)
    terms = [(grid - middle) * step * part for grid, middle, step, part in axes]
    return np.asarray(terms[0] + terms[1] + terms[2], dtype=np.float64)


def _half_sphere() -> list[NDArray[np.float64]]:
    """Return the axes, and directions spread evenly over half a sphere."""
    number = np.arange(_DIRECTIONS) + 0.5
    height = number / _DIRECTIONS
    turn = np.pi * (1 + 5**0.5) * number
    radius = np.sqrt(1 - height**2)
    spread = np.stack([height, radius * np.cos(turn), radius * np.sin(turn)], axis=1)
    return [*np.eye(3), *spread]
