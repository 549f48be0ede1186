"""Rays cast from a blob's centre: where its surface lies in each direction, and what the profile there looks like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.candidate_contrast import GRID_MM, LungContrast, blurred

Array = NDArray[np.float64]

RAYS = 72
REACH = 2.0
"""Rays end at this many radii; a ray that meets no surface before runs along a vessel or into another structure."""
RELATIVE_RADII = np.arange(0.0, REACH + 0.05, 0.1)
_SCOUT_RAYS = 32
_SCOUT_PASSES = 3
_LARGEST_SHIFT = 0.6
_BLURS_MM = (0.6, 1.3, 2.6)
_BLUR_STEPS_MM = (4.0, 9.0)
"""Blobs up to 4 mm radius are looked at with the first blur, up to 9 mm with the second, above with the third."""
_SMALLEST_RADIUS_MM = 1.6
_LARGEST_RADIUS_MM = 20.0
_MOST_OPEN = 0.6
_CHUNK = 1500


def directions(count: int = RAYS) -> Array:
    """Return (`count`, 3) unit vectors, evenly spread over the sphere (a Fibonacci lattice)."""
    number = np.arange(count) + 0.5
    height = 1.0 - 2.0 * number / count
    angle = np.pi * (1.0 + np.sqrt(5.0)) * number
    across = np.sqrt(1.0 - height**2)
    return np.stack([height, across * np.sin(angle), across * np.cos(angle)], axis=1)


@dataclass(frozen=True)
class Rays:
    """Profiles of N blobs.

    Attributes
    ----------
    blobs : (N,) which of the blobs that were asked for these are
    centers : (N, 3) indices k, j, i on the grid of the contrast, moved to the middle of the surface
    radii_mm : (N,) median distance of the surface
    core_hu : (N,) level of the blob's inner half
    around_hu : (N,) level around it: the lower quarter of what lies at 1.5 to 2 radii
    edges : (N, `RAYS`) distance of the surface in radii, `REACH` where a ray meets none
    profiles_hu : (N, `RAYS`, len(`RELATIVE_RADII`)) contrast along each ray
    beyond : (N, `RAYS`) bool, the ray has left the lung at 1.3 radii
    """

    blobs: NDArray[np.intp]
    centers: Array
    radii_mm: Array
    core_hu: Array
    around_hu: Array
    edges: Array
    profiles_hu: NDArray[np.float32]
    beyond: NDArray[np.bool_]


def cast_rays(contrast: LungContrast, centers: Array, radii_mm: Array) -> Rays:
    """Return the profiles around blobs, from the middles and with the radii that the rays themselves find.

    Blobs that turn out smaller than a nodule, mostly open, or the same as another are left out.

    Parameters
    ----------
    contrast : the lung
    centers : (M, 3) indices k, j, i
    radii_mm : (M,) mm
    """
    parts: list[Rays] = []
    level = np.digitize(radii_mm, _BLUR_STEPS_MM)
    for number, sigma_mm in enumerate(_BLURS_MM):
        numbers = np.flatnonzero(level == number)
        soft = blurred(contrast.hu, sigma_mm)
        middles, radii, openness = centers[numbers], radii_mm[numbers], np.zeros(len(numbers))
        for part in _chunks(len(numbers)):
            middles[part], radii[part], openness[part] = _scout(soft, middles[part], radii[part])
        kept = np.flatnonzero((radii >= _SMALLEST_RADIUS_MM) & (openness <= _MOST_OPEN))
        kept = kept[_different(middles[kept], radii[kept])]
        for part in _chunks(len(kept)):
            chosen = kept[part]
            parts.append(_cast(soft, contrast.inside, numbers[chosen], middles[chosen], radii[chosen]))
    if not parts:
        return _no_rays()
    names = list(Rays.__dataclass_fields__)
    return Rays(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _no_rays() -> Rays:
    none, edges = np.empty(0), np.empty((0, RAYS))
    profiles = np.empty((0, RAYS, len(RELATIVE_RADII)), dtype=np.float32)
    return Rays(np.empty(0, dtype=np.intp), np.empty((0, 3)), none, none, none, edges, profiles, edges.astype(bool))


def _chunks(count: int) -> list[slice]:
    return [slice(first, min(first + _CHUNK, count)) for first in range(0, count, _CHUNK)]


def _different(middles: Array, radii_mm: Array) -> NDArray[np.intp]:
    """Return one index of each group of blobs that the rays led to one place and size."""
    rounded = np.column_stack([np.rint(middles * GRID_MM / 0.7), np.rint(np.log(radii_mm) / 0.15)])
    return np.sort(np.unique(rounded, axis=0, return_index=True)[1])


def _scout(soft: NDArray[np.float32], start: Array, radii_mm: Array) -> tuple[Array, Array, Array]:
    """Return middle, radius and share of open rays of each blob, from few rays cast again and again."""
    way = directions(_SCOUT_RAYS)
    relative = RELATIVE_RADII[::2]
    centers, reach_mm = start, _LARGEST_SHIFT * radii_mm
    for _ in range(_SCOUT_PASSES):
        centers, radii_mm, edges = _recentered(soft, start, centers, radii_mm, reach_mm, way, relative)
    return centers, radii_mm, (edges >= REACH - 1e-6).mean(axis=1)


def _recentered(
    soft: NDArray[np.float32],
    start: Array,
    centers: Array,
    radii_mm: Array,
    reach_mm: Array,
    way: Array,
    relative: Array,
) -> tuple[Array, Array, Array]:
    """Return `centers` moved to the middle of their surface, at most `reach_mm` from `start`; also radii and edges."""
    profiles = _profiles(soft, centers, radii_mm, way, relative)
    edges = _first_fall(profiles, np.mean(_levels(profiles, relative), axis=0), relative)
    # Long rays run along attached vessels: they must not pull the middle.
    trimmed = np.minimum(edges, 1.3 * np.median(edges, axis=1, keepdims=True))
    shift = np.einsum("nr,rd->nd", trimmed, way) * (2.1 / len(way)) * radii_mm[:, None] / GRID_MM
    moved = centers + shift - start
    length_mm = np.maximum(np.linalg.norm(moved, axis=1) * GRID_MM, 1e-6)
    centers = start + moved * np.minimum(1.0, reach_mm / length_mm)[:, None]
    radii_mm = np.clip(np.median(edges, axis=1) * radii_mm, 0.8 * _SMALLEST_RADIUS_MM, _LARGEST_RADIUS_MM)
    return centers, radii_mm, edges


def _cast(
    soft: NDArray[np.float32], inside: NDArray[np.bool_], numbers: NDArray[np.intp], centers: Array, radii_mm: Array
) -> Rays:
    way = directions()
    profiles = _profiles(soft, centers, radii_mm, way, RELATIVE_RADII)
    core, around = _levels(profiles, RELATIVE_RADII)
    edges = _first_fall(profiles, 0.5 * (core + around), RELATIVE_RADII)
    outer = centers[:, None, :] + way[None] * (1.3 * radii_mm / GRID_MM)[:, None, None]
    nearest = np.clip(np.rint(outer).astype(np.intp), 0, np.array(inside.shape) - 1)
    beyond = ~inside[nearest[..., 0], nearest[..., 1], nearest[..., 2]]
    return Rays(numbers, centers, radii_mm, core, around, edges, profiles, beyond)


def _profiles(
    soft: NDArray[np.float32], centers: Array, radii_mm: Array, way: Array, relative: Array
) -> NDArray[np.float32]:
    # Axis by axis in single precision: no copies before the interpolation, which reads one row an axis.
    steps = (radii_mm[:, None] / GRID_MM * relative).astype(np.float32)
    points = np.empty((3, len(centers), len(way), len(relative)), dtype=np.float32)
    for axis in range(3):
        np.multiply(way[:, axis].astype(np.float32)[None, :, None], steps[:, None, :], out=points[axis])
        points[axis] += centers[:, axis].astype(np.float32)[:, None, None]
    values = ndimage.map_coordinates(soft, points.reshape(3, -1), order=1, mode="nearest", output=np.float32)
    result: NDArray[np.float32] = values.reshape(len(centers), len(way), len(relative))
    return result


def _levels(profiles: NDArray[np.float32], relative: Array) -> tuple[Array, Array]:
    """Return the level of the inner half, and the lower quarter of what lies around."""
    core = profiles[:, :, relative <= 0.5].mean(axis=(1, 2)).astype(np.float64)
    outer = profiles[:, :, relative >= 1.5].reshape(len(profiles), -1)
    quarter = outer.shape[1] // 4
    around = np.partition(outer, quarter, axis=1)[:, quarter].astype(np.float64)
    return core, around


def _first_fall(profiles: NDArray[np.float32], level: Array, relative: Array) -> Array:
    """Return where each ray first falls below `level`, in radii, interpolated; `REACH` where it does not."""
    below = profiles < level[:, None, None]
    below[:, :, 0] = False
    fell = below.any(axis=2)
    after = np.maximum(below.argmax(axis=2), 1)
    high = np.take_along_axis(profiles, after[..., None] - 1, axis=2)[..., 0].astype(np.float64)
    low = np.take_along_axis(profiles, after[..., None], axis=2)[..., 0].astype(np.float64)
    share = np.clip((high - level[:, None]) / np.maximum(high - low, 1e-3), 0.0, 1.0)
    return np.where(fell, (after - 1 + share) * relative[1], REACH)
