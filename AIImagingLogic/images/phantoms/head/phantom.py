"""The head phantom: painted, scanned, and the truth about its blood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from AIImagingLogic.images.phantoms.head.blood import blood_surface
from AIImagingLogic.images.phantoms.head.brain import brain_surfaces
from AIImagingLogic.images.phantoms.head.recipe import HeadRecipe
from AIImagingLogic.images.phantoms.head.skull import skull_surfaces
from AIImagingLogic.images.phantoms.implicit_surfaces import Field
from AIImagingLogic.images.phantoms.scanner_noise import scanner_noise

_EXTENT_MM = (172.0, 206.0, 176.0)
_CENTER_MM = np.array([0.0, -2.0, -8.0])
_SUB_SLICE_MM = 1.0
_TRUTH_STEP_MM = 0.5
_SHADING_REACH_MM = 5.0


@dataclass(frozen=True)
class HeadPhantom:
    """A head CT and its truth.

    Attributes
    ----------
    image : int16 HU
    truth : uint8, 1 where at least half of a voxel is blood; on the grid of `image`
    blood_ml : integrated on points 0.5 mm apart, whatever the voxels
    """

    image: sitk.Image
    truth: sitk.Image
    blood_ml: float


def make_head(recipe: HeadRecipe) -> HeadPhantom:
    """Return the phantom of a recipe."""
    axes = _axes(recipe)
    spacing = np.array([recipe.in_plane_mm, recipe.in_plane_mm, recipe.slice_mm])
    size = np.round(np.array(_EXTENT_MM) * recipe.scale / spacing).astype(int)
    origin = _CENTER_MM * recipe.scale - ((size - 1) * spacing / 2) @ axes
    planes = max(1, round(recipe.slice_mm / _SUB_SLICE_MM))
    offsets = ((np.arange(planes) + 0.5) / planes - 0.5) * recipe.slice_mm
    hu = np.empty(size[::-1], np.float32)
    share = np.empty(size[::-1], np.float32)
    i, j = (np.arange(n) * recipe.in_plane_mm for n in size[:2])
    for index in range(size[2]):
        x, y, z = _head_frame(i, j, index * recipe.slice_mm + offsets, origin, axes, recipe.scale)
        painted, blood = _painted(x, y, z, recipe, recipe.in_plane_mm)
        hu[index], share[index] = painted.mean(axis=0), blood.mean(axis=0)
    for axis in (1, 2):
        gaussian_filter1d(hu, recipe.blur_mm / recipe.in_plane_mm, axis=axis, output=hu)
    hu += scanner_noise(hu.shape, spacing, recipe.noise_hu, np.random.default_rng([recipe.seed, 3]))
    image, truth = (sitk.GetImageFromArray(values) for values in (hu.round().astype(np.int16), _truth(share)))
    for part in (image, truth):
        part.SetSpacing(spacing.tolist())
        part.SetOrigin(origin.tolist())
        part.SetDirection(axes.T.ravel().tolist())
    return HeadPhantom(image, truth, _blood_ml(recipe))


def _truth(share: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(share >= 0.5, dtype=np.uint8)


def _axes(recipe: HeadRecipe) -> NDArray[np.float64]:
    """Return the directions of i, j, k in LPS as rows."""
    tilt, turn = np.radians([recipe.tilt_deg, recipe.turn_deg])
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), np.sin(tilt)], [0, -np.sin(tilt), np.cos(tilt)]])
    about_z = np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    return np.asarray(about_x @ about_z)


def _head_frame(
    i: NDArray[np.float64],
    j: NDArray[np.float64],
    k: NDArray[np.float64],
    origin: NDArray[np.float64],
    axes: NDArray[np.float64],
    scale: float,
) -> tuple[Field, Field, Field]:
    """Return x, y, z (k, j, i) in the head frame of grid positions (mm along the axes)."""
    parts = [
        (origin[n] + k[:, None, None] * axes[2, n] + j[:, None] * axes[1, n] + i * axes[0, n]) / scale for n in range(3)
    ]
    x, y, z = (part.astype(np.float32) for part in parts)
    return x, y, z


def _painted(x: Field, y: Field, z: Field, recipe: HeadRecipe, step_mm: float) -> tuple[Field, Field]:
    """Return HU and the share of blood at points; each surface is painted over those before it."""
    skull = skull_surfaces(x, y, z)
    brain = brain_surfaces(x, y, z, skull, recipe.seed)
    blood = blood_surface(x, y, z, skull, recipe)
    vessel_hu = 180.0 if recipe.contrast else recipe.sinus_hu
    shaded = np.float32(recipe.shading_hu) * np.exp(np.minimum(skull.cavity, 0) / np.float32(_SHADING_REACH_MM))
    shaded -= np.float32(recipe.shading_hu / 2) * np.exp(-(((z + 42) / 7) ** 2) - ((y - 12) / 9) ** 2)
    oedema = blood - np.float32(5.0) if recipe.oedema and recipe.kind in ("deep", "lobar") else None
    inside = np.minimum(skull.cavity, skull.canal)
    before: list[tuple[Field, Field | float]] = [
        (skull.head + 2, -70.0),
        (skull.head + 7, 55.0),
        (skull.spine, 700.0),
        (skull.orbits, -75.0),
        (skull.airways, -950.0),
        (skull.bone, 1150.0),
        (skull.diploe, 600.0),
        (skull.petrous, 900.0),
        (inside, 9.0 + shaded),
        (np.maximum(skull.cord, inside), 34.0),
        (brain.brain, 37.0 + shaded),
        (brain.white, 29.0 + shaded),
        (np.maximum(brain.nuclei, brain.brain), 37.5 + shaded),
        (np.maximum(oedema, brain.brain), 22.0 + shaded) if oedema is not None else (blood, 22.0),
        (brain.ventricles, 7.0),
    ]
    after: list[tuple[Field, Field | float]] = [
        (np.maximum(brain.dura, skull.cavity), 52.0 + shaded + (60.0 if recipe.contrast else 0.0)),
        (np.maximum(brain.sinuses, skull.cavity), vessel_hu + shaded),
        (skull.petrous, 900.0),
        *brain.calcifications,
    ]
    if recipe.contrast:
        after.append((brain.arteries, vessel_hu))
    hu = np.full(x.shape, np.float32(-1000))
    _paint(hu, skull.head, 20.0, step_mm, recipe.scale)
    for surface, value in before:
        _paint(hu, surface, value, step_mm, recipe.scale)
    share = _covered(blood, step_mm, recipe.scale)
    hu += share * (np.float32(recipe.blood_hu) + shaded - hu)
    for surface, value in after:
        share *= 1 - _paint(hu, surface, value, step_mm, recipe.scale)
    return hu, share


def _covered(surface: Field, step_mm: float, scale: float) -> Field:
    covered: Field = np.clip(np.float32(0.5) - surface * np.float32(scale / step_mm), 0, 1)
    return covered


def _paint(hu: Field, surface: Field, value: Field | float, step_mm: float, scale: float) -> Field:
    covered = _covered(surface, step_mm, scale)
    hu += covered * (value - hu)
    return covered


def _blood_ml(recipe: HeadRecipe) -> float:
    """Return the volume of the blood, from points so close that the voxels of a scan do not matter."""
    if recipe.kind == "none":
        return 0.0
    reach = np.array([76.0, 92.0, 78.0]) * recipe.scale
    i, j, k = (np.arange(-half, half, _TRUTH_STEP_MM) for half in reach)
    total = 0.0
    for height in k:
        x, y, z = _head_frame(i, j, np.array([height]), np.zeros(3), np.eye(3), recipe.scale)
        near = blood_surface(x, y, z, skull_surfaces(x, y, z), recipe) < 1.0
        if near.any():
            share = _painted(x[near], y[near], z[near], recipe, _TRUTH_STEP_MM)[1]
            total += float(share.sum(dtype=np.float64))
    return total * _TRUTH_STEP_MM**3 / 1000.0
