"""The smooth surface of a nodule as a radius in every direction from its centre; what runs into it stands out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

DEGREE = 4
DIRECTIONS = 500
ROBUST_PASSES = 6


@dataclass(frozen=True)
class StarSurface:
    """A closed surface around a centre.

    Attributes
    ----------
    crossing_mm : (n,) radius at which each ray leaves the nodule, NaN where it never does or leaves the lung first
    smooth_mm : (n,) radius of the smooth surface along the same rays
    attached : (n,) bool, rays that run into something attached to the nodule
    coefficients : of the smooth surface; the radius along a unit vector is `surfacesurface_basis(unit) @ coefficients`
    """

    crossing_mm: np.ndarray
    smooth_mm: np.ndarray
    attached: np.ndarray
    coefficients: np.ndarray


def trace_rays(
    values: np.ndarray, lung: np.ndarray, center: np.ndarray, spacing_mm: float, reach_mm: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sample `values` along rays from `center` (z, y, x index).

    Returns
    -------
    profiles : (n, m) values
    in_lung : (n, m) bool
    radii_mm : (m,)
    """
    radii = np.arange(0.0, reach_mm, 0.5 * spacing_mm)
    points = center[:, None, None] + directions().T[:, :, None] * radii / spacing_mm
    flat = points.reshape(3, -1)
    profiles = ndimage.map_coordinates(values, flat, order=1, mode="nearest")
    in_lung = ndimage.map_coordinates(lung.astype(np.float32), flat, order=1, mode="nearest") > 0.5
    inside = ((points >= 0) & (points <= np.asarray(values.shape)[:, None, None] - 1)).all(axis=0)
    shape = points.shape[1:]
    return profiles.reshape(shape), in_lung.reshape(shape) & inside, radii


def star_surface(profiles: np.ndarray, in_lung: np.ndarray, radii_mm: np.ndarray, level: float) -> StarSurface | None:
    """Find where the rays fall below `level`, and the smooth surface that most of them agree on.

    A vessel makes single rays too long, never too short, so that long ones are rejected sooner.
    Returns None when fewer than a tenth of the rays end inside the lung.
    """
    crossing = _first_crossing(profiles, radii_mm, level)
    leaves = np.where(in_lung.all(axis=1), len(radii_mm), in_lung.argmin(axis=1))
    exit_mm = np.append(radii_mm, np.inf)[leaves]
    crossing = np.where(crossing < exit_mm, crossing, np.nan)
    valid = np.isfinite(crossing)
    if valid.sum() < 0.1 * len(crossing):
        return None
    basis = surface_basis(directions())
    ends = np.where(valid, crossing, 0.0)
    weights = valid.astype(float) * (crossing <= 1.6 * np.nanmedian(crossing)) if valid.any() else valid.astype(float)
    coefficients = _weighted_fit(basis, ends, weights)
    for _ in range(ROBUST_PASSES):
        misfit = ends - basis @ coefficients
        used = weights > 0
        scale = max(1.4826 * float(np.median(np.abs(misfit[used]))), 0.15)
        weights = valid * np.where(misfit > 0, _tukey(misfit / (2.5 * scale)), _tukey(misfit / (5.0 * scale)))
        if weights.sum() < 10:
            break
        coefficients = _weighted_fit(basis, ends, weights)
    smooth = np.maximum(basis @ coefficients, 0.25)
    margin = np.maximum(0.5, 0.12 * smooth)
    attached = np.where(valid, crossing > smooth + margin, exit_mm > smooth + margin)
    return StarSurface(crossing, smooth, attached, coefficients)


def _first_crossing(profiles: np.ndarray, radii_mm: np.ndarray, level: float) -> np.ndarray:
    """Return the radius at which each profile first falls below `level`, between samples; NaN where it never does."""
    below = profiles < level
    first = below.argmax(axis=1)
    rows = np.arange(len(profiles))
    before = np.maximum(first - 1, 0)
    high, low = profiles[rows, before], profiles[rows, first]
    share = np.clip((high - level) / np.maximum(high - low, 1e-3), 0.0, 1.0)
    radius = radii_mm[before] + share * (radii_mm[first] - radii_mm[before])
    return np.where(below.any(axis=1), radius, np.nan)


def _tukey(ratio: np.ndarray) -> np.ndarray:
    return np.where(np.abs(ratio) < 1.0, (1.0 - ratio**2) ** 2, 0.0)


def _weighted_fit(basis: np.ndarray, ends: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Least squares with a penalty on bending, so that directions without a ray are bridged smoothly."""
    weighted = basis * weights[:, None]
    penalty = np.diag(_penalties()) * len(ends) / basis.shape[1] * 0.02
    result: np.ndarray = np.linalg.solve(
        basis.T @ weighted + penalty * np.trace(basis.T @ basis) / len(ends), weighted.T @ ends
    )
    return result


@cache
def directions() -> np.ndarray:
    """Return the (n, 3) unit vectors of the rays."""
    return even_directions(DIRECTIONS)


def even_directions(count: int) -> np.ndarray:
    """Return (count, 3) unit vectors, evenly spread over the sphere (a Fibonacci lattice)."""
    steps = np.arange(count) + 0.5
    height = 1.0 - 2.0 * steps / count
    around = np.pi * (1.0 + np.sqrt(5.0)) * steps
    flat = np.sqrt(1.0 - height**2)
    return np.stack([height, flat * np.sin(around), flat * np.cos(around)], axis=1)


def nearest_direction(unit: np.ndarray) -> np.ndarray:
    """Return the index of the ray nearest to each of the unit vectors (n, 3)."""
    return np.asarray(_direction_tree().query(unit, workers=2)[1])


@cache
def _direction_tree() -> cKDTree:
    return cKDTree(directions())


def _monomials(unit: np.ndarray) -> np.ndarray:
    """Return the monomials that span the spherical harmonics up to DEGREE: at most first power of the first axis."""
    z, y, x = unit[..., 0], unit[..., 1], unit[..., 2]
    columns = []
    for degree in range(DEGREE + 1):
        columns += [x ** (degree - b) * y**b for b in range(degree + 1)]
        columns += [x ** (degree - 1 - b) * y**b * z for b in range(degree)]
    return np.stack(columns, axis=-1)


@cache
def _orthonormaliser() -> np.ndarray:
    _, upper = np.linalg.qr(_monomials(directions()))
    return np.linalg.inv(upper) * np.sqrt(DIRECTIONS)


def surface_basis(unit: np.ndarray) -> np.ndarray:
    """Return functions that are orthonormal over the sphere, degree by degree, at unit vectors (..., 3)."""
    return _monomials(unit) @ _orthonormaliser()


@cache
def _penalties() -> np.ndarray:
    degrees = np.concatenate([[degree] * (2 * degree + 1) for degree in range(DEGREE + 1)])
    return (degrees * (degrees + 1.0)) ** 2 / (DEGREE * (DEGREE + 1.0)) ** 2
