"""What the network is fed with: grey values of any modality on one scale, prompts, and what is like them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

Volume = NDArray[np.float32]
NEAR_VOXELS = 4.0
"""At this distance from a prompt its map has fallen to 1/e."""
_PERCENTILES = (0.5, 99.5)
_LEAST_LIKE = 2.0
# Grey values of prompts that differ by less than this share of the image's deviation count as one.
_ONE_VALUE = 0.1


def network_input(image: Volume, inside: ArrayLike, outside: ArrayLike, around: Volume, before: Volume) -> Volume:
    """Return the five channels that the network sees, (5, k, j, i).

    Parameters
    ----------
    image : on the network's grid, as `normalised` gives it
    inside, outside : (N, 3) voxels shown to lie in the object or beside it; those beside the grid do not count
    around : 1 where a box says that the object is not, else 0
    before : what was outlined before, 0..1

    Notes
    -----
    The channels: image; nearness of an inside prompt; nearness of an outside prompt, or outside a box; the outline
    before; and how unlike the grey values at inside prompts each voxel is, 0 where it is like one of them. The last one
    says in the first layer what the network would have to carry there from the prompts.
    """
    shape = image.shape
    kept = [_within(places, shape) for places in (inside, outside)]
    unlike = np.zeros(shape, np.float32)
    if len(kept[0]):
        levels = ndimage.uniform_filter(image, 3)[tuple(kept[0].T)]
        levels = np.unique(np.rint(levels / _ONE_VALUE)) * _ONE_VALUE
        unlike = np.min([np.abs(image - level) for level in levels], axis=0).clip(0, _LEAST_LIKE).astype(np.float32)
    near = [_nearness(places, shape) for places in kept]
    return np.stack((image, near[0], np.maximum(near[1], around), before, unlike)).astype(np.float32)


def normalised(values: NDArray[np.floating]) -> Volume:
    """Return grey values cut off at two percentiles, with mean 0 and deviation 1; an even image is 0."""
    low, high = np.percentile(values, _PERCENTILES)
    cut = np.clip(values, low, high).astype(np.float32)
    deviation = float(cut.std())
    return (cut - cut.mean()) / deviation if deviation > 1e-6 * max(abs(float(high)), 1e-6) else np.zeros_like(cut)


def _within(places: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.int64]:
    voxels = np.asarray(places, np.int64).reshape(-1, 3)
    return np.unique(voxels[np.all((voxels >= 0) & (voxels < np.array(shape)), axis=1)], axis=0)


def _nearness(voxels: NDArray[np.int64], shape: tuple[int, ...]) -> Volume:
    if not len(voxels):
        return np.zeros(shape, np.float32)
    far = np.ones(shape, bool)
    far[tuple(voxels.T)] = False
    return np.exp(-ndimage.distance_transform_edt(far) / NEAR_VOXELS).astype(np.float32)
