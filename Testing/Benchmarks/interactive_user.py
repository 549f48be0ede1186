"""A simulated user: clicks in the middle of the largest error, or starts with a box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.images.geometry import index_matrix, index_to_world
from AIImagingLogic.records.boxes import OrientedBox, Vector
from AIImagingLogic.records.prompts import Prompts

Mask = NDArray[np.bool_]
# What answers the prompts so far: the whole mask (k, j, i) after each.
Answer = Callable[[Prompts], Mask]
_BOX_MARGIN_MM = 3.0


@dataclass(frozen=True)
class Course:
    """Dice after each interaction, and the last mask."""

    dice: tuple[float, ...]
    last: Mask
    prompts: Prompts


def dice_of(first: Mask, second: Mask) -> float:
    """Return the Dice overlap of two masks, 1 for two empty ones."""
    total = int(first.sum()) + int(second.sum())
    return 2.0 * int((first & second).sum()) / total if total else 1.0


def middle_of_largest(region: Mask, spacing_mm: tuple[float, ...]) -> tuple[tuple[int, ...], int]:
    """Return the index (k, j, i) deepest in the largest part of a region, and that part's voxels; 0 when empty."""
    parts, count = ndimage.label(region)
    if not count:
        return (0, 0, 0), 0
    sizes = np.bincount(parts.ravel())[1:]
    part = parts == sizes.argmax() + 1
    where = ndimage.find_objects(part.astype(np.int8))[0]
    # The border of the image counts as a border of the part.
    depth = ndimage.distance_transform_edt(np.pad(part[where], 1), sampling=spacing_mm[::-1])[1:-1, 1:-1, 1:-1]
    at = np.unravel_index(int(depth.argmax()), depth.shape)
    return tuple(int(a + s.start) for a, s in zip(at, where, strict=True)), int(sizes.max())


def play(image: sitk.Image, truth: Mask, answer: Answer, clicks: int, box_start: bool) -> Course:
    """Give `clicks` interactions, the first of them a box when asked for, each in the middle of the largest error."""
    prompts = Prompts()
    mask = np.zeros_like(truth)
    scores = []
    for number in range(clicks):
        if number == 0 and box_start:
            prompts = Prompts(box=box_around(image, truth))
        else:
            prompts = _next_click(image, truth, mask, prompts)
        mask = answer(prompts)
        scores.append(dice_of(mask, truth))
    return Course(tuple(scores), mask, prompts)


def box_around(image: sitk.Image, truth: Mask) -> OrientedBox:
    """Return the box along the image's axes around the truth, 3 mm wider on each side."""
    where = ndimage.find_objects(truth.astype(np.int8))[0]
    first = np.array([s.start for s in where])[::-1] - 0.5
    last = np.array([s.stop for s in where])[::-1] - 0.5
    axes = index_matrix(image) / np.array(image.GetSpacing())
    size = (last - first) * np.array(image.GetSpacing()) + 2 * _BOX_MARGIN_MM
    rows = tuple(_vector(axes[:, n]) for n in range(3))
    return OrientedBox(_vector(index_to_world(image, (first + last) / 2)), _vector(size), rows)  # type: ignore[arg-type]


def _next_click(image: sitk.Image, truth: Mask, mask: Mask, prompts: Prompts) -> Prompts:
    missing, missing_size = middle_of_largest(truth & ~mask, image.GetSpacing())
    wrong, wrong_size = middle_of_largest(mask & ~truth, image.GetSpacing())
    if not missing_size and not wrong_size:
        return prompts
    inside = missing_size >= wrong_size
    point = _vector(index_to_world(image, (missing if inside else wrong)[::-1]))
    if inside:
        return replace(prompts, inside_mm=(*prompts.inside_mm, point))
    return replace(prompts, outside_mm=(*prompts.outside_mm, point))


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
