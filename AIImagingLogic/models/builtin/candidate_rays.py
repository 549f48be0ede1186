"""Rays cast from a blob's centre: where its surface lies in each direction, and what the profile there looks like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.candidate_contrast import GRID_MM, LungContrast

Array = NDArray[np.float64]

RAYS = 96
REACH = 2.0
"""Rays end at this many radii; a ray that meets no surface before runs along a vessel or into another structure."""
RELATIVE_RADII = np.arange(0.0, REACH + 0.05, 0.1)
_PASSES = 3
_LARGEST_SHIFT = 0.6
_GENTLE_BLUR_MM = (0.6, 1.3, 2.6)
_BLUR_FOR_RADII_MM = (4.0, 9.0)
_LEAST_RADIUS_MM = 1.2
_LARGEST_RADIUS_MM = 20.0
_CHUNK = 1500


def directions() -> Array:
    """Return (`RAYS`, 3) unit vectors, evenly spread over the sphere (a Fibonacci lattice)."""
    number = np.arange(RAYS) + 0.5
    height = 1.0 - 2.0 * number / RAYS
    angle = np.pi * (1.0 + np.sqrt(5.0)) * number
    across = np.sqrt(1.0 - height**2)
    return np.stack([height, across * np.sin(angle), across * np.cos(angle)], axis=1)


@dataclass(frozen=True)
class Rays:
    """Profiles of N blobs.

    Attributes
    ----------
    centers : (N, 3) indices k, j, i on the grid of the contrast, moved to the middle of the surface
    radii_mm : (N,) median distance of the surface
    core_hu : (N,) level of the blob's inner half
    around_hu : (N,) level around it: the lower quarter of what lies at 1.5 to 2 radii
    edges : (N, `RAYS`) distance of the surface in radii, `REACH` where a ray meets none
    profiles_hu : (N, `RAYS`, len(`RELATIVE_RADII`)) contrast along each ray
    beyond : (N, `RAYS`) bool, the ray has left the lung at 1.3 radii
    """

    centers: Array
    radii_mm: Array
    core_hu: Array
    around_hu: Array
    edges: Array
    profiles_hu: NDArray[np.float32]
    beyond: NDArray[np.bool_]


def cast_rays(contrast: LungContrast, centers: Array, radii_mm: Array) -> Rays:
    """Return the profiles around `centers` (N, 3; indices k, j, i), first with `radii_mm` (N,), then with their own."""
    volume = sitk.GetImageFromArray(contrast.hu)
    volume.SetSpacing([GRID_MM] * 3)
    order: list[NDArray[np.intp]] = []
    parts: list[Rays] = []
    level = np.digitize(radii_mm, _BLUR_FOR_RADII_MM)
    for number, sigma_mm in enumerate(_GENTLE_BLUR_MM):
        chosen = np.flatnonzero(level == number)
        if chosen.size == 0:
            continue
        blurred = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(volume, sigma_mm))
        for first in range(0, chosen.size, _CHUNK):
            chunk = chosen[first : first + _CHUNK]
            order.append(chunk)
            parts.append(_cast(blurred, contrast.inside, centers[chunk], radii_mm[chunk]))
    back = np.argsort(np.concatenate(order)) if order else np.empty(0, dtype=np.intp)
    names = list(Rays.__dataclass_fields__)
    return Rays(*(np.concatenate([getattr(part, name) for part in parts])[back] for name in names))


def _cast(blurred: NDArray[np.float32], inside: NDArray[np.bool_], centers: Array, radii_mm: Array) -> Rays:
    way = directions()
    centers, radii_mm, start = centers.copy(), radii_mm.copy(), centers
    reach_mm = _LARGEST_SHIFT * radii_mm
    for _ in range(_PASSES):
        profiles = _profiles(blurred, centers, radii_mm, way)
        core, around = _levels(profiles)
        edges = _first_fall(profiles, 0.5 * (core + around))
        # Long rays run along attached vessels: they must not pull the centre.
        trimmed = np.minimum(edges, 1.3 * np.median(edges, axis=1, keepdims=True))
        shift = np.einsum("nr,rd->nd", trimmed, way) * 3.0 / RAYS * radii_mm[:, None] / GRID_MM * 0.7
        moved = centers + shift - start
        length = np.maximum(np.linalg.norm(moved, axis=1) * GRID_MM, 1e-6)
        centers = start + moved * np.minimum(1.0, reach_mm / length)[:, None]
        radii_mm = np.clip(np.median(edges, axis=1) * radii_mm, _LEAST_RADIUS_MM, _LARGEST_RADIUS_MM)
    profiles = _profiles(blurred, centers, radii_mm, way)
    core, around = _levels(profiles)
    edges = _first_fall(profiles, 0.5 * (core + around))
    outer = centers[:, None, :] + way[None] * (1.3 * radii_mm / GRID_MM)[:, None, None]
    nearest = np.clip(np.rint(outer).astype(np.intp), 0, np.array(inside.shape) - 1)
    beyond = ~inside[nearest[..., 0], nearest[..., 1], nearest[..., 2]]
    return Rays(centers, radii_mm, core, around, edges, profiles, beyond)


def _profiles(blurred: NDArray[np.float32], centers: Array, radii_mm: Array, way: Array) -> NDArray[np.float32]:
    steps = radii_mm[:, None, None, None] / GRID_MM * RELATIVE_RADII[None, None, :, None]
    points = centers[:, None, None, :] + steps * way[None, :, None, :]
    flat = points.reshape(-1, 3).T
    values = ndimage.map_coordinates(blurred, flat, order=1, mode="nearest", output=np.float32)
    result: NDArray[np.float32] = values.reshape(len(centers), RAYS, len(RELATIVE_RADII))
    return result


def _levels(profiles: NDArray[np.float32]) -> tuple[Array, Array]:
    inner = RELATIVE_RADII <= 0.5
    core = profiles[:, :, inner].mean(axis=(1, 2)).astype(np.float64)
    outer = profiles[:, :, RELATIVE_RADII >= 1.5].reshape(len(profiles), -1)
    quarter = outer.shape[1] // 4
    around = np.partition(outer, quarter, axis=1)[:, quarter].astype(np.float64)
    return core, around


def _first_fall(profiles: NDArray[np.float32], level: Array) -> Array:
    """Return where each ray first falls below `level`, in radii, interpolated; `REACH` where it does not."""
    below = profiles < level[:, None, None]
    below[:, :, 0] = False
    fell = below.any(axis=2)
    after = np.maximum(below.argmax(axis=2), 1)
    high = np.take_along_axis(profiles, after[..., None] - 1, axis=2)[..., 0].astype(np.float64)
    low = np.take_along_axis(profiles, after[..., None], axis=2)[..., 0].astype(np.float64)
    share = np.clip((high - level[:, None]) / np.maximum(high - low, 1e-3), 0.0, 1.0)
    step = RELATIVE_RADII[1]
    return np.where(fell, (after - 1 + share) * step, REACH)
