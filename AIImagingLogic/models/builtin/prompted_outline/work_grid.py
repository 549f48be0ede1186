"""The small grid on which an outline is sought: a part of the image, coarse enough to be quick."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

# Coarse voxels average two samples along an axis, this share of a step from either end: all of them would cost a pass
# over the whole image.
_SAMPLE = 0.25
_NOISE_SMOOTHING = 0.6


@dataclass(frozen=True)
class WorkGrid:
    """A box of an image, every `step` voxels; all in the order k, j, i.

    Attributes
    ----------
    first : (3,) voxel of the image with which the box begins
    step : (3,) voxels of the image to one node, along each axis
    spacing_mm : (3,) of the nodes
    values : (K, J, I) float32, means over the image
    """

    first: NDArray[np.int64]
    step: NDArray[np.int64]
    spacing_mm: NDArray[np.float64]
    values: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, ...]:
        """Nodes along k, j, i."""
        return self.values.shape

    @property
    def slices(self) -> tuple[slice, ...]:
        """The box in the image."""
        ends = self.first + self.step * np.array(self.shape)
        return tuple(slice(int(a), int(b)) for a, b in zip(self.first, ends, strict=True))

    @cached_property
    def smoothed(self) -> NDArray[np.float32]:
        """The values, a little smoothed."""
        sigma = [_NOISE_SMOOTHING if n > 1 else 0.0 for n in self.shape]
        return np.asarray(ndimage.gaussian_filter(self.values, sigma), np.float32)

    @cached_property
    def noise(self) -> float:
        """The usual difference between smoothed neighbours: the unit in which edges are strong or weak."""
        steps = [np.abs(np.diff(self.smoothed, axis=a)).ravel() for a in range(3) if self.shape[a] > 1]
        if not steps:
            return 1.0
        joined = np.concatenate(steps)
        # Air and masked voxels are all the same; they say nothing of noise.
        some = joined[joined > 0]
        return max(1.5 * float(np.median(some)), 1e-6) if len(some) else 1.0

    def node(self, index: ArrayLike) -> NDArray[np.int64]:
        """Return the nodes (N, 3) of voxels (N, 3) of the image, the nearest ones for voxels beside the box."""
        nodes = (np.asarray(index).reshape(-1, 3) - self.first) // self.step
        return np.clip(nodes, 0, np.array(self.shape) - 1)

    def holds(self, index: ArrayLike) -> NDArray[np.bool_]:
        """Say of each voxel (N, 3) of the image whether it lies in the box."""
        nodes = (np.asarray(index).reshape(-1, 3) - self.first) // self.step
        return np.all((nodes >= 0) & (nodes < np.array(self.shape)), axis=1)

    def mean_of(self, volume: NDArray[Any]) -> NDArray[np.float32]:
        """Return another volume on the image's grid (k, j, i) on these nodes."""
        return _means(volume, self.first, self.step, np.array(self.shape))


def work_grid(
    volume: NDArray[Any],
    spacing_mm: NDArray[np.float64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    most_nodes: int,
) -> WorkGrid:
    """Return a grid over the voxels `first`..`last` (both in it), of at most about `most_nodes` nodes.

    Parameters
    ----------
    volume : (K, J, I) intensities
    spacing_mm : (3,) along k, j, i
    first, last : (3,) voxels, k, j, i; cut to the image
    most_nodes : thick slices stay as they are while there is room in the slices' plane
    """
    size = np.array(volume.shape)
    first, last = np.clip(first, 0, size - 1), np.clip(last, 0, size - 1)
    count = last - first + 1
    step = np.ones(3, dtype=np.int64)
    while np.prod(np.ceil(count / step)) > most_nodes:
        # The axis with the finest spacing among those that can still be thinned.
        step[np.argmin(np.where(count > step, step * spacing_mm, np.inf))] += 1
    nodes = np.ceil(count / step).astype(np.int64)
    # A last node that would reach over the image's end is left out: it would be taken from elsewhere.
    nodes = np.maximum(np.minimum(nodes, (size - first) // step), 1)
    return WorkGrid(first, step, step * spacing_mm, _means(volume, first, step, nodes))


def region_on(
    grid: WorkGrid, of: WorkGrid, region: NDArray[np.bool_], elsewhere: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Return the nodes of one grid on another; `elsewhere` (voxels of the image) tells beside it, else nothing is."""
    lines = [grid.first[a] + grid.step[a] * np.arange(grid.shape[a]) + grid.step[a] // 2 for a in range(3)]
    nodes = [(lines[a] - of.first[a]) // of.step[a] for a in range(3)]
    held = [(nodes[a] >= 0) & (nodes[a] < of.shape[a]) for a in range(3)]
    result = np.zeros(grid.shape, bool) if elsewhere is None else elsewhere[np.ix_(*lines)].copy()
    inner = tuple(slice(int(np.argmax(h)), int(len(h) - np.argmax(h[::-1]))) for h in held)
    if all(h.any() for h in held):
        result[inner] = region[np.ix_(*(n[h] for n, h in zip(nodes, held, strict=True)))]
    return result


def _means(
    volume: NDArray[Any], first: NDArray[np.int64], step: NDArray[np.int64], nodes: NDArray[np.int64]
) -> NDArray[np.float32]:
    picks = []
    for axis in range(3):
        offsets = (
            [0] if step[axis] == 1 else [int(step[axis] * _SAMPLE), int(step[axis] - 1 - int(step[axis] * _SAMPLE))]
        )
        picks.append([slice(int(first[axis] + o), None, int(step[axis])) for o in offsets])
    size = tuple(slice(0, int(n)) for n in nodes)
    total = np.zeros(tuple(int(n) for n in nodes), np.float32)
    samples = 0
    for along_k in picks[0]:
        for along_j in picks[1]:
            for along_i in picks[2]:
                total += volume[along_k, along_j, along_i][size]
                samples += 1
    return total / np.float32(samples)
