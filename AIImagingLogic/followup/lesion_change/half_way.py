"""Both visits on one grid half-way between them, so that interpolation blurs both alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from AIImagingLogic.images.geometry import (
    grid_size,
    grid_spacing,
    index_matrix,
    index_to_world,
    transform_points,
    world_to_index,
)
from AIImagingLogic.images.resample import resample_like

_MARGIN_MM = 6.0
_SIGMA_PER_FWHM = 1.0 / float(2.0 * np.sqrt(2.0 * np.log(2.0)))
_LEAST_BLUR_MM = 0.2


@dataclass(frozen=True)
class HalfWay:
    """A rigid motion shared out over both visits.

    Attributes
    ----------
    grid : an image without content: size, spacing, origin, axes half-way; LPS mm
    to_earlier, to_later : take points of `grid` to points of a visit
    """

    grid: sitk.Image
    to_earlier: sitk.Transform
    to_later: sitk.Transform

    def earlier(self, image: sitk.Image, interpolation: str = "cubic") -> sitk.Image:
        """Return an image of the earlier visit half-way."""
        return resample_like(image, self.grid, self.to_earlier, interpolation, 0.0)

    def later(self, image: sitk.Image, interpolation: str = "cubic") -> sitk.Image:
        """Return an image of the later visit half-way."""
        return resample_like(image, self.grid, self.to_later, interpolation, 0.0)


def half_way(later: sitk.Image, later_brain: sitk.Image, later_to_earlier: sitk.Transform) -> HalfWay:
    """Return the half-way grid, with the spacing and the axes of the later image, around its brain.

    Parameters
    ----------
    later : image of the later visit; LPS mm
    later_brain : > 0 in the brain, on its grid, not empty
    later_to_earlier : rigid (linear), points of the later visit to points of the earlier one
    """
    origin = transform_points(later_to_earlier, np.zeros((1, 3)))[0]
    matrix = (transform_points(later_to_earlier, np.eye(3)) - origin).T
    half = Rotation.from_rotvec(Rotation.from_matrix(matrix).as_rotvec() / 2).as_matrix()
    # The half motion done twice is the whole one: half @ (half @ x + o) + o.
    offset = np.linalg.solve(half + np.eye(3), origin)
    # What rounding or a slight scale leaves is given to the earlier side: both together are exactly the whole map.
    back = half.T
    to_later = sitk.AffineTransform(back.ravel().tolist(), (-back @ offset).tolist())
    whole = matrix @ back
    to_earlier = sitk.AffineTransform(whole.ravel().tolist(), (origin - whole @ offset).tolist())
    return HalfWay(_grid(later, later_brain, half, offset), to_earlier, to_later)


def matched_resolution(image: sitk.Image, other: sitk.Image) -> sitk.Image:
    """Return `image` (float32) blurred to the coarser of both voxel sizes along each of its axes.

    Slices of 3 and of 4 mm show a border differently; the difference would look like change.
    """
    own, axes = grid_spacing(image), np.abs(np.array(image.GetDirection()).reshape(3, 3))
    others = np.abs(np.array(other.GetDirection()).reshape(3, 3))
    nearest = [int(np.argmax(axes[:, axis] @ others)) for axis in range(3)]
    result = sitk.Cast(image, sitk.sitkFloat32)
    for axis in range(3):
        wider = grid_spacing(other)[nearest[axis]]
        sigma = float(np.sqrt(max(wider**2 - own[axis] ** 2, 0.0))) * _SIGMA_PER_FWHM
        if sigma > _LEAST_BLUR_MM and image.GetSize()[axis] >= 4:
            result = sitk.RecursiveGaussian(result, sigma, direction=axis)
    return result


def _grid(later: sitk.Image, brain: sitk.Image, half: np.ndarray, offset: np.ndarray) -> sitk.Image:
    inside = np.argwhere(sitk.GetArrayViewFromImage(brain) > 0)[:, ::-1]
    corners = np.stack([inside.min(axis=0), inside.max(axis=0)])
    box = np.stack(np.meshgrid(*corners.T, indexing="ij"), axis=-1).reshape(-1, 3)
    # Along the later image's own axes: turned by half the motion, its voxels never lie on voxels of a turned visit.
    index = world_to_index(later, index_to_world(later, box) @ half.T + offset)
    margin = np.ceil(_MARGIN_MM / grid_spacing(later))
    first, last = np.floor(index.min(axis=0)) - margin, np.ceil(index.max(axis=0)) + margin
    size = np.minimum((last - first + 1).astype(int), grid_size(later) * 2)
    grid = sitk.Image([int(n) for n in size], sitk.sitkUInt8)
    grid.SetSpacing(later.GetSpacing())
    grid.SetDirection(later.GetDirection())
    grid.SetOrigin((index_to_world(later, np.zeros(3)) + index_matrix(later) @ first).tolist())
    return grid
