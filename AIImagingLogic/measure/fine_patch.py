"""A small isotropic patch of an image around a point, finer than the voxels: where outlines are drawn and measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.segmentation import Segmentation


@dataclass(frozen=True)
class FinePatch:
    """An isotropic float patch along the axes of the image it was cut from.

    Attributes
    ----------
    image : float32, the patch with its geometry, LPS mm
    values : (z, y, x) intensities (of `image`)
    lung : (z, y, x) bool, inside the closed lungs
    spacing_mm : edge length of a patch voxel
    source_spacing_mm : (3,) mm along z, y, x of the image it was cut from
    """

    image: sitk.Image
    values: np.ndarray
    lung: np.ndarray
    spacing_mm: float
    source_spacing_mm: tuple[float, float, float]

    @property
    def voxel_mm3(self) -> float:
        """Volume of a patch voxel, mm3."""
        return self.spacing_mm**3

    def offsets_mm(self, point_mm: tuple[float, float, float]) -> np.ndarray:
        """Return (z, y, x, 3) mm from `point_mm` (LPS) to each voxel, along the patch's axes in the order z, y, x."""
        middle = self.index(point_mm)
        axes = [(np.arange(count) - at) * self.spacing_mm for count, at in zip(self.values.shape, middle)]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).astype(np.float32)

    def index(self, point_mm: tuple[float, float, float]) -> np.ndarray:
        """Return the continuous (z, y, x) index of an LPS point."""
        return np.asarray(self.image.TransformPhysicalPointToContinuousIndex([float(v) for v in point_mm]))[::-1]

    def point_mm(self, index: np.ndarray) -> tuple[float, float, float]:
        """Return the LPS point of a continuous (z, y, x) index."""
        x, y, z = self.image.TransformContinuousIndexToPhysicalPoint([float(v) for v in np.asarray(index)[::-1]])
        return x, y, z

    def sampled(self, other: sitk.Image, interpolator: int = sitk.sitkLinear) -> np.ndarray:
        """Return `other` (any grid) at the patch's voxels as float32, 0 outside of it."""
        resampled = sitk.Resample(other, self.image, sitk.Transform(), interpolator, 0.0, sitk.sitkFloat32)
        return sitk.GetArrayFromImage(resampled)

    def as_image(self, values: np.ndarray) -> sitk.Image:
        """Return an array of the patch's shape as a float32 image with its geometry."""
        image = sitk.GetImageFromArray(np.asarray(values, dtype=np.float32))
        image.CopyInformation(self.image)
        return image


def fine_patch(
    image: sitk.Image,
    organs: Segmentation | None,
    center_mm: tuple[float, float, float],
    half_size_mm: float,
    spacing_mm: float,
) -> FinePatch:
    """Cut an isotropic patch around a point.

    Parameters
    ----------
    image : scalar 3D image, any orientation
    organs : segmentation with lungs on the grid of `image`; None or no lungs: everything counts as lung
    center_mm : (3,) mm, LPS
    half_size_mm : half edge of the patch; it ends at the image's border
    spacing_mm : edge length of a patch voxel

    Raises
    ------
    GeometryError
        The patch would lie outside the image.
    """
    first, last = index_box(image, center_mm, half_size_mm)
    # Two voxels more than needed: the cubic interpolation must not end at the patch's border.
    wide_first = np.maximum(first - 2, 0)
    wide_last = np.minimum(last + 2, np.asarray(image.GetSize()) - 1)
    wide_size, wide_start = [int(v) for v in wide_last - wide_first + 1], [int(v) for v in wide_first]
    crop = sitk.Cast(sitk.RegionOfInterest(image, wide_size, wide_start), sitk.sitkFloat32)
    grid = _isotropic_grid(image, first, last, spacing_mm)
    fine = sitk.Resample(crop, grid, sitk.Transform(), sitk.sitkBSpline)
    voxels = sitk.GetArrayViewFromImage(crop)
    # The cubic interpolation overshoots at sharp edges: nothing may be denser than the densest voxel.
    values = np.clip(sitk.GetArrayFromImage(fine), voxels.min(), voxels.max())
    lung = np.ones(values.shape, bool)
    if organs is not None:
        mask = lung_mask(organs, sitk.RegionOfInterest(organs.image, wide_size, wide_start))
        if mask is not None:
            soft = sitk.Resample(sitk.Cast(mask, sitk.sitkFloat32), grid, sitk.Transform(), sitk.sitkLinear, 0.0)
            lung = sitk.GetArrayFromImage(soft) > 0.5
    spacing = image.GetSpacing()
    return FinePatch(fine, values, lung, spacing_mm, (spacing[2], spacing[1], spacing[0]))


def index_box(
    image: sitk.Image, center_mm: tuple[float, float, float], half_size_mm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and last (x, y, z) index of the box of `half_size_mm` around a point, cut at the border.

    Raises
    ------
    GeometryError
        The box lies outside the image.
    """
    middle = np.asarray(image.TransformPhysicalPointToContinuousIndex([float(v) for v in center_mm]))
    reach = half_size_mm / np.asarray(image.GetSpacing())
    size = np.asarray(image.GetSize())
    first = np.maximum(np.floor(middle - reach), 0).astype(int)
    last = np.minimum(np.ceil(middle + reach), size - 1).astype(int)
    if (last <= first).any():
        raise GeometryError("The position lies outside the image.", "Place it inside the scanned volume.")
    return first, last


def lung_mask(organs: Segmentation, labels: sitk.Image | None = None) -> sitk.Image | None:
    """Return both lungs of a segmentation (or of `labels`, a crop of its image) as uint8, None when it has none."""
    labels = organs.image if labels is None else labels
    values = [entry.value for entry in organs.segments if entry.concept.key in ("lung-left", "lung-right")]
    if not values:
        return None
    mask = labels == values[0]
    for value in values[1:]:
        mask = sitk.Or(mask, labels == value)
    return mask


def _isotropic_grid(image: sitk.Image, first: np.ndarray, last: np.ndarray, spacing_mm: float) -> sitk.Image:
    extent = (last - first) * np.asarray(image.GetSpacing())
    grid = sitk.Image([int(np.floor(length / spacing_mm)) + 1 for length in extent], sitk.sitkFloat32)
    grid.SetSpacing([spacing_mm] * 3)
    grid.SetDirection(image.GetDirection())
    grid.SetOrigin(image.TransformIndexToPhysicalPoint([int(v) for v in first]))
    return grid
