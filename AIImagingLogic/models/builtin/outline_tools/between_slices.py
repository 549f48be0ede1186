"""An outline drawn in some slices, filled in those between them."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.outline_tools.masks import Flags, flags, mask_like, spacing_kji
from AIImagingLogic.records.errors import GeometryError


def fill_between_slices(mask: sitk.Image, axis: int | None = None) -> sitk.Image:
    """Interpolate an outline between the slices in which it was drawn.

    The signed distances to the two outlines are mixed in proportion, after the one was moved onto the other.

    Parameters
    ----------
    mask : 3D, 0 outside
    axis : along which the slices lie: 0, 1, 2 for i, j, k; None: the one along which most slices are missing

    Returns
    -------
    sitk.Image
        uint8, 1 in the outline; drawn slices are as they were.

    Raises
    ------
    GeometryError
        No slice is missing.

    References
    ----------
    Raya SP, Udupa JK. IEEE Trans Med Imaging 1990;9:32-42 (shape-based interpolation).
    """
    inside = flags(mask)
    along = _axis_with_most_gaps(inside) if axis is None else 2 - axis
    stack = np.moveaxis(inside, along, 0)
    spacing = tuple(value for number, value in enumerate(spacing_kji(mask)) if number != along)
    (drawn,) = np.nonzero(stack.any(axis=(1, 2)))
    if len(drawn) < 2 or np.all(np.diff(drawn) == 1):
        raise GeometryError("There is no slice to fill.", "Draw the object in slices with others between them.")
    filled = stack.copy()
    for first, last in zip(drawn[:-1], drawn[1:], strict=True):
        if last - first > 1:
            for number, between in enumerate(_between(stack[first], stack[last], int(last - first), spacing), start=1):
                filled[first + number] = between
    return mask_like(np.moveaxis(filled, 0, along), mask)


def _axis_with_most_gaps(inside: Flags) -> int:
    missing = []
    for axis in range(3):
        others = tuple(number for number in range(3) if number != axis)
        (drawn,) = np.nonzero(inside.any(axis=others))
        missing.append(int(drawn[-1] - drawn[0] + 1 - len(drawn)) if len(drawn) else 0)
    return int(np.argmax(missing))


def _between(one: Flags, other: Flags, steps: int, spacing: tuple[float, ...]) -> list[Flags]:
    """Return the outlines of the slices between two."""
    from scipy import ndimage

    middles = [np.array(ndimage.center_of_mass(slice_)) for slice_ in (one, other)]
    distances = [_signed_distance(slice_, spacing) for slice_ in (one, other)]
    result = []
    for step in range(1, steps):
        part = step / steps
        middle = (1 - part) * middles[0] + part * middles[1]
        moved = [
            ndimage.shift(distance, middle - own, order=1, mode="nearest")
            for distance, own in zip(distances, middles, strict=True)
        ]
        result.append(np.asarray((1 - part) * moved[0] + part * moved[1] > 0))
    return result


def _signed_distance(inside: Flags, spacing: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the distance to the border, mm, positive inside; the border lies half a voxel from the voxels' middles."""
    from scipy import ndimage

    # Without a border of nothing, an outline that fills the slice would have no distance.
    padded = np.pad(inside, 1)
    within = ndimage.distance_transform_edt(padded, sampling=spacing)
    beyond = ndimage.distance_transform_edt(~padded, sampling=spacing)
    half = min(spacing) / 2
    signed = np.where(padded, within - half, half - beyond)
    return np.asarray(signed[1:-1, 1:-1], dtype=np.float64)
