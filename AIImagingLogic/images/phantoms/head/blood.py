"""Haematomas of the head phantom as implicit surfaces."""

from __future__ import annotations

import numpy as np

from AIImagingLogic.images.phantoms.head.recipe import HeadRecipe
from AIImagingLogic.images.phantoms.head.skull import INNER_TABLE_MM, SkullSurfaces
from AIImagingLogic.images.phantoms.implicit_surfaces import Field, capsule_chain, ellipsoid, union

_OUTSIDE_MM = np.float32(50)
_SUBDURAL_REACH = (0.55, 0.9)
_SUBDURAL_THICKNESS_MM = (4.0, 16.0)
_MEAN_RADIUS_MM = 74.0
# ml of the cisterns' tubes for 1 mm of radius squared, by measuring one phantom.
_CISTERN_ML_PER_MM2 = 1.15


def blood_surface(x: Field, y: Field, z: Field, skull: SkullSurfaces, recipe: HeadRecipe) -> Field:
    """Return the surface of the blood at points (mm, head frame); nowhere negative when there is none."""
    if recipe.kind == "none":
        return np.full(x.shape, _OUTSIDE_MM)
    random = np.random.default_rng([recipe.seed, 2])
    radius = (3000 * recipe.blood_ml / (4 * np.pi)) ** (1 / 3)
    if recipe.kind == "subdural":
        return _subdural(x, y, z, skull, recipe, random)
    if recipe.kind == "subarachnoid":
        return np.maximum(_cisterns(x, y, z, recipe, random), skull.cavity + np.float32(1.0))
    if recipe.kind == "deep":
        center = (recipe.side * random.uniform(22, 30), random.uniform(-6, 8), random.uniform(0, 10))
        whole = ellipsoid(x, y, z, center, (0.8 * radius, 1.25 * radius, radius), random.uniform(-0.5, 0.5))
    else:
        center = (
            recipe.side * INNER_TABLE_MM[0] * random.uniform(0.5, 0.62),
            float(random.choice([-1, 1])) * INNER_TABLE_MM[1] * random.uniform(0.25, 0.5),
            random.uniform(10, 30),
        )
        whole = ellipsoid(x, y, z, center, (0.85 * radius, radius, 0.8 * radius), random.uniform(-1, 1))
        for _ in range(2):
            beside = np.add(center, random.normal(0, 0.6 * radius, 3)).tolist()
            whole = union(whole, ellipsoid(x, y, z, beside, (0.6 * radius, 0.5 * radius, 0.55 * radius)), 2.0)
    lumps = _lumps(x, y, z, max(radius / 3, 2.5), random)
    return np.maximum(whole + np.float32(0.09 * radius) * lumps, skull.cavity + np.float32(1.0))


def _lumps(x: Field, y: Field, z: Field, wave_mm: float, random: np.random.Generator) -> Field:
    phases = random.uniform(0, 2 * np.pi, 3)
    lumps: Field = np.sin(x / wave_mm + phases[0]) + np.sin(y / wave_mm + phases[1]) * np.cos(z / wave_mm + phases[2])
    return lumps.astype(np.float32)


def _subdural(
    x: Field, y: Field, z: Field, skull: SkullSurfaces, recipe: HeadRecipe, random: np.random.Generator
) -> Field:
    """A crescent under the inner table, thickest amid it."""
    toward = np.array([recipe.side * 1.0, random.uniform(-0.6, 0.6), random.uniform(0.1, 0.6)])
    toward /= np.linalg.norm(toward)
    a, b, c = INNER_TABLE_MM
    norm = np.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2) + np.float32(1e-3)
    cosine = ((x / a) * toward[0] + (y / b) * toward[1] + (z / c) * toward[2]) / norm
    angle = np.arccos(np.clip(cosine, -1, 1))
    reach = random.uniform(*_SUBDURAL_REACH)
    area_mm2 = 2 * np.pi * (1 - np.cos(reach)) * _MEAN_RADIUS_MM**2
    # The mean thickness is about half of the greatest.
    thickest = np.clip(2000 * recipe.blood_ml / area_mm2, *_SUBDURAL_THICKNESS_MM)
    thickness = np.float32(thickest) * (1 - (angle / np.float32(reach)) ** 2)
    return np.maximum(skull.cavity, -skull.cavity - thickness).astype(np.float32)


def _cisterns(x: Field, y: Field, z: Field, recipe: HeadRecipe, random: np.random.Generator) -> Field:
    """Blood about the circle of Willis, in both Sylvian fissures and in some sulci."""
    radius = float(np.clip(np.sqrt(recipe.blood_ml / _CISTERN_ML_PER_MM2), 2.4, 5.5))
    jitter = random.normal(0, 2, (4, 3))
    paths = [
        ((-14, -20, -20), (0, -26, -18), (14, -20, -20), (10, -2, -22), (-10, -2, -22), (-14, -20, -20)),
        ((14, -20, -20), (34, -18, -14), (50, -10, -6), (54, 8, 4)),
        ((-14, -20, -20), (-34, -18, -14), (-50, -10, -6), (-54, 8, 4)),
        ((4, -30, -14), (5, -52, 2), (6, -58, 20)),
    ]
    whole = np.full(x.shape, _OUTSIDE_MM)
    for index, path in enumerate(paths):
        bent = [np.add(point, jitter[index]).tolist() for point in path]
        share = random.uniform(0.75, 1.15)
        whole = np.minimum(whole, capsule_chain(x, y, z, bent, radius * share))
    return whole + np.float32(0.18 * radius) * _lumps(x, y, z, 4.5, random)
