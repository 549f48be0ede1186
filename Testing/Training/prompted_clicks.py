"""A person who clicks: first into the object, then into the middle of the largest error; or who starts otherwise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]


class Clicker:
    """Draws prompts for one object.

    Parameters
    ----------
    truth : the object
    random : decides how far from the middle a click falls

    Attributes
    ----------
    inside, outside : voxels that were clicked
    around : float32, 1 outside a box that was shown
    """

    def __init__(self, truth: Mask, random: np.random.Generator) -> None:
        self.truth, self._random = truth, random
        self.inside: list[tuple[int, int, int]] = []
        self.outside: list[tuple[int, int, int]] = []
        self.around = np.zeros(truth.shape, np.float32)

    def click(self, outline: Mask) -> None:
        """Click into the largest error of `outline`; an empty one has the whole object as its error."""
        wrong = outline ^ self.truth
        labels, count = ndimage.label(wrong)
        if count == 0:
            return
        largest = labels == 1 + np.bincount(labels.ravel())[1:].argmax()
        depth = ndimage.distance_transform_edt(np.pad(largest, 1))[1:-1, 1:-1, 1:-1]
        # A person does not hit the very middle.
        deep = np.argwhere(depth >= depth.max() * self._random.uniform(0.5, 1.0))
        place = deep[self._random.integers(len(deep))]
        into = self.inside if self.truth[tuple(place)] else self.outside
        into.append((int(place[0]), int(place[1]), int(place[2])))

    def box(self) -> None:
        """Show a box: all around it is outside."""
        places = np.argwhere(self.truth)
        margin = self._random.integers(0, 3, (2, 3))
        first = np.maximum(places.min(0) - margin[0], 0)
        last = places.max(0) + 1 + margin[1]
        self.around[...] = 1.0
        self.around[tuple(slice(start, end) for start, end in zip(first, last))] = 0.0


def spoilt(truth: Mask, random: np.random.Generator) -> NDArray[np.float32]:
    """Return what a network might have proposed: the object with pieces lost and gained, grown or shrunk."""
    depth = ndimage.distance_transform_edt(truth) - ndimage.distance_transform_edt(~truth)
    side = truth.shape[0]
    grid = random.normal(0, 1, (6, 6, 6))
    noise = ndimage.zoom(grid, side / 6, order=1)[:side, :side, :side]
    most = max(float(depth.max()), 1.0)
    moved = depth + random.normal(0, 0.25) * most + noise * random.uniform(0.1, 0.7) * most
    return np.asarray(moved > 0, np.float32)
