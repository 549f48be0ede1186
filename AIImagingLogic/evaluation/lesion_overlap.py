"""Outlined lesions against a reference: hits, false ones, Dice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.measure.label_overlap import mask_dice

Mask = NDArray[np.bool_]

_NEIGHBOURS = np.ones((3, 3, 3), bool)


@dataclass(frozen=True)
class LesionOverlap:
    """How outlined lesions agree with a reference.

    Attributes
    ----------
    hit : of each reference lesion that counts, whether it was hit, largest first
    volumes_mm3 : of these
    false_lesions : outlined parts that touch no reference lesion enough
    dice : of the whole masks, lesions too small to count included
    dice_without_largest : of both without the largest reference lesion and what lies connected over it
    """

    hit: tuple[bool, ...]
    volumes_mm3: tuple[float, ...]
    false_lesions: int
    dice: float
    dice_without_largest: float

    @property
    def sensitivity(self) -> float:
        """Share of the reference lesions that were hit; not a number when there is none."""
        return float(np.mean(self.hit)) if self.hit else float("nan")


def lesion_overlap(
    reference: Mask, found: Mask, voxel_mm3: float, least_mm3: float = 30.0, hit_share: float = 0.1
) -> LesionOverlap:
    """Compare outlined lesions with a reference, as parts connected over faces, edges and corners.

    Parameters
    ----------
    reference, found : 3D, one grid
    voxel_mm3 : volume of a voxel
    least_mm3 : smaller reference lesions are not counted as missed, smaller outlined parts not as false
    hit_share : a reference lesion is hit when this share of it was outlined; an outlined part is true when it hits a
        reference lesion of any size, or this share of it lies on the reference
    """
    expected, count = ndimage.label(reference, _NEIGHBOURS)
    parts, part_count = ndimage.label(found, _NEIGHBOURS)
    table = np.zeros((count + 1, part_count + 1), np.int64)
    np.add.at(table, (expected.ravel(), parts.ravel()), 1)
    sizes, part_sizes = table.sum(axis=1), table.sum(axis=0)
    order = [number for number in np.argsort(-sizes[1:], kind="stable") + 1 if sizes[number] * voxel_mm3 >= least_mm3]
    covered = table[:, 1:].sum(axis=1) >= hit_share * sizes
    hits = table[1:, 1:] >= hit_share * sizes[1:, None] if count else np.zeros((0, part_count), bool)
    true = hits.any(axis=0) | (table[1:, 1:].sum(axis=0) >= hit_share * part_sizes[1:])
    false = ~true & (part_sizes[1:] * voxel_mm3 >= least_mm3)
    largest = int(np.argmax(sizes[1:])) + 1 if count else 0
    over_largest = np.flatnonzero(table[largest, 1:] * bool(count)) + 1
    rest, rest_found = reference & (expected != largest), found & ~np.isin(parts, over_largest)
    return LesionOverlap(
        tuple(bool(covered[number]) for number in order),
        tuple(float(sizes[number] * voxel_mm3) for number in order),
        int(false.sum()),
        mask_dice(reference, found),
        mask_dice(rest, rest_found),
    )
