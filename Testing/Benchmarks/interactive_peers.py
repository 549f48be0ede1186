"""What others have for the same clicks: Slicer's GrowCut, scikit-image's random walker, SimpleITK's level sets.

All get a crop around the true object, which no user could draw better: its box, wider by a quarter of its size and at
least 8 mm on each side. Where that cuts the image, its faces are seeds of the background: with one click alone none of
them would know any. A click is a ball of 2.5 mm; a box gives the background beyond it, and in its middle a ball of a
quarter of its smallest edge (at least 2.5 mm, at most 8 mm) as the object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.images.geometry import index_to_world, world_to_index
from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid, work_grid
from AIImagingLogic.records.prompts import Prompts

Mask = NDArray[np.bool_]
_CLICK_MM = 2.5
_LARGEST_CORE_MM = 8.0
_MARGIN = 0.25
_LEAST_MARGIN_MM = 8.0
# More voxels than these take the peer over a minute a click on two cores; its crop is then made coarser.
_MOST_VOXELS = {
    "growcut": 1_000_000,
    "random walker": 150_000,
    "threshold level set": 150_000,
    "geodesic contour": 150_000,
}
_LEVEL_SET_STEPS = 300
_LEAST_SLICES = 4


@dataclass(frozen=True)
class Seeded:
    """A crop with its seeds: 1 the object, 2 the background, 0 unknown."""

    grid: WorkGrid
    seeds: NDArray[np.uint8]

    @property
    def image(self) -> sitk.Image:
        """The crop, without direction: none of the peers needs it."""
        image = sitk.GetImageFromArray(self.grid.values)
        image.SetSpacing(self.grid.spacing_mm[::-1].tolist())
        return image


def growcut(seeded: Seeded) -> Mask:
    """Return the object by Slicer's "Grow from seeds"."""
    import slicer
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    def as_vtk(values: NDArray[np.generic]) -> object:
        data = vtk.vtkImageData()
        data.SetDimensions(*values.shape[::-1])
        data.SetSpacing(*seeded.grid.spacing_mm[::-1])
        data.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(values).ravel(), deep=True))
        return data

    cut = slicer.vtkImageGrowCutSegment()
    cut.SetIntensityVolume(as_vtk(seeded.grid.values))
    cut.SetSeedLabelVolume(as_vtk(seeded.seeds.astype(np.int16)))
    cut.Update()
    scalars = cut.GetOutput().GetPointData().GetScalars()
    if scalars is None:
        # It gives nothing where the image has too few slices for it, or all seeds are of one kind.
        return np.asarray(seeded.seeds == 1)
    labels = vtk_to_numpy(scalars)
    return np.asarray(labels.reshape(seeded.seeds.shape) == 1)


def random_walker(seeded: Seeded) -> Mask:
    """Return the object by scikit-image's random walker, set by default, on values cut to percentiles 1..99."""
    from skimage.segmentation import random_walker as walk

    if not (seeded.seeds == 2).any():
        return np.ones(seeded.seeds.shape, bool)
    values = np.clip(seeded.grid.values, *np.percentile(seeded.grid.values, (1, 99)))
    spacing = seeded.grid.spacing_mm / seeded.grid.spacing_mm.min()
    return np.asarray(walk(values, seeded.seeds.astype(np.int32), mode="cg_j", tol=1e-3, spacing=spacing) == 1)


def threshold_level_set(seeded: Seeded) -> Mask:
    """Return the object by SimpleITK's threshold level set: within 2.5 SD of the values at the seeds."""
    object_values = seeded.grid.values[ndimage.binary_dilation(seeded.seeds == 1)]
    mean, spread = float(object_values.mean()), 2.5 * float(object_values.std()) + 1e-3
    method = sitk.ThresholdSegmentationLevelSetImageFilter()
    method.SetLowerThreshold(mean - spread)
    method.SetUpperThreshold(mean + spread)
    method.SetMaximumRMSError(0.01)
    method.SetNumberOfIterations(_LEVEL_SET_STEPS)
    method.SetCurvatureScaling(1.0)
    method.SetPropagationScaling(1.0)
    return _grown(method.Execute(_start(seeded), seeded.image), seeded)


def geodesic_contour(seeded: Seeded) -> Mask:
    """Return the object by SimpleITK's geodesic active contour on the reciprocal of the gradient."""
    if min(seeded.seeds.shape) < _LEAST_SLICES:
        # Its filters refuse so few: it answers with the clicks themselves.
        return np.asarray(seeded.seeds == 1)
    sigma = float(seeded.grid.spacing_mm.min())
    gradient = sitk.GradientMagnitudeRecursiveGaussian(seeded.image, sigma)
    usual = float(np.median(sitk.GetArrayViewFromImage(gradient))) + 1e-6
    speed = sitk.BoundedReciprocal(sitk.Pow(gradient / (2 * usual), 2.0))
    still = sitk.GetImageFromArray((seeded.seeds != 2).astype(np.float32))
    still.CopyInformation(speed)
    method = sitk.GeodesicActiveContourLevelSetImageFilter()
    method.SetPropagationScaling(1.0)
    method.SetCurvatureScaling(0.5)
    method.SetAdvectionScaling(1.0)
    method.SetMaximumRMSError(0.01)
    method.SetNumberOfIterations(_LEVEL_SET_STEPS)
    return _grown(method.Execute(_start(seeded), sitk.Cast(speed, sitk.sitkFloat32) * still), seeded)


PEERS: dict[str, Callable[[Seeded], Mask]] = {
    "growcut": growcut,
    "random walker": random_walker,
    "threshold level set": threshold_level_set,
    "geodesic contour": geodesic_contour,
}


def peer_answer(name: str, image: sitk.Image, truth: Mask, most_voxels: int | None = None) -> Callable[[Prompts], Mask]:
    """Return what answers prompts with the whole mask, by the peer `name` on at most `most_voxels`."""
    grid = _crop(image, truth, most_voxels or _MOST_VOXELS[name])

    def answer(prompts: Prompts) -> Mask:
        seeded = Seeded(grid, _seeds(image, grid, prompts))
        inside = PEERS[name](seeded) if (seeded.seeds == 1).any() else np.zeros(grid.shape, bool)
        for axis, step in enumerate(grid.step):
            inside = np.repeat(inside, int(step), axis=axis)
        mask = np.zeros_like(truth)
        mask[grid.slices] = inside
        return mask

    return answer


def _crop(image: sitk.Image, truth: Mask, most: int) -> WorkGrid:
    where = ndimage.find_objects(truth.astype(np.int8))[0]
    spacing = np.array(image.GetSpacing())[::-1]
    first, last = np.array([s.start for s in where]), np.array([s.stop - 1 for s in where])
    margin = np.ceil(np.maximum((last - first + 1) * _MARGIN, _LEAST_MARGIN_MM / spacing)).astype(np.int64)
    return work_grid(sitk.GetArrayViewFromImage(image), spacing, first - margin, last + margin, most)


def _seeds(image: sitk.Image, grid: WorkGrid, prompts: Prompts) -> NDArray[np.uint8]:
    """Return the seeds of all prompts; where balls overlap the nearer click's holds."""
    numbers = np.moveaxis(np.indices(grid.shape), 0, -1).reshape(-1, 3)
    index = grid.first + numbers * grid.step + (grid.step - 1) / 2
    points = index_to_world(image, index[:, ::-1])
    seeds = np.zeros(len(points), np.uint8)
    _face_seeds(seeds.reshape(grid.shape), grid, np.array(image.GetSize())[::-1])
    nearest = np.full(len(points), np.inf)
    if prompts.box is not None:
        offsets = np.abs((points - prompts.box.center_mm) @ np.array(prompts.box.axes).T)
        seeds[np.any(offsets > np.array(prompts.box.size_mm) / 2, axis=1)] = 2
        core_mm = float(np.clip(min(prompts.box.size_mm) / 4, _CLICK_MM, _LARGEST_CORE_MM))
        seeds[np.linalg.norm(points - prompts.box.center_mm, axis=1) <= core_mm] = 1
    for clicks, value in ((prompts.inside_mm, 1), (prompts.outside_mm, 2)):
        for click in clicks:
            away = np.linalg.norm(points - click, axis=1)
            ball = (away <= _CLICK_MM) & (away < nearest)
            # On a coarse grid a ball may hold no node: the click's own counts always.
            voxel = world_to_index(image, [click])[:, ::-1].round().astype(np.int64)
            ball[np.ravel_multi_index(tuple(grid.node(voxel)[0]), grid.shape)] = True
            seeds[ball], nearest[ball] = value, away[ball]
    return seeds.reshape(grid.shape)


def _face_seeds(seeds: NDArray[np.uint8], grid: WorkGrid, size: NDArray[np.int64]) -> None:
    ends = grid.first + grid.step * (np.array(grid.shape) + 1)
    for axis in range(3):
        along = np.moveaxis(seeds, axis, 0)
        if grid.first[axis] > 0:
            along[0] = 2
        if ends[axis] <= size[axis]:
            along[-1] = 2


def _start(seeded: Seeded) -> sitk.Image:
    """Return the level set to begin with: negative inside the seeds of the object, two voxels wider.

    A contour around a few voxels has so small a radius that its curvature alone makes it vanish.
    """
    wider = ndimage.binary_dilation(seeded.seeds == 1, iterations=2) & (seeded.seeds != 2)
    spacing = seeded.grid.spacing_mm
    away = ndimage.distance_transform_edt(~wider, sampling=spacing)
    deep = ndimage.distance_transform_edt(wider, sampling=spacing)
    start = sitk.GetImageFromArray((away - deep).astype(np.float32))
    start.CopyInformation(seeded.image)
    return start


def _grown(level_set: sitk.Image, seeded: Seeded) -> Mask:
    inside = sitk.GetArrayFromImage(level_set) < 0
    return np.asarray((inside | (seeded.seeds == 1)) & (seeded.seeds != 2))
