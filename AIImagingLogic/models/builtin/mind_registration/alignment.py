"""The affine map of two images of any modalities: fitted to what a dense search finds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.models.builtin.mind_registration.features import pooled
from AIImagingLogic.models.builtin.mind_registration.frames import CELL, Frame, frame
from AIImagingLogic.models.builtin.mind_registration.search import dense_search
from AIImagingLogic.models.builtin.registration_grid import Points, WorkGrid
from AIImagingLogic.models.builtin.registration_linear import LinearMap, shift
from AIImagingLogic.models.builtin.registration_start import center_of_mass_mm
from AIImagingLogic.records.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor

# Rigid first, over a long way; then affine, nearby: how many steps to each side, of how many cells.
_ROUNDS = ((True, 5, 2), (True, 4, 1), (False, 3, 1))
_BLOCK = 3
# The share of cells that fit best decides; the others moved on their own, or were matched wrongly.
_TRUSTED_SHARE = 0.6
_FITS = 6
# A centre of mass nearer than this is no other start.
_SAME_START_MM = 30.0
# Less gain in likeness than this is noise: what lies well already is left as it lies.
_LEAST_GAIN = 0.01


def align(
    fixed: tuple[sitk.Image, sitk.Image],
    moving: tuple[sitk.Image, sitk.Image],
    grid: WorkGrid,
    device: str,
    progress: Progress,
) -> LinearMap:
    """Return the affine map of points of the fixed image to points of the moving one (LPS mm).

    Parameters
    ----------
    fixed, moving : image and mask
    grid : coarse; over the fixed mask, each length a multiple of 12
    device : of torch
    """
    own = frame(*fixed, grid, None, device)
    apart = center_of_mass_mm(moving[1]) - center_of_mass_mm(fixed[1])
    starts = [shift(np.zeros(3))]
    if np.linalg.norm(apart) > _SAME_START_MM:
        starts.append(shift(apart))
    found = []
    for number, start in enumerate(starts):
        part = progress.part(number / len(starts), (number + 1) / len(starts))
        found.append(_refined(own, moving[0], grid, start, device, part))
    return max(found, key=lambda item: item[1])[0]


def likeness(fixed: Frame, moving_features: Iterable[Tensor], moving_weight: Tensor) -> float:
    """Return the correlation (-1..1) of two images' self-similarity where the fixed one counts and both are known.

    `moving_features` are its channels (z, y, x), one after the other; both images have less than a fifth of the weight
    in common: 0.
    """
    weight = fixed.weight * moving_weight
    if float(weight.sum()) < 0.2 * float(fixed.weight.sum()):
        return 0.0
    weight = weight / weight.sum()
    product = first_size = second_size = 0.0
    # Channel by channel: all at once would be the peak of memory.
    for first, second in zip(fixed.features, moving_features, strict=True):
        first = first - (first * weight).sum()
        second = second - (second * weight).sum()
        product += float((first * second * weight).sum())
        first_size += float((first.square() * weight).sum())
        second_size += float((second.square() * weight).sum())
    return product / max((first_size * second_size) ** 0.5, 1e-12)


def _refined(
    own: Frame, moving: sitk.Image, grid: WorkGrid, start: LinearMap, device: str, progress: Progress
) -> tuple[LinearMap, float]:
    best, mapping = None, start
    for number, (rigid, reach, stride) in enumerate((*_ROUNDS, (False, 0, 0))):
        part = progress.part(number / (len(_ROUNDS) + 1), (number + 1) / (len(_ROUNDS) + 1))
        part.report(0.0, "Affine alignment")
        other = frame(moving, None, grid, mapping.transform(), device)
        value = likeness(own, other.features, other.weight)
        if best is None or value > best[1] + _LEAST_GAIN:
            best = (mapping, value)
        if reach:
            mapping = _improved(own, other, grid, mapping, rigid, reach, stride, part)
    return best or (start, 0.0)


def _improved(
    own: Frame,
    other: Frame,
    grid: WorkGrid,
    mapping: LinearMap,
    rigid: bool,
    reach: int,
    stride: int,
    progress: Progress,
) -> LinearMap:
    """Return `mapping` after the rigid or affine map nearest to the field between the two frames."""
    field = CELL * dense_search(own.features, other.features, own.weight, _BLOCK, reach, stride, progress)
    cell = CELL * _BLOCK
    places = np.argwhere(pooled(own.weight[None], _BLOCK)[0].cpu().numpy() > 0.5).astype(np.float64)
    if len(places) < 12:
        return mapping
    moved = field[0].cpu().numpy().astype(np.float64)[:, *places.astype(int).T].T
    centers = (places + 0.5) * cell - 0.5
    matrix, offset = _trimmed_fit(grid.to_world(centers[:, ::-1]), grid.to_world((centers + moved)[:, ::-1]), rigid)
    return mapping.after(matrix, offset)


def _trimmed_fit(points: Points, targets: Points, rigid: bool) -> tuple[Points, Points]:
    """Return matrix and offset that bring most of the points (N, 3) nearest to their targets (N, 3)."""
    chosen = np.arange(len(points))
    for _ in range(_FITS):
        matrix, offset = _fit(points[chosen], targets[chosen], rigid)
        apart = np.linalg.norm(points @ matrix.T + offset - targets, axis=1)
        chosen = np.argsort(apart, kind="stable")[: max(12, int(_TRUSTED_SHARE * len(points)))]
    return matrix, offset


def _fit(points: Points, targets: Points, rigid: bool) -> tuple[Points, Points]:
    middle, target_middle = points.mean(axis=0), targets.mean(axis=0)
    first, second = points - middle, targets - target_middle
    if rigid:
        left, _, right = np.linalg.svd(first.T @ second)
        turn = np.diag([1.0, 1.0, np.linalg.det(right.T @ left.T)])
        matrix = right.T @ turn @ left.T
    else:
        # A little ridge towards no deformation keeps a flat region from being sheared.
        ridge = 1e-3 * np.trace(first.T @ first) * np.eye(3)
        matrix = np.linalg.solve(first.T @ first + ridge, first.T @ second + ridge).T
    return matrix, target_middle - matrix @ middle
