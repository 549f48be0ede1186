"""From a network's six figures a box to the box."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# A box is at most this many times its anchor: larger figures come from networks that have gone astray.
_LARGEST_LOG = math.log(1000.0 / 16.0)

Boxes = NDArray[np.float32]


def decode_boxes(codes: NDArray[np.float32], anchors: Boxes, weights: Sequence[float]) -> Boxes:
    """Return the boxes that a network means.

    Parameters
    ----------
    codes : (N, 6): shift of the centre as a share of the anchor's edge, and logarithm of the ratio of the edges
    anchors : (N, 6) least and greatest corner
    weights : (6,) by which the codes were multiplied

    Returns
    -------
    (N, 6) least and greatest corner, in the units of the anchors

    References
    ----------
    Girshick R, et al. Rich feature hierarchies for accurate object detection and semantic segmentation. CVPR 2014.
    """
    shares = codes / np.asarray(weights, np.float32)
    edges = anchors[:, 3:] - anchors[:, :3]
    centres = anchors[:, :3] + np.float32(0.5) * edges + shares[:, :3] * edges
    half = np.float32(0.5) * np.exp(np.minimum(shares[:, 3:], np.float32(_LARGEST_LOG))) * edges
    return np.concatenate([centres - half, centres + half], axis=1).astype(np.float32)
