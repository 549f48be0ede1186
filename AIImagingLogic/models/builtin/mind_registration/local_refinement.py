"""The fine stage: a small field around each lesion, found in a crop and put before the field of the whole body."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.models.builtin.mind_registration.alignment import likeness
from AIImagingLogic.models.builtin.mind_registration.descent import descend
from AIImagingLogic.models.builtin.mind_registration.fields import (
    exponential,
    halvings,
    logarithm,
    resized,
    sampled_at,
    smallest_jacobian,
    smooth,
)
from AIImagingLogic.models.builtin.mind_registration.frames import CELL, Frame, field_transform, frame
from AIImagingLogic.models.builtin.mind_registration.search import dense_search, made_consistent
from AIImagingLogic.models.builtin.registration_grid import WorkGrid, orthonormal_axes
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.registration import Registration

if TYPE_CHECKING:
    from torch import Tensor

Point = tuple[float, float, float]
# Edge of the crop; the field is whole in its inner half and fades to nothing at its border.
_EDGE_MM = 54.0
_FINEST_MM, _COARSEST_MM = 1.0, 2.0
# A lesion so near to another is in the middle of its crop.
_SERVED_MM = 12.0
_MULTIPLE, _VELOCITY = 12, 4
# The search is for blocks of three cells, so many to each side.
_BLOCK, _REACH = 3, 2
_STIFFNESS, _ITERATIONS, _RATE = 0.3, 25, 0.8
_SMALLEST_JACOBIAN, _SMOOTHINGS = 0.1, 20
# A field that gains less likeness follows noise: the coarse one stays.
_LEAST_GAIN = 0.003
_LEAST_KNOWN = 0.5


@dataclass(frozen=True)
class Refinement:
    """What the fine stage did at one lesion.

    Attributes
    ----------
    center_mm : of the lesion in the fixed image, LPS
    before, after : correlation of self-similarity in the crop that serves it: its own, or that of a lesion nearby
    moved_mm : how far the place of the lesion in the moving image went; 0 where the coarse field was kept
    """

    center_mm: Point
    before: float
    after: float
    moved_mm: float


def refined_around(
    fixed: sitk.Image,
    moving: sitk.Image,
    coarse: Registration,
    centers_mm: Sequence[Point],
    progress: Progress,
    device: str = "",
) -> tuple[Registration, tuple[Refinement, ...]]:
    """Return the registration with a small field of its own around each lesion, and what each did.

    The small fields are put before the coarse transform: each is the exponential of a velocity that fades to nothing
    at the border of its crop, so that nothing folds and nothing changes elsewhere. They are found one after the other,
    each on top of those before it, so that crops may overlap.

    Parameters
    ----------
    fixed, moving : as they were registered
    coarse : points of `fixed` to points of `moving`, LPS mm
    centers_mm : of the lesions in `fixed`, LPS
    progress : asked for cancellation at each iteration
    device : of torch; empty: the GPU where there is one, else the processor

    References
    ----------
    V. Arsigny et al., A log-Euclidean framework for statistics on diffeomorphisms, MICCAI 2006.
    """
    import torch

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    parts = _parts(coarse.transform)
    likenesses: dict[Point, tuple[float, float]] = {}
    for number, center in enumerate(centers_mm):
        part = progress.part(number / len(centers_mm), (number + 1) / len(centers_mm))
        part.report(0.0, "Fine registration around lesions")
        near = next((other for other in likenesses if math.dist(center, other) <= _SERVED_MM), None)
        if near is not None:
            likenesses[center] = likenesses[near]
            continue
        crop = _Crop.around(fixed, moving, sitk.CompositeTransform(parts), center, device)
        with torch.no_grad():
            local, before, after = _local_field(crop, part)
        likenesses[center] = before, after
        if local is not None:
            # The last part is applied first.
            parts.append(local)
    refined = sitk.CompositeTransform(parts)
    told = tuple(
        Refinement(
            center,
            *likenesses[center],
            math.dist(refined.TransformPoint(center), coarse.transform.TransformPoint(center)),
        )
        for center in centers_mm
    )
    return dataclasses.replace(coarse, transform=refined), told


@dataclass(frozen=True)
class _Crop:
    """Both images around one lesion, the moving one as the transform so far brings it."""

    grid: WorkGrid
    fixed: Frame
    moving: Frame

    @staticmethod
    def around(fixed: sitk.Image, moving: sitk.Image, transform: sitk.Transform, center: Point, device: str) -> _Crop:
        voxel = float(np.prod(fixed.GetSpacing())) ** (1 / 3)
        spacing = float(np.clip(voxel, _FINEST_MM, _COARSEST_MM))
        count = int(np.ceil(_EDGE_MM / spacing / _MULTIPLE)) * _MULTIPLE
        axes = orthonormal_axes(fixed)
        grid = WorkGrid(center - axes @ np.full(3, (count - 1) / 2 * spacing), axes, spacing, (count, count, count))
        return _Crop(grid, frame(fixed, None, grid, None, device), frame(moving, None, grid, transform, device))


def _local_field(crop: _Crop, progress: Progress) -> tuple[sitk.Transform | None, float, float]:
    """Return the field of a crop, None where it would be no gain, and the likeness in the crop before and after."""
    import torch

    voxels, own, other = crop.grid.shape, crop.fixed, crop.moving
    before = likeness(own, other.features, other.weight)
    weight = own.weight * other.weight
    if float(weight.mean()) < _LEAST_KNOWN:
        return None, before, before
    forth, back = (
        CELL * dense_search(one.features, two.features, one.weight, _BLOCK, _REACH, 1, part)
        for one, two, part in (
            (own, other, progress.part(0.0, 0.15)),
            (other, own, progress.part(0.15, 0.3)),
        )
    )
    forth, _ = made_consistent(forth, back, voxels)
    shape = tuple(length // _VELOCITY for length in voxels)
    start = logarithm(resized(forth, shape), voxels)
    with torch.enable_grad():
        velocity = descend(
            start, own.features, other.features, weight, voxels, _STIFFNESS, _ITERATIONS, _RATE, progress.part(0.3, 1.0)
        )
    field = _field_without_folds(resized(velocity, own.weight.shape), crop.grid)
    if field is None:
        return None, before, before
    moved = (sampled_at(channel[None, None], field, voxels)[0, 0] for channel in other.features)
    after = likeness(own, moved, sampled_at(other.weight[None, None], field, voxels)[0, 0])
    if after < before + _LEAST_GAIN:
        return None, before, before
    return field_transform(field, crop.grid), before, after


def _field_without_folds(velocity: Tensor, grid: WorkGrid) -> Tensor | None:
    """Return the displacement of a velocity that fades to nothing at the border; None where it folds however smooth."""
    import torch

    window = velocity.new_ones(())
    for axis, length in enumerate(velocity.shape[2:]):
        place = ((torch.arange(length, device=velocity.device) + 0.5) * (2 / length) - 1).abs()
        # 1 in the inner half, 0 in the outermost cell.
        ramp = ((place - 0.5) / (0.5 - 1 / length)).clamp_(0, 1)
        line = 0.5 + 0.5 * torch.cos(np.pi * ramp)
        window = window * line.reshape([-1 if other == axis + 2 else 1 for other in range(5)])
    for _ in range(_SMOOTHINGS):
        faded = velocity * window
        field = exponential(faded, grid.shape, halvings(faded, grid.shape) + 1)
        if float(smallest_jacobian(field, grid.shape).min()) >= _SMALLEST_JACOBIAN:
            return field
        velocity = smooth(velocity)
    return None


def _parts(transform: sitk.Transform) -> list[sitk.Transform]:
    """Return the parts of a transform, so that the result is not nested: files cannot hold that."""
    if transform.GetName() != "CompositeTransform":
        return [transform]
    composite = sitk.CompositeTransform(transform)
    composite.FlattenTransform()
    return [composite.GetNthTransform(number) for number in range(composite.GetNumberOfTransforms())]
