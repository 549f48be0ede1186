"""Anchors: the boxes at every place of every feature map that a network's predictions are relative to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.inference.detection.recipe import AnchorShapes

Boxes = NDArray[np.float32]


def anchor_boxes(shapes: AnchorShapes, window: Sequence[int]) -> list[Boxes]:
    """Return the anchors of each feature map: (places x anchors, 6) each.

    Parameters
    ----------
    shapes : of the anchors, and of the feature maps
    window : (3,) voxels, in the order of the network's axes; multiples of every step

    Returns
    -------
    list
        Least and greatest corner, in voxels of the window, whose first voxel has its middle at 0. The last axis of the
        network runs fastest, and at every place the anchors follow each other.

    Notes
    -----
    Half edge lengths are rounded, halves to the even number, and an anchor's middle is half a step of its map, rounded
    down, from its place's first voxel: so were published networks trained.

    References
    ----------
    Lin T-Y, et al. Focal loss for dense object detection. ICCV 2017. The convention is that of MONAI's
    ``AnchorGeneratorWithAnchorShape``.
    """
    boxes = []
    for scale, steps in zip(shapes.scales, shapes.steps, strict=True):
        half = np.rint(np.array(shapes.base, np.float32) * np.float32(scale) / np.float32(2))
        corners = np.concatenate([-half, half], axis=1)
        middles = [np.arange(size // step) * step + step // 2 for size, step in zip(window, steps, strict=True)]
        centre = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(-1, 1, 3).astype(np.float32)
        boxes.append((np.tile(centre, (1, 1, 2)) + corners).reshape(-1, 6))
    return boxes
