"""Two visits made of one FLAIR: known lesions appear, grow and shrink; the head moves; noise and brightness differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from AIImagingLogic.images.geometry import index_to_world, transform_points

Points = NDArray[np.float64]

_EDGE_MM = 0.7
_APART_MM = 14.0
_KINDS = ("new", "new", "new", "new", "enlarging", "enlarging", "shrinking", "shrinking")


@dataclass(frozen=True)
class KnownLesion:
    """An implanted ellipsoid.

    Attributes
    ----------
    kind : new, enlarging or shrinking
    center_mm : (3,) on the earlier visit, LPS
    axes : (3, 3) rows, unit vectors
    earlier_mm, later_mm : (3,) half axes at either visit, 0 where there is none
    brightness : added, in shares of normal tissue
    """

    kind: str
    center_mm: Points
    axes: Points
    earlier_mm: Points
    later_mm: Points
    brightness: float

    def amount(self, points: Points, half_axes_mm: Points) -> NDArray[np.float32]:
        """Return how much of the lesion is at points (N, 3) of the earlier visit: 0..1, with a soft border."""
        amounts = np.zeros(len(points), np.float32)
        reach = float(half_axes_mm.max())
        if reach <= 0:
            return amounts
        near = np.flatnonzero(np.all(np.abs(points - self.center_mm) < reach + 4 * _EDGE_MM, axis=1))
        local = (points[near] - self.center_mm) @ self.axes.T
        radius = np.linalg.norm(local / half_axes_mm, axis=1)
        amounts[near] = np.clip(0.5 + (1 - radius) * float(half_axes_mm.min()) / (2 * _EDGE_MM), 0, 1)
        return amounts


@dataclass(frozen=True)
class LesionPair:
    """Two visits and their truth.

    Attributes
    ----------
    earlier, later : float32
    to_earlier : takes points of `later` to points of `earlier`
    change : uint8 on the grid of `later`: number of the lesion (from 1) where it changed
    lesions : in that order
    """

    earlier: sitk.Image
    later: sitk.Image
    to_earlier: sitk.Transform
    change: sitk.Image
    lesions: tuple[KnownLesion, ...]


def make_lesion_pair(
    image: sitk.Image, brain: sitk.Image, later_grid: sitk.Image, seed: int, noise: float = 0.06, changed: bool = True
) -> LesionPair:
    """Return a pair of visits.

    Parameters
    ----------
    image : FLAIR of a brain, any grid
    brain : > 0 in it, on its grid
    later_grid : gives the grid of the later visit, near the image
    seed : of lesions, motion, noise and bias
    noise : standard deviation added to either visit, in shares of normal tissue; the image's own noise is in both, so
        this is all that differs
    changed : without it nothing changes but the motion, the noise and the bias

    Notes
    -----
    Motion: up to 6 degrees and 6 mm. Bias: up to 15%, smooth. Scale: 0.7 to 1.4.
    """
    random = np.random.default_rng(seed)
    level = float(np.median(sitk.GetArrayViewFromImage(image)[sitk.GetArrayViewFromImage(brain) > 0]))
    to_earlier = _motion(image, brain, random)
    lesions = _lesions(image, brain, level, random) if changed else ()
    earlier = _values_at(image, image, sitk.Transform(3, sitk.sitkIdentity))
    later = _values_at(image, later_grid, to_earlier)
    points_a = _points(image)
    points_b = transform_points(to_earlier, _points(later_grid))
    change = np.zeros(len(points_b), np.uint8)
    for number, lesion in enumerate(lesions, 1):
        earlier += level * lesion.brightness * lesion.amount(points_a, lesion.earlier_mm)
        before, after = lesion.amount(points_b, lesion.earlier_mm), lesion.amount(points_b, lesion.later_mm)
        later += level * lesion.brightness * after
        change[np.abs(after - before) > 0.5] = number
    earlier += level * noise * random.standard_normal(len(earlier)).astype(np.float32)
    later += level * noise * random.standard_normal(len(later)).astype(np.float32)
    middle = points_b.mean(axis=0)
    slope = random.uniform(-1, 1, 3)
    slope *= 0.15 / 80 / np.linalg.norm(slope)
    later *= ((1 + (points_b - middle) @ slope) * random.uniform(0.7, 1.4)).astype(np.float32)
    return LesionPair(
        _image(earlier, image), _image(later, later_grid), to_earlier, _image(change, later_grid), tuple(lesions)
    )


def _motion(image: sitk.Image, brain: sitk.Image, random: np.random.Generator) -> sitk.Transform:
    turn = Rotation.from_rotvec(np.radians(random.uniform(-6, 6, 3) / np.sqrt(3))).as_matrix()
    where = np.argwhere(sitk.GetArrayViewFromImage(brain) > 0)[:, ::-1]
    middle = index_to_world(image, where.mean(axis=0))
    transform = sitk.AffineTransform(turn.ravel().tolist(), random.uniform(-6, 6, 3).tolist())
    transform.SetCenter(middle.tolist())
    return transform


def _lesions(
    image: sitk.Image, brain: sitk.Image, level: float, random: np.random.Generator
) -> tuple[KnownLesion, ...]:
    values = sitk.GetArrayFromImage(sitk.Cast(image, sitk.sitkFloat32))
    spacing = np.array(image.GetSpacing())[::-1]
    smooth = ndimage.gaussian_filter(values, 1.5 / spacing) / level
    inside = sitk.GetArrayViewFromImage(brain) > 0
    # Where tissue of normal brightness lies all around: mostly white matter.
    normal = inside & (smooth > 0.8) & (smooth < 1.15)
    free = ndimage.distance_transform_edt(normal, spacing) > 2.0
    deep = ndimage.distance_transform_edt(inside, spacing) > 10.0
    places = index_to_world(image, np.argwhere(free & deep)[:, ::-1])
    made: list[KnownLesion] = []
    for kind in _KINDS:
        if made:
            others = np.stack([lesion.center_mm for lesion in made])
            far = np.linalg.norm(places[:, None] - others, axis=2).min(axis=1) > _APART_MM
            places = places[far]
        if not len(places):
            raise ValueError("The image has no room for more lesions.")
        center = places[random.integers(len(places))]
        axes = Rotation.random(random_state=int(random.integers(1 << 30))).as_matrix()
        half = random.uniform(2.6, 4.5) * random.uniform(0.8, 1.25, 3)
        larger = half * random.uniform(1.45, 1.7)
        sizes = {"new": (0 * half, half), "enlarging": (half, larger), "shrinking": (larger, half)}[kind]
        made.append(KnownLesion(kind, center, axes, sizes[0], sizes[1], float(random.uniform(0.3, 0.5))))
    return tuple(made)


def _points(grid: sitk.Image) -> Points:
    index = np.indices(grid.GetSize()[::-1], dtype=np.float64).reshape(3, -1)[::-1].T
    return index_to_world(grid, index)


def _values_at(image: sitk.Image, grid: sitk.Image, transform: sitk.Transform) -> NDArray[np.float32]:
    moved = sitk.Resample(image, grid, transform, sitk.sitkBSpline, 0.0, sitk.sitkFloat32)
    return np.maximum(sitk.GetArrayFromImage(moved).ravel(), 0)


def _image(values: NDArray[np.generic], grid: sitk.Image) -> sitk.Image:
    image = sitk.GetImageFromArray(values.reshape(grid.GetSize()[::-1]))
    image.CopyInformation(grid)
    return image
