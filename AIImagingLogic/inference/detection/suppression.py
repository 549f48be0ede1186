"""Of boxes that mean the same thing, the best one stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]


def overlap(boxes: Boxes, other: Boxes) -> NDArray[np.float32]:
    """Return the share of their union that boxes (N, 6) have in common with one box (6,): (N,) 0..1."""
    shared = np.minimum(boxes[:, 3:], other[3:]) - np.maximum(boxes[:, :3], other[:3])
    common = np.prod(np.maximum(shared, 0), axis=1)
    volumes = np.prod(boxes[:, 3:] - boxes[:, :3], axis=1)
    union = volumes + np.prod(other[3:] - other[:3]) - common
    return (common / np.maximum(union, np.finfo(np.float32).tiny)).astype(np.float32)


def best_of_each(
    boxes: Boxes, scores: NDArray[np.float32], labels: NDArray[np.int64], allowed: float, most: int
) -> NDArray[np.int64]:
    """Return the numbers of the boxes that stay, the best first.

    Parameters
    ----------
    boxes : (N, 6) least and greatest corner
    scores : (N,); of two alike the one that comes first is the better one
    labels : (N,) class of each; boxes of two classes do not push each other out
    allowed : share of their union that two boxes of one class may have in common
    most : boxes to keep

    References
    ----------
    Neubeck A, Van Gool L. Efficient non-maximum suppression. ICPR 2006.
    """
    waiting = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(waiting) and len(kept) < most:
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        rival = labels[waiting] == labels[best]
        waiting = waiting[~(rival & (overlap(boxes[waiting], boxes[best]) > allowed))]
    return np.array(kept, np.int64)
