"""What a network gives for one window becomes boxes with scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.inference.detection.box_coding import decode_boxes
from AIImagingLogic.inference.detection.recipe import DetectionRecipe
from AIImagingLogic.inference.detection.suppression import best_of_each

_CODES = 6
_LEAST_EDGE = 1.0


@dataclass(frozen=True)
class ScoredBoxes:
    """Boxes of one window or image.

    Attributes
    ----------
    corners : (N, 6) least and greatest corner; the middle of the first voxel is 0; in the order of the network's axes
    scores : (N,) 0..1
    labels : (N,) number of the class
    """

    corners: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> ScoredBoxes:
        return ScoredBoxes(self.corners[which], self.scores[which], self.labels[which])

    def moved(self, by: Sequence[int]) -> ScoredBoxes:
        """Return the boxes moved by (3,) voxels."""
        return ScoredBoxes(self.corners + np.tile(np.asarray(by, np.float32), 2), self.scores, self.labels)

    def clipped(self, size: Sequence[int]) -> ScoredBoxes:
        """Return the boxes cut off at the faces of an image of (3,) voxels; those of less than a voxel are left out."""
        corners = np.clip(self.corners, 0, np.tile(np.asarray(size, np.float32), 2))
        whole = np.all(corners[:, 3:] >= corners[:, :3] + _LEAST_EDGE, axis=1)
        return ScoredBoxes(corners[whole], self.scores[whole], self.labels[whole])

    def without_rivals(self, recipe: DetectionRecipe) -> ScoredBoxes:
        """Return the best of boxes that overlap, the best of all first."""
        stay = best_of_each(self.corners, self.scores, self.labels, recipe.overlap_allowed, recipe.most_boxes)
        return self[stay]


def joined(parts: Sequence[ScoredBoxes]) -> ScoredBoxes:
    """Return the boxes of all parts, in order; of no parts, none."""
    if not parts:
        return ScoredBoxes(np.empty((0, 6), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
    return ScoredBoxes(
        np.concatenate([part.corners for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def read_boxes(
    values: NDArray[np.float32], anchors: Sequence[NDArray[np.float32]], recipe: DetectionRecipe
) -> ScoredBoxes:
    """Return the likely boxes of one window, map by map, the best of each map first.

    Parameters
    ----------
    values : (N, classes + 6) logit of each class and the code of the box, in the order of the anchors
    anchors : of each feature map, as `anchor_boxes` gives them; N in all
    recipe : which boxes to take
    """
    parts, start = [], 0
    for boxes in anchors:
        own = values[start : start + len(boxes)]
        start += len(boxes)
        logits = own[:, :-_CODES]
        scores = (1.0 / (1.0 + np.exp(-logits.astype(np.float64)))).astype(np.float32).reshape(-1)
        likely = np.flatnonzero(scores > np.float32(recipe.least_score))
        likely = likely[np.argsort(-scores[likely], kind="stable")[: recipe.candidates_per_map]]
        places, labels = np.divmod(likely, logits.shape[1])
        corners = decode_boxes(own[places, -_CODES:], boxes[places], recipe.code_weights)
        parts.append(ScoredBoxes(corners, scores[likely], labels.astype(np.int64)))
    return joined(parts)
