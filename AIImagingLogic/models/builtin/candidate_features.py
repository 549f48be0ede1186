"""What tells a nodule from a vessel, a branching point, an airway wall or noise: figures of a blob and its rays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.builtin.candidate_blobs import Blobs
from AIImagingLogic.models.builtin.candidate_contrast import GRID_MM, LungContrast
from AIImagingLogic.models.builtin.candidate_glass import glass_plateau
from AIImagingLogic.models.builtin.candidate_rays import RAYS, REACH, RELATIVE_RADII, Rays, directions
from AIImagingLogic.models.builtin.candidate_surroundings import Surroundings

Array = NDArray[np.float64]

FEATURES = (
    "log_radius",
    "contrast",
    "core_level",
    "around_level",
    "open_rays",
    "edge_spread",
    "flatness",
    "elongation",
    "shell_near",
    "shell_far",
    "two_sided",
    "arms",
    "thickest_arm",
    "pleura",
    "steepness",
    "dark_shell",
    "contrast_to_noise",
    "blob_answer",
    "curvature_ratio",
    "second_ratio",
    "unevenness",
    "depth",
    "free_shell",
    "glass",
    "inner_low",
    "dense_inside",
    "dense_shell",
    "dark_rays",
    "air_near",
    "bright_near",
    "hilum",
    "glass_plateau",
)
_ARM_AT = 1.7
_DARK_HU = -60.0
_DENSE_HU = 380.0


def features(contrast: LungContrast, blobs: Blobs, rays: Rays, around: Surroundings, glass: bool) -> Array:
    """Return (N, len(`FEATURES`)) figures, each of order one.

    `flatness` and `elongation` are the least and middle principal extent of the surface over the greatest;
    `two_sided` tells how much of what leaves the blob leaves it along one line; `arms` and `thickest_arm` are the
    number of structures that cross a shell of 1.7 radii and the radius of the widest, in radii of the blob;
    `inner_low` is what even the darkest fifth of the inside reaches, small where a blob is made of branches;
    `dark_rays`, `air_near`: airways beside it, which vessels run along; `bright_near`, `hilum`: thick vessels around
    and the distance from where they gather; `glass_plateau` the share of the inside that is even ground glass.

    Parameters
    ----------
    contrast : the lung, not capped
    blobs, rays : found in it, or in it capped
    around : of the lung
    glass : whether they were found in the lung capped at the contrast of ground glass
    """
    way = directions()
    step = np.maximum(rays.core_hu - rays.around_hu, 5.0)
    relative = (rays.profiles_hu - rays.around_hu[:, None, None]) / step[:, None, None]
    open_rays = rays.edges >= REACH - 1e-6
    points = rays.edges[..., None] * way[None]
    points = points - points.mean(axis=1, keepdims=True)
    extents = np.sqrt(np.maximum(np.linalg.eigvalsh(np.einsum("nrd,nre->nde", points, points) / RAYS), 1e-6))
    near, far = _at(relative, 1.4), _at(relative, 1.9)
    excess = np.clip(_at(relative, _ARM_AT), 0.0, 1.0)
    lines = np.linalg.eigvalsh(np.einsum("nr,rd,re->nde", excess, way, way))
    arms, thickest = _arms(_at(relative, _ARM_AT) > 0.5, way)
    inner = rays.profiles_hu[:, :, RELATIVE_RADII <= 0.6].reshape(len(step), RAYS * int((RELATIVE_RADII <= 0.6).sum()))
    depth = _depth_mm(contrast, rays.centers)
    spread = np.where(open_rays, 0.0, rays.edges - np.median(rays.edges, axis=1, keepdims=True))
    dense_inside, dense_shell = (_dense(contrast, rays, way, at) for at in (0.5, 1.4))
    columns = {
        "log_radius": np.log(rays.radii_mm / 4.0),
        "contrast": step / 300.0,
        "core_level": rays.core_hu / 300.0,
        "around_level": rays.around_hu / 100.0,
        "open_rays": open_rays.mean(axis=1),
        "edge_spread": np.sqrt(np.mean(spread**2, axis=1)),
        "flatness": extents[:, 0] / extents[:, 2],
        "elongation": extents[:, 1] / extents[:, 2],
        "shell_near": (near > 0.5).mean(axis=1),
        "shell_far": (far > 0.5).mean(axis=1),
        "two_sided": (lines[:, 2] - lines[:, 0]) / RAYS,
        "arms": arms / 3.0,
        "thickest_arm": thickest,
        "pleura": rays.beyond.mean(axis=1),
        "steepness": np.median(_at(relative, 0.7) - _at(relative, 1.3), axis=1),
        "dark_shell": (_at(rays.profiles_hu, 1.3) < -90.0).mean(axis=1),
        "contrast_to_noise": np.log(step / max(contrast.noise_hu, 1.0)),
        "blob_answer": blobs.answers_hu[rays.blobs] / step,
        "curvature_ratio": blobs.curvature_ratios[rays.blobs],
        "second_ratio": blobs.second_ratios[rays.blobs],
        "unevenness": inner.std(axis=1) / step,
        "depth": np.minimum(depth / 10.0, 1.5),
        "free_shell": (near < 0.3).mean(axis=1),
        "glass": np.full(len(step), float(glass)),
        "inner_low": np.quantile(inner, 0.2, axis=1) / step,
        "dense_inside": dense_inside,
        "dense_shell": dense_shell,
        "dark_rays": (rays.profiles_hu[:, :, RELATIVE_RADII >= 0.8].min(axis=2) < _DARK_HU).mean(axis=1),
        "air_near": 5.0 * np.sqrt(np.maximum(around.air_at(rays.centers), 0.0)),
        "bright_near": 5.0 * around.bright_at(rays.centers, rays.radii_mm, rays.core_hu),
        "hilum": around.hilum_distance_mm(rays.centers) / 50.0,
        "glass_plateau": glass_plateau(contrast, rays.centers, rays.radii_mm, way),
    }
    return np.clip(np.stack([columns[name] for name in FEATURES], axis=1), -5.0, 5.0)


def _at(profiles: NDArray, radius: float) -> NDArray:
    picked: NDArray = profiles[:, :, round(radius / RELATIVE_RADII[1])]
    return picked


def _dense(contrast: LungContrast, rays: Rays, way: Array, radius: float) -> Array:
    """Return the share of a shell (N,) that is denser than ground glass."""
    points = rays.centers[:, None, :] + way[None] * (radius * rays.radii_mm / GRID_MM)[:, None, None]
    nearest = np.clip(np.rint(points).astype(np.intp), 0, np.array(contrast.hu.shape) - 1)
    result: Array = (contrast.hu[nearest[..., 0], nearest[..., 1], nearest[..., 2]] > _DENSE_HU).mean(axis=1)
    return result


def _arms(crossing: NDArray[np.bool_], way: Array) -> tuple[Array, Array]:
    """Return the number of separate structures that cross the shell, and the radius of the widest, in blob radii."""
    near = way @ way.T > np.cos(1.6 * np.sqrt(4.0 * np.pi / RAYS))
    neighbours = [np.flatnonzero(row) for row in near]
    names = np.where(crossing, np.arange(1, RAYS + 1)[None], 0)
    for _ in range(14):
        for ray, others in enumerate(neighbours):
            highest = names[:, others].max(axis=1)
            names[:, ray] = np.where(crossing[:, ray], highest, 0)
    counts = np.zeros((len(names), RAYS + 1))
    for ray in range(RAYS):
        np.add.at(counts, (np.arange(len(names)), names[:, ray]), 1.0)
    counts[:, 0] = 0.0
    # A structure of radius a covers a share of (a / 2R)^2 of a sphere of radius R.
    return (counts > 0).sum(axis=1).astype(np.float64), 2.0 * _ARM_AT * np.sqrt(counts.max(axis=1) / RAYS)


def _depth_mm(contrast: LungContrast, centers: Array) -> Array:
    depth = ndimage.distance_transform_edt(contrast.inside[::2, ::2, ::2]).astype(np.float32) * 2.0 * GRID_MM
    result: Array = ndimage.map_coordinates(depth, centers.T / 2.0, order=1, mode="nearest").astype(np.float64)
    return result
