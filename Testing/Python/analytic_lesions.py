"""Analytic lung scenes with known truth: shapes rendered with partial volume, blur and noise on any image grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.segmentation import Segment, Segmentation

Shape = Callable[[np.ndarray], np.ndarray]

LUNG_HU, TISSUE_HU, GROUND_GLASS_HU, CALCIFIED_HU = -860.0, 40.0, -600.0, 500.0


def ball(center_mm: tuple[float, float, float], radius_mm: float) -> Shape:
    """Points (..., 3) within `radius_mm` of `center_mm`, LPS mm."""
    return lambda points: ((points - np.asarray(center_mm)) ** 2).sum(-1) <= radius_mm**2


def ellipsoid(center_mm: tuple[float, float, float], semi_axes_mm: tuple[float, float, float]) -> Shape:
    """An ellipsoid along the patient's axes."""
    return lambda points: (((points - np.asarray(center_mm)) / np.asarray(semi_axes_mm)) ** 2).sum(-1) <= 1.0


def half_space(point_mm: tuple[float, float, float], normal: tuple[float, float, float]) -> Shape:
    """Everything on the side of `point_mm` that `normal` points to."""
    unit = np.asarray(normal) / np.linalg.norm(normal)
    return lambda points: (points - np.asarray(point_mm)) @ unit >= 0.0


def outside_ball(center_mm: tuple[float, float, float], radius_mm: float) -> Shape:
    """The chest wall around a round lung."""
    inside = ball(center_mm, radius_mm)
    return lambda points: ~inside(points)


def cylinder(point_mm: tuple[float, float, float], axis: tuple[float, float, float], radius_mm: float) -> Shape:
    """A vessel that starts at `point_mm` and runs along `axis` without end."""
    unit = np.asarray(axis) / np.linalg.norm(axis)

    def inside(points: np.ndarray) -> np.ndarray:
        offset = points - np.asarray(point_mm)
        along = offset @ unit
        return (along >= 0.0) & ((offset**2).sum(-1) - along**2 <= radius_mm**2)

    return inside


@dataclass(frozen=True)
class Grid:
    """Where a scene is sampled; the middle of the grid is the LPS origin."""

    spacing_mm: tuple[float, float, float] = (0.7, 0.7, 1.25)
    extent_mm: float = 44.0
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    def image(self) -> sitk.Image:
        """Return an empty float image on the grid."""
        size = [int(round(self.extent_mm / step)) for step in self.spacing_mm]
        image = sitk.Image(size, sitk.sitkFloat32)
        image.SetSpacing(self.spacing_mm)
        image.SetDirection(self.direction)
        middle = np.asarray(image.TransformContinuousIndexToPhysicalPoint([(count - 1) / 2 for count in size]))
        image.SetOrigin([float(value) for value in -middle])
        return image


OBLIQUE_FLIPPED = Grid(
    spacing_mm=(0.75, 0.7, 1.5),
    # the axes of a coronal stack, turned by 25 degrees about the second axis and flipped along the first
    direction=(-0.9063, 0.0, 0.4226, 0.4226, 0.0, 0.9063, 0.0, 1.0, 0.0),
)


def render(
    layers: list[tuple[Shape, float]],
    grid: Grid,
    blur_mm: float = 0.6,
    noise_hu: float = 25.0,
    seed: int = 0,
    background_hu: float = LUNG_HU,
) -> sitk.Image:
    """Return the CT of `layers` (shape, HU; a later one lies over an earlier one).

    Supersampled to about .3 mm, blurred by a Gaussian of `blur_mm`, averaged over each voxel, with correlated noise.
    """
    image = grid.image()
    factors = [max(2, int(np.ceil(step / 0.3))) for step in grid.spacing_mm]
    size = image.GetSize()
    axes = [(np.arange(count * factor) + 0.5) / factor - 0.5 for count, factor in zip(size, factors)]
    k, j, i = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    matrix = np.asarray(grid.direction).reshape(3, 3) * np.asarray(grid.spacing_mm)
    points = np.stack([i, j, k], axis=-1) @ matrix.T + np.asarray(image.GetOrigin())
    fine = np.full(points.shape[:3], background_hu, dtype=np.float32)
    for shape, value in layers:
        fine[shape(points)] = value
    steps = [step / factor for step, factor in zip(grid.spacing_mm, factors)][::-1]
    fine = ndimage.gaussian_filter(fine, [blur_mm / step for step in steps], mode="nearest")
    blocks = [(count, factor) for count, factor in zip(size[::-1], factors[::-1])]
    coarse = fine.reshape([edge for block in blocks for edge in block]).mean(axis=(1, 3, 5))
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=coarse.shape), 0.7)
    coarse = coarse + noise / noise.std() * noise_hu
    result = sitk.Cast(sitk.GetImageFromArray(np.rint(coarse).astype(np.int16)), sitk.sitkInt16)
    result.CopyInformation(image)
    return result


def lungs(image: sitk.Image, inside: Shape | None = None, key: str = "lung-right") -> Segmentation:
    """Return a lung label image on the grid of `image`: everywhere, or where `inside` holds at voxel centres."""
    size = image.GetSize()
    k, j, i = np.meshgrid(*[np.arange(count) for count in size[::-1]], indexing="ij")
    matrix = np.asarray(image.GetDirection()).reshape(3, 3) * np.asarray(image.GetSpacing())
    points = np.stack([i, j, k], axis=-1) @ matrix.T + np.asarray(image.GetOrigin())
    values = np.ones(points.shape[:3], np.uint8) if inside is None else inside(points).astype(np.uint8)
    labels = sitk.GetImageFromArray(values)
    labels.CopyInformation(image)
    return Segmentation(labels, (Segment(1, "Lung", concept(key), (202, 164, 140)),))


def info_of(image: sitk.Image) -> ImageInfo:
    """Return a minimal description of `image`."""
    return ImageInfo(
        "CT", "HU", image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection(), content_hash="scene"
    )
