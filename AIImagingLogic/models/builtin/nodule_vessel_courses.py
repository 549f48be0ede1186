"""Courses of the vessels around a nodule: bright spots on spheres around it, linked from the outside in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from AIImagingLogic.models.builtin.nodule_star_surface import even_directions

_DIRECTIONS = 1500
_NEIGHBOURS = 19
_SPHERES_APART_MM = 0.5
# Spots nearer to each other are one; a course goes on at a spot this near to where it is expected.
_SPOTS_APART_MM = 1.6
_LINK_MM = 1.4
_FEWEST_POINTS = 4
# Within this much of its peak a spot's values say where its middle is, HU.
_SPOT_DEPTH_HU = 150.0


@dataclass(frozen=True)
class Course:
    """Middle of a vessel, sphere by sphere: (n, 3) mm from the centre, outermost first, and the values there, HU."""

    points_mm: np.ndarray
    values: np.ndarray


def trace_courses(
    values: np.ndarray,
    center: np.ndarray,
    spacing_mm: float,
    least: Callable[[float], float],
    inner_mm: float,
    outer_mm: float,
) -> list[Course]:
    """Return the courses of what is brighter than its surroundings around `center`.

    Parameters
    ----------
    values : (z, y, x) HU, smoothed to about a millimetre
    center : (z, y, x) index
    least : least value of a spot, HU, at a distance from the centre, mm
    inner_mm, outer_mm : radii of the spheres
    """
    live: list[list[tuple[np.ndarray, float]]] = []
    ended: list[list[tuple[np.ndarray, float]]] = []
    for radius in np.arange(outer_mm, inner_mm - 1e-6, -_SPHERES_APART_MM):
        spots = _spots(values, center, spacing_mm, float(radius), least(float(radius)))
        links = _links([_expected(course, float(radius)) for course in live], [spot for spot, _ in spots])
        ended += [course for number, course in enumerate(live) if number not in links]
        for number, spot in links.items():
            live[number].append(spots[spot])
        live = [course for number, course in enumerate(live) if number in links]
        taken = set(links.values())
        live += [[spot] for number, spot in enumerate(spots) if number not in taken]
    return [
        Course(np.array([point for point, _ in course]), np.array([value for _, value in course]))
        for course in (*ended, *live)
        if len(course) >= _FEWEST_POINTS
    ]


def _spots(
    values: np.ndarray, center: np.ndarray, spacing_mm: float, radius_mm: float, least: float
) -> list[tuple[np.ndarray, float]]:
    """Return the local maxima on a sphere: (3,) mm from the centre, and the value, the brightest first."""
    directions, neighbours = _sphere()
    points = directions * radius_mm
    index = center[:, None] + points.T / spacing_mm
    inside = ((index >= 0) & (index <= np.asarray(values.shape)[:, None] - 1)).all(axis=0)
    sampled = np.where(inside, ndimage.map_coordinates(values, index, order=1, mode="nearest"), -2000.0)
    peaks = np.flatnonzero((sampled > least) & (sampled[:, None] >= sampled[neighbours]).all(axis=1))
    found: list[tuple[np.ndarray, float]] = []
    for peak in peaks[np.argsort(-sampled[peaks])]:
        around = neighbours[peak]
        weight = np.maximum(sampled[around] - max(least, sampled[peak] - _SPOT_DEPTH_HU), 0.0) + 1e-3
        middle = (points[around] * weight[:, None]).sum(axis=0)
        middle *= radius_mm / np.linalg.norm(middle)
        if all(np.linalg.norm(middle - other) > _SPOTS_APART_MM for other, _ in found):
            found.append((middle, float(sampled[peak])))
    return found


def _expected(course: list[tuple[np.ndarray, float]], radius_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return where a course ended and where it should be on the next sphere."""
    last = course[-1][0]
    if len(course) == 1:
        return last, last * (radius_mm / np.linalg.norm(last))
    return last, 2.0 * last - course[-2][0]


def _links(expected: list[tuple[np.ndarray, np.ndarray]], spots: list[np.ndarray]) -> dict[int, int]:
    """Return which spot continues which course, the nearest pairs first."""
    pairs = []
    for number, (last, onward) in enumerate(expected):
        for other, spot in enumerate(spots):
            distance = min(float(np.linalg.norm(spot - onward)), 0.8 * float(np.linalg.norm(spot - last)))
            if distance < _LINK_MM:
                pairs.append((distance, number, other))
    links: dict[int, int] = {}
    for _, number, other in sorted(pairs):
        if number not in links and other not in links.values():
            links[number] = other
    return links


@cache
def _sphere() -> tuple[np.ndarray, np.ndarray]:
    directions = even_directions(_DIRECTIONS)
    return directions, np.asarray(cKDTree(directions).query(directions, k=_NEIGHBOURS)[1])
