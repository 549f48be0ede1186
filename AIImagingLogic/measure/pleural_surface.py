"""The pleura near a lesion, finer than the lung mask: a smooth surface through what the image shows beside the lesion.

A lung mask is drawn to a voxel and bridges a lesion on the pleura by closing. The volume of such a lesion hangs on
where exactly the pleura runs under it, so it is drawn here from the half-way points of lung and chest wall around it.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from AIImagingLogic.measure.fine_patch import FinePatch

# Half way between aerated lung (about -860 HU) and fat or muscle of the chest wall (-100..60 HU).
WALL_LEVEL_HU = -430.0
SEARCH_MM = 3.0
MINIMUM_POINTS = 30


def refined_lung(patch: FinePatch, center_mm: tuple[float, float, float], reach_mm: float) -> np.ndarray:
    """Return (z, y, x) bool: the inside of the lung, its border near the point redrawn where the image shows it.

    Parameters
    ----------
    patch : patch with a lung mask that includes the lesion
    center_mm : (3,) mm, LPS, in the lesion
    reach_mm : how far from the point the pleura matters; the lesion's radius and a little more

    Notes
    -----
    The surface is a quadratic height field over the plane of the mask's own border. Where the border is no such field
    (a corner, a fissure, a mediastinal recess) the mask stays as it is.
    """
    distance = np.linalg.norm(patch.offsets_mm(center_mm), axis=-1)
    border = patch.lung & ~ndimage.binary_erosion(patch.lung, border_value=1)
    if not (border & (distance < reach_mm)).any():
        return patch.lung
    soft = ndimage.gaussian_filter(patch.lung.astype(np.float32), 1.5 / patch.spacing_mm, mode="nearest")
    gradient = np.stack(np.gradient(soft), axis=-1)
    near = border & (distance < 1.4 * reach_mm + 2.0)
    nearest = np.unravel_index(np.where(border, distance, np.inf).argmin(), border.shape)
    weight = np.exp(-0.5 * (distance[near] / (0.7 * reach_mm + 2.0)) ** 2)
    outward = -(gradient[near] * weight[:, None]).sum(axis=0)
    if np.linalg.norm(outward) < 1e-6:
        return patch.lung
    frame = _frame(outward / np.linalg.norm(outward))
    points = (np.argwhere(near) - np.asarray(nearest)) * patch.spacing_mm
    local = points @ frame.T
    facing = -(gradient[near] @ frame[2]) / np.maximum(np.linalg.norm(gradient[near], axis=1), 1e-6) > 0.6
    crossings = _crossings(patch, np.asarray(nearest), frame, local)
    good = facing & np.isfinite(crossings)
    if good.sum() < MINIMUM_POINTS:
        return patch.lung
    fit = _robust_quadratic(local[good, :2], crossings[good])
    if fit is None:
        return patch.lung
    offsets = (np.indices(patch.lung.shape).reshape(3, -1).T - np.asarray(nearest)) * patch.spacing_mm
    height = offsets @ frame.T
    surface = _quadratic(height[:, :2]) @ fit
    # Only the skin of the mask is redrawn: far from the fitted surface the mask knows better.
    decided = (np.abs(height[:, 2] - surface) < SEARCH_MM) & (distance.ravel() < 1.4 * reach_mm + 2.0)
    result = np.where(decided, height[:, 2] < surface, patch.lung.ravel())
    return result.reshape(patch.lung.shape)


def _frame(normal: np.ndarray) -> np.ndarray:
    """Return rows (u, v, normal), orthonormal."""
    helper = np.eye(3)[np.abs(normal).argmin()]
    first = np.cross(normal, helper)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first), normal])


def _crossings(patch: FinePatch, base: np.ndarray, frame: np.ndarray, local: np.ndarray) -> np.ndarray:
    """Return the height at which each column first rises over the wall's level, NaN without aerated lung under it."""
    steps = np.arange(-SEARCH_MM, SEARCH_MM + 1e-6, 0.5 * patch.spacing_mm)
    heights = local[:, 2:3] + steps
    points = local[:, None, :2] @ frame[:2] + heights[:, :, None] * frame[2]
    index = points / patch.spacing_mm + base
    smooth = ndimage.gaussian_filter(patch.values, 0.5 / patch.spacing_mm, mode="nearest")
    values = ndimage.map_coordinates(smooth, index.reshape(-1, 3).T, order=1, mode="nearest").reshape(heights.shape)
    above = values > WALL_LEVEL_HU
    first = above.argmax(axis=1)
    rows = np.arange(len(values))
    before = np.maximum(first - 1, 0)
    low, high = values[rows, before], values[rows, first]
    share = np.clip((WALL_LEVEL_HU - low) / np.maximum(high - low, 1e-3), 0.0, 1.0)
    found = heights[rows, before] + share * (heights[rows, first] - heights[rows, before])
    aerated = (values[:, 0] < WALL_LEVEL_HU - 150) & above.any(axis=1) & above[:, -1]
    return np.where(aerated & (first > 0), found, np.nan)


def _quadratic(plane: np.ndarray) -> np.ndarray:
    u, v = plane[:, 0], plane[:, 1]
    return np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=1)


def _robust_quadratic(plane: np.ndarray, heights: np.ndarray) -> np.ndarray | None:
    """Fit a quadratic height field; points that stick into the lung (the lesion's flanks) are rejected sooner.

    Returns None when the surface is not one: the typical misfit exceeds .6 mm.
    """
    columns = _quadratic(plane)
    weights: np.ndarray = np.ones(len(heights))
    misfit: np.ndarray = heights
    fit: np.ndarray = np.zeros(6)
    for _ in range(8):
        fit, *_ = np.linalg.lstsq(columns * weights[:, None], heights * weights, rcond=None)
        misfit = heights - columns @ fit
        scale = max(1.4826 * float(np.median(np.abs(misfit[weights > 0]))), 0.1)
        ratio = np.where(misfit < 0, misfit / (2.5 * scale), misfit / (4.0 * scale))
        weights = np.where(np.abs(ratio) < 1.0, 1.0 - ratio**2, 0.0)
        if (weights > 0).sum() < MINIMUM_POINTS:
            return None
    typical = float(np.median(np.abs(misfit[weights > 0])))
    return fit if typical < 0.6 else None
