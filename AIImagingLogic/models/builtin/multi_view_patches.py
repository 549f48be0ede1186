"""Patches of an image in the nine symmetry planes of a cube around a point, at a fixed spacing in LPS millimetres."""

from __future__ import annotations

import math

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

AIR_HU = -1000.0
VIEWS = 9
_AT_A_TIME = 16
"""Points whose patches are sampled together: keeps their coordinates within a few tens of megabytes."""


def plane_axes() -> NDArray[np.float64]:
    """Return the unit vectors along the columns and down the rows of each plane, (9, 2, 3), LPS.

    Three planes are those of the patient (axial, coronal, sagittal); each of the six others holds one of the patient's
    axes and halves the angle between the two others.

    References
    ----------
    Setio AAA et al. Pulmonary nodule detection in CT images: false positive reduction using multi-view convolutional
    networks. IEEE Trans Med Imaging 2016;35:1160-9.
    """
    x, y, z = np.eye(3)
    half = math.sqrt(0.5)
    planes = [(x, y), (x, -z), (y, -z)]
    for kept, first, second in ((x, y, z), (y, x, z), (z, x, y)):
        planes += [(kept, half * (first + second)), (kept, half * (first - second))]
    return np.array(planes)


def sample_views(
    image: sitk.Image,
    positions_mm: ArrayLike,
    spacing_mm: float,
    side: int,
    axes: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Return patches (N, V, side, side) of `image` (HU) around points; outside of the image there is air.

    Parameters
    ----------
    image : 3D, any orientation, any spacing; interpolated linearly
    positions_mm : (N, 3) LPS; they lie in the middle of the patches, between pixels when `side` is even
    spacing_mm : of the patches' pixels
    side : pixels along each edge
    axes : (V, 2, 3), or (N, V, 2, 3) for planes of each point's own; LPS unit vectors along columns and down rows;
        None: `plane_axes`
    """
    points = np.asarray(positions_mm, float).reshape(-1, 3)
    planes = plane_axes() if axes is None else np.asarray(axes, float)
    planes = np.broadcast_to(planes, (len(points), *planes.shape[-3:]))
    voxels = sitk.GetArrayViewFromImage(image)
    to_index = _index_per_mm(image)
    origin = np.array(image.GetOrigin())
    steps = (np.arange(side) - (side - 1) / 2) * spacing_mm
    result = np.empty((len(points), planes.shape[1], side, side), np.float32)
    for first in range(0, len(points), _AT_A_TIME):
        some = slice(first, first + _AT_A_TIME)
        # In the image's own indices every patch is a corner and two steps: no point is transformed twice.
        middle = (points[some] - origin) @ to_index.T
        along, down = np.moveaxis(planes[some] @ to_index.T, 2, 0)
        where = np.empty((3, *result[some].shape), np.float32)
        for axis in range(3):
            # The array's axes are k, j, i.
            own = where[2 - axis]
            own[:] = steps * along[..., axis, None, None]
            own += steps[:, None] * down[..., axis, None, None]
            own += middle[:, axis, None, None, None]
        map_coordinates(voxels, where, result[some], order=1, mode="constant", cval=AIR_HU)
    return result


def _index_per_mm(image: sitk.Image) -> NDArray[np.float64]:
    """Return the matrix (3, 3) from LPS mm to steps along i, j, k."""
    direction = np.array(image.GetDirection()).reshape(3, 3)
    result: NDArray[np.float64] = np.linalg.inv(direction * np.array(image.GetSpacing()))
    return result
