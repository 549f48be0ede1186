"""Where the nodules go: free in the lung, against the pleura, or on a vessel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.images.phantoms.lung_map import LEFT, RIGHT, LungMap
from AIImagingLogic.images.phantoms.nodule_shape import NoduleShape, random_shape, with_core
from AIImagingLogic.images.phantoms.recipe import NoduleRecipe
from AIImagingLogic.images.phantoms.tubes import Tubes, axis_distance
from AIImagingLogic.records.errors import GeometryError

_ROOM_BETWEEN_MM = 7.0
_TRIES = 400
_PRUNED_RADIUS_MM = 1.05
_CLEARANCE_MM = 1.3
_HOST_RADII_MM = (0.9, 2.4)


def place_nodules(
    recipes: tuple[NoduleRecipe, ...], lungs: LungMap, vessels: Tubes, airways: Tubes, random: np.random.Generator
) -> tuple[list[NoduleShape], list[str]]:
    """Return a shape (at its first visit) and a side for each recipe, in its order.

    Raises
    ------
    GeometryError
        The lungs hold no room for one of them.
    """
    shapes: dict[int, NoduleShape] = {}
    sides: dict[int, str] = {}
    placed: list[tuple[NDArray[np.float64], float]] = []
    for index in sorted(range(len(recipes)), key=lambda k: -widest_radius_mm(recipes[k])):
        recipe = recipes[index]
        radius = widest_radius_mm(recipe)
        for _ in range(_TRIES):
            side = str(random.choice([RIGHT, LEFT]))
            center = _center(recipe, side, lungs, vessels, random)
            if center is not None and _has_room(recipe, center, radius, placed, vessels, airways):
                break
        else:
            raise GeometryError(f"The phantom's lungs have no room for a {recipe.diameter_mm:.0f} mm nodule.")
        shape = random_shape(center, recipe.diameter_mm, recipe.lobulation, random)
        shapes[index] = with_core(shape, recipe.core_share, random) if recipe.core_share else shape
        sides[index] = side
        placed.append((center, radius))
    return [shapes[index] for index in range(len(recipes))], [sides[index] for index in range(len(recipes))]


def widest_radius_mm(recipe: NoduleRecipe) -> float:
    """Return the radius of the nodule at the visit where it is larger."""
    return recipe.diameter_mm / 2 * max(recipe.volume_factor, 1.0) ** (1 / 3)


def clear_of_nodules(tubes: Tubes, recipes: tuple[NoduleRecipe, ...], shapes: list[NoduleShape]) -> NDArray[np.bool_]:
    """Return which pieces touch no nodule that is meant to be free of vessels."""
    clear = np.ones(len(tubes), bool)
    for recipe, shape in zip(recipes, shapes):
        if recipe.contact != "vessel":
            reach = widest_radius_mm(recipe) * 1.15 + tubes.radius_mm + _CLEARANCE_MM
            clear &= axis_distance(tubes, shape.center_mm) >= reach
    return clear


def _center(
    recipe: NoduleRecipe, side: str, lungs: LungMap, vessels: Tubes, random: np.random.Generator
) -> NDArray[np.float64] | None:
    radius, widest = recipe.diameter_mm / 2, widest_radius_mm(recipe)
    if recipe.contact == "pleura":
        depth = radius * random.uniform(0.2, 0.8)
        points = lungs.points_between(side, max(depth - 0.6, 0.0), depth + 0.6, 4, random)
        for point in points:
            deeper = point + lungs.inward(point) * widest
            reaches_in = lungs.distance(deeper) < -(depth + 0.75 * widest)
            if reaches_in and lungs.mediastinum_distance(point) > widest + 8:
                return point
        return None
    room = widest * 1.2 + 2.5
    if recipe.contact == "none":
        points = lungs.points_between(side, room, np.inf, 1, random)
    else:
        hosts = np.flatnonzero((vessels.radius_mm > _HOST_RADII_MM[0]) & (vessels.radius_mm < _HOST_RADII_MM[1]))
        host = int(random.choice(hosts))
        along = vessels.end[host] - vessels.start[host]
        across = np.cross(along, random.normal(size=3))
        across /= max(float(np.linalg.norm(across)), 1e-9)
        reach = vessels.radius_mm[host] + radius * random.uniform(0.35, 0.85)
        points = ((vessels.start[host] + vessels.end[host]) / 2 + across * reach)[None]
        points = points[(lungs.distance(points) < -room) & ((points[:, 0] > 0) == (side == LEFT))]
    if len(points) and lungs.mediastinum_distance(points[0]) > widest + 10:
        return np.asarray(points[0], float)
    return None


def _has_room(
    recipe: NoduleRecipe,
    center: NDArray[np.float64],
    radius: float,
    placed: list[tuple[NDArray[np.float64], float]],
    vessels: Tubes,
    airways: Tubes,
) -> bool:
    for other, other_radius in placed:
        if np.linalg.norm(center - other) < radius + other_radius + _ROOM_BETWEEN_MM:
            return False
    wide_only = [airways] if recipe.contact == "vessel" else [airways, vessels]
    for tubes in wide_only:
        wide = tubes.radius_mm > _PRUNED_RADIUS_MM
        gap = axis_distance(tubes, center) - tubes.radius_mm - radius * 1.15
        if (gap[wide] < _CLEARANCE_MM).any():
            return False
    return True
