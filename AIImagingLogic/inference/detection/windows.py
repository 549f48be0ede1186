"""Where the windows lie that a detection network sees, and which of its boxes each window may judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.inference.detection.recipe import DetectionRecipe, Triple


@dataclass(frozen=True)
class DetectionWindows:
    """Windows over an image, all in the order of the network's axes.

    Attributes
    ----------
    size : (3,) voxels of every window
    starts : first voxels along each axis; every combination is a window, and the last may reach beyond the image's end
    margin : (3,) voxels at a face between windows that are the neighbour's to judge
    """

    size: Triple
    starts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    margin: Triple

    def __iter__(self) -> Iterator[Triple]:
        return iter(product(*self.starts))

    def __len__(self) -> int:
        return int(np.prod([len(along) for along in self.starts]))

    def voxels(self, start: Triple) -> tuple[slice, slice, slice]:
        """Return the voxels of the window at `start`."""
        i, j, k = (slice(first, first + size) for first, size in zip(start, self.size, strict=True))
        return i, j, k

    def judged(self, start: Triple, centres: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        """Say of box centres (N, 3), in voxels of the image, whether the window at `start` is the one to judge them.

        At the border of a window the network does not see the whole surroundings. Neighbours overlap by four margins:
        every place of the image is judged by at least one window, most of the overlap by both.
        """
        counts = np.ones(len(centres), bool)
        for axis in range(3):
            along = self.starts[axis]
            low = start[axis] + self.margin[axis] if start[axis] != along[0] else -np.inf
            high = start[axis] + self.size[axis] - self.margin[axis] if start[axis] != along[-1] else np.inf
            counts &= (centres[:, axis] >= low) & (centres[:, axis] <= high)
        return counts


def plan_detection_windows(
    size: Sequence[int], recipe: DetectionRecipe, window: Sequence[int] | None = None
) -> DetectionWindows:
    """Cover an image with windows.

    Parameters
    ----------
    size : (3,) voxels of the image on the network's grid
    recipe : gives window, overlap and what both are multiples of
    window : in place of the recipe's

    Notes
    -----
    Windows begin at multiples of `divisible_by`, so that the network's feature maps lie as they would if it saw the
    whole image at once. They are spread evenly: the overlap is at least the recipe's.
    """
    asked = window or recipe.feeding.window
    sizes, starts, margins = [], [], []
    for axis in range(3):
        unit = recipe.divisible_by[axis]
        whole = -(-size[axis] // unit)
        length = whole if asked is None or asked[axis] <= 0 else min(-(-asked[axis] // unit), whole)
        step = max(int(length * (1 - recipe.feeding.overlap)), 1)
        count = -(-(whole - length) // step) + 1
        even = (whole - length) / max(count - 1, 1)
        along = [round(number * even) for number in range(count)]
        narrowest = min((before + length - after for before, after in pairwise(along)), default=0)
        sizes.append(length * unit)
        starts.append(tuple(start * unit for start in along))
        margins.append(max(narrowest, 0) * unit // 4)
    return DetectionWindows(_triple(sizes), (starts[0], starts[1], starts[2]), _triple(margins))


def _triple(values: Sequence[int]) -> Triple:
    first, second, third = values
    return first, second, third
