"""Which of the outlines that the marks allow is meant, and whether the one so far is so wrong that it is asked anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.prompted_outline.correction import outline_distance_mm
from AIImagingLogic.models.builtin.prompted_outline.offer_features import Asked, features_of
from AIImagingLogic.models.builtin.prompted_outline.offer_score import offer_score
from AIImagingLogic.models.builtin.prompted_outline.offers import NODES, Offer
from AIImagingLogic.models.builtin.prompted_outline.painted_prompts import Mark
from AIImagingLogic.models.builtin.prompted_outline.work_grid import work_grid

Flags = NDArray[np.bool_]
Voxels = NDArray[np.int64]

# A click deeper in the error than this share of the outline's own depth shows that much of the outline is wrong.
WRONG = 0.5
# The corrected outline is given up for one that is expected to be better by this much for each mark before the last:
# they speak for what came of them.
_BETTER_BY = 0.04
_MARGIN_NODES = 3
# Near a mark is up to this many times as far as the outline; of two corrections one as large as this share is alike.
_NEAR = 1.3
_ALIKE = 0.9


def best_offer(offers: Sequence[Offer], asked: Asked) -> Offer:
    """Return the outline that is likeliest meant; a correction of the one so far rather than another."""
    expected = offer_score().expected_dice(np.array([features_of(offer, asked) for offer in offers]))
    margin = _BETTER_BY * max(len(asked.marks) - 1, 0)
    expected += [margin * (offer.way in ("correction", "near")) for offer in offers]
    return offers[int(expected.argmax())]


def error_depth(mask: Flags, spacing_mm: NDArray[np.float64], extent: tuple[Voxels, Voxels], mark: Mark) -> float:
    """Return how deep a mark lies in the error, over how deep the outline (K, J, I) is where it is deepest.

    A click lies in the middle of the largest error. When that is as thick as the whole outline, little of it is right.
    """
    grid = work_grid(mask, spacing_mm, extent[0] - 1, extent[1], NODES)
    depth = ndimage.distance_transform_edt(np.pad(grid.mean_of(mask) >= 0.5, 1), sampling=grid.spacing_mm)
    deepest = max(float(depth.max()), float(grid.spacing_mm.min()) / 2)
    return outline_distance_mm(mask, spacing_mm, mark.voxels, mark.inside) / deepest


def offer_of_mask(
    volume: NDArray[Any], mask: Flags, spacing_mm: NDArray[np.float64], extent: tuple[Voxels, Voxels]
) -> Offer:
    """Return an outline that is there as one that is offered."""
    grid = work_grid(volume, spacing_mm, extent[0] - _MARGIN_NODES, extent[1] + _MARGIN_NODES - 1, NODES)
    return Offer(grid, grid.mean_of(mask) >= 0.5, "correction")


def part_of_correction(kept: Offer, mask: Flags, spacing_mm: NDArray[np.float64], mark: Mark) -> list[Offer]:
    """Return a correction (`kept`) of an outline (K, J, I) without what it changes far from the mark; none if alike."""
    grid = kept.grid
    now = grid.mean_of(mask) >= 0.5
    changed = kept.region != now
    reach_mm = _NEAR * outline_distance_mm(mask, spacing_mm, mark.voxels, mark.inside)
    marked_nodes = np.ones(grid.shape, bool)
    marked_nodes[tuple(grid.node(mark.voxels).T)] = False
    away_mm = ndimage.distance_transform_edt(marked_nodes, sampling=grid.spacing_mm)
    near = changed & (away_mm <= reach_mm)
    if not near.any() or np.count_nonzero(near) > _ALIKE * np.count_nonzero(changed):
        return []
    return [replace(kept, region=now ^ near, way="near")]
