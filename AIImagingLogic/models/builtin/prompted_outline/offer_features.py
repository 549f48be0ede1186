"""What tells whether an outline is the one that is meant: its edges, its looks, its size, and where the clicks lie.

A person clicks in the middle of an object first, and then in the middle of the largest error. So of the outline that is
meant, the first click lies in the middle; and of what it would change of the outline so far, the last click lies in the
middle of the largest part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.prompted_outline.edge_levels import FEW_PAIRS, FULL_EDGE
from AIImagingLogic.models.builtin.prompted_outline.node_pairs import node_pairs
from AIImagingLogic.models.builtin.prompted_outline.offers import NODES, Offer, open_faces
from AIImagingLogic.models.builtin.prompted_outline.painted_prompts import Mark
from AIImagingLogic.models.builtin.prompted_outline.unlike import log_ratio
from AIImagingLogic.models.builtin.prompted_outline.work_grid import WorkGrid, region_on, work_grid

Flags = NDArray[np.bool_]
Voxels = NDArray[np.int64]

FEATURES = (
    "edges",
    "cut",
    "log_nodes",
    "off_first",
    "off_last",
    "larger_elsewhere",
    "unlike",
    "spread",
    "surface",
    "not_round",
    "contradicted",
    "correction",
    "correction_error",
    "walk",
    "error",
    "from_nothing",
    "depth",
    "thickness",
    "marks",
    "mark_inside",
    "share_of_image",
    "image_ends",
    "ends_opposite",
    "grows",
    "near_part",
    "in_box",
    "fills_box",
    "largest_gap",
    "mean_gap",
    "path_in_box",
    "looks",
    "off_box_middle",
)
_SHELL_NODES = 4
_MARGIN_NODES = 2
_MOST_TIMES_DEEPER = 20.0
# Off the middle by less than this, as log of depths, says nothing: a person's hand is not exact.
_TOLERANCE = 0.3
_LARGEST_LOG_ERROR = 1.5
_LEAST_ERROR = 0.05
_MOST_LOG_GROWTH = 3.0


@dataclass(frozen=True)
class Asked:
    """What an outline is to answer.

    Attributes
    ----------
    volume : (K, J, I) intensities
    spacing_mm : (3,) along k, j, i
    mask : (K, J, I) the outline so far
    extent : its first voxel and the one after its last; None where there is no outline so far
    marks : all that were shown, in their order
    inside, outside : (N, 3) voxels k, j, i that they show
    error : how deep the last click lies in the error, over the depth of the outline so far
    """

    volume: NDArray[Any]
    spacing_mm: NDArray[np.float64]
    mask: Flags
    extent: tuple[Voxels, Voxels] | None
    marks: Sequence[Mark]
    inside: Voxels
    outside: Voxels
    error: float = 1.0


def features_of(offer: Offer, asked: Asked) -> NDArray[np.float64]:
    """Return the figures of one outline in the order of `FEATURES`."""
    grid, region = offer.grid, offer.region
    pairs = node_pairs(grid)
    flat = region.ravel()
    crossed = flat[pairs.one] != flat[pairs.other]
    strength = np.clip(np.abs(pairs.rise[crossed]) / FULL_EDGE, 0, 1)
    cut = int((region & open_faces(grid, np.array(asked.volume.shape))).sum())
    surface = int(crossed.sum()) + cut
    count = max(int(region.sum()), 1)
    first = _click(asked.marks[0]) if asked.marks and asked.marks[0].inside and offer.box is None else None
    times_deeper, depth_mm, deepest_mm = _depths(region, grid, first)
    radius_mm = (3 * count * float(np.prod(grid.spacing_mm)) / (4 * np.pi)) ** (1 / 3)
    steps = ndimage.distance_transform_cdt(~region, "taxicab") if not region.all() else np.zeros(region.shape, int)
    shell = (steps > 0) & (steps <= _SHELL_NODES)
    ratio = log_ratio(grid, region, shell)
    off_first = _off_middle(times_deeper)
    off_last, larger = (off_first, 0.0) if asked.extent is None else _as_change(offer, asked)
    error = min(float(np.log(max(asked.error, _LEAST_ERROR))), _LARGEST_LOG_ERROR) if asked.extent is not None else 0.0
    correction = float(offer.way in ("correction", "near"))
    figures = {
        "edges": float(strength.sum()) / (surface + FEW_PAIRS),
        "cut": cut / surface if surface else 0.0,
        "log_nodes": float(np.log(count)),
        "off_first": off_first,
        "off_last": off_last,
        "larger_elsewhere": larger,
        "unlike": float(ratio[region].mean() - ratio[shell].mean()) if shell.any() and region.any() else 0.0,
        "spread": float(np.log(float(np.std(grid.smoothed[region])) / grid.noise + 0.1)) if region.any() else 0.0,
        "surface": float(np.log(max(surface, 1) / (6 * count ** (2 / 3)))),
        "not_round": float(np.log(radius_mm / max(deepest_mm, 0.1))),
        "contradicted": float(_contradicted(offer, asked)),
        "correction": correction,
        "correction_error": correction * error,
        "walk": float(offer.way == "walk"),
        "error": error,
        "from_nothing": float(asked.extent is None),
        "depth": float(np.log(max(depth_mm, 1e-3) / float(grid.spacing_mm.min()))),
        "thickness": float(np.log(min(region.shape))),
        "marks": float(len(asked.marks)),
        "mark_inside": float(asked.marks[-1].inside if asked.marks else True),
        "share_of_image": float(np.log(count * float(np.prod(grid.step)) / asked.volume.size)),
    }
    figures["near_part"] = float(offer.way == "near")
    figures["grows"] = min(offer.grows, _MOST_LOG_GROWTH)
    figures |= _at_image_ends(offer, asked, surface)
    figures |= _in_box(offer, count)
    return np.array([figures[name] for name in FEATURES])


def _at_image_ends(offer: Offer, asked: Asked, surface: int) -> dict[str, float]:
    """Return how much of an outline lies where the image ends, and along how many axes it runs right through."""
    grid, size = offer.grid, np.array(asked.volume.shape)
    ends = grid.first + grid.step * (np.array(grid.shape) + 1)
    nodes, through = 0, 0
    for axis in range(3):
        along = np.moveaxis(offer.region, axis, 0)
        first = int(along[0].sum()) if grid.first[axis] <= 0 else 0
        last = int(along[-1].sum()) if ends[axis] > size[axis] else 0
        nodes += first + last
        through += int(first > 0 and last > 0)
    return {"image_ends": nodes / max(surface + nodes, 1), "ends_opposite": float(through)}


def _in_box(offer: Offer, count: int) -> dict[str, float]:
    """Return how an outline fills the box that was drawn; zeros without one."""
    names = FEATURES[FEATURES.index("in_box") :]
    if offer.box is None:
        return dict.fromkeys(names, 0.0)
    held = offer.box.places[offer.region]
    gaps = np.clip(np.concatenate([1 - held.max(axis=0), 1 + held.min(axis=0)]) / 2, 0, 1) if len(held) else np.ones(6)
    values = (
        1.0,
        float(np.log(count / max(int(offer.box.allowed.sum()), 1))),
        float(gaps.max()),
        float(gaps.mean()),
        float(offer.way == "path"),
        float(offer.way == "looks"),
        float(np.linalg.norm(held.mean(axis=0))) if len(held) else 1.0,
    )
    return dict(zip(names, values, strict=True))


def _as_change(offer: Offer, asked: Asked) -> tuple[float, float]:
    """Return how far off the middle of what it changes the last click lies, and how much larger a change is elsewhere.

    Both as logs, 0 at best.
    """
    assert asked.extent is not None
    mark = asked.marks[-1]
    grid = _grid_of_both(offer, asked)
    now, then = grid.mean_of(asked.mask) >= 0.5, region_on(grid, offer.grid, offer.region)
    own, other = (then & ~now, now & ~then) if mark.inside else (now & ~then, then & ~now)
    nodes = grid.node(mark.voxels)
    own[tuple(nodes.T)] = True
    parts, count = ndimage.label(own)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    part = parts == parts[tuple(nodes[len(nodes) // 2])]
    elsewhere, others = ndimage.label(other)
    largest = max(int(sizes.max()), int(np.bincount(elsewhere.ravel())[1:].max()) if others else 0)
    times_deeper, _, _ = _depths(part, grid, _click(mark))
    return _off_middle(times_deeper), float(np.log(largest / max(int(part.sum()), 1)))


def _grid_of_both(offer: Offer, asked: Asked) -> WorkGrid:
    """Return a grid that holds an outline, the one so far, and the last mark."""
    assert asked.extent is not None
    where = ndimage.find_objects(offer.region.astype(np.int8))[0]
    corner = offer.grid.first + offer.grid.step * np.array([s.start for s in where])
    end = offer.grid.first + offer.grid.step * np.array([s.stop for s in where])
    voxels = asked.marks[-1].voxels
    low = np.min([corner, asked.extent[0], voxels.min(axis=0)], axis=0) - _MARGIN_NODES
    high = np.max([end - 1, asked.extent[1] - 1, voxels.max(axis=0)], axis=0) + _MARGIN_NODES
    return work_grid(asked.mask, asked.spacing_mm, low, high, NODES)


def _click(mark: Mark) -> Voxels | None:
    """Return the voxel of a click; a stroke says nothing of the middle: None."""
    return mark.voxels[0] if len(mark.voxels) == 1 else None


def _depths(region: Flags, grid: WorkGrid, click: Voxels | None) -> tuple[float, float, float]:
    """Return how many times as deep a region is as at a click, the depth there, and the largest, mm.

    Without a click it is as if it lay where the region is deepest.
    """
    if not region.any():
        return _MOST_TIMES_DEEPER, 0.1, 1.0
    node = None if click is None else grid.node(click)[0]
    if node is not None and not region[tuple(node)]:
        return _MOST_TIMES_DEEPER, 0.1, 1.0
    where = ndimage.find_objects(region.astype(np.int8))[0]
    depth = ndimage.distance_transform_edt(np.pad(region[where], 1), sampling=grid.spacing_mm)[1:-1, 1:-1, 1:-1]
    deepest = float(depth.max())
    own = deepest if node is None else float(depth[tuple(node - [s.start for s in where])])
    return min(deepest / max(own, 1e-3), _MOST_TIMES_DEEPER), own, deepest


def _off_middle(times_deeper: float) -> float:
    return max(float(np.log(times_deeper)) - _TOLERANCE, 0.0)


def _contradicted(offer: Offer, asked: Asked) -> int:
    """Return how many nodes that were shown lie on the wrong side."""
    grid = offer.grid
    wrong = int((~offer.region[tuple(grid.node(asked.inside).T)]).sum())
    held = asked.outside[grid.holds(asked.outside)]
    return wrong + int(offer.region[tuple(grid.node(held).T)].sum())
