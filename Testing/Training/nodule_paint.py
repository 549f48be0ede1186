"""Paints nodules into a patch of lung, and what is none: vessels, airways, scars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.special import erfc

from AIImagingLogic.images.phantoms.nodule_shape import random_shape, with_core

Patch = NDArray[np.float32]
Point = NDArray[np.float64]
Random = np.random.Generator

_KINDS = ("solid", "ground-glass", "part-solid", "calcified")
_KIND_ODDS = (0.5, 0.27, 0.15, 0.08)
_CONTACTS = ("none", "vessel", "pleura")
_CONTACT_ODDS = (0.45, 0.32, 0.23)
_DIAMETERS_MM = (3.5, 22.0)
_LEAST_COUNTED_MM, _LEAST_SEEN_HU = 4.0, 80.0
_AIR_HU = -500.0
_TRIES = 60
_TUBE_POINTS = 48


@dataclass(frozen=True)
class Painted:
    """A nodule in a patch: centre (3,) k, j, i; diameter; whether it is too small or too faint to count."""

    center: Point
    diameter: float
    excluded: bool


def paint_nodule(hu: Patch, depth: Patch, taken: NDArray[np.float64], border: int, random: Random) -> Painted | None:
    """Paint one nodule of a random kind, size and contact into `hu`; None where no place was found.

    Parameters
    ----------
    hu : (k, j, i) voxels of a millimetre; changed
    depth : (k, j, i) mm from the lungs' border, positive inside
    taken : (N, 4) centre and diameter of what is there
    border : its centre lies at least so many voxels from the patch's sides
    """
    diameter = float(np.exp(random.uniform(*np.log(_DIAMETERS_MM))))
    level = gaussian_filter(hu, 1.2)
    place = _place(level, depth, diameter / 2, taken, border, random)
    if place is None:
        return None
    kind = str(random.choice(_KINDS, p=_KIND_ODDS))
    shape = random_shape(place, diameter, float(random.uniform(0.03, 0.28)), random)
    if kind == "part-solid":
        shape = with_core(shape, float(random.uniform(0.3, 0.65)), random)
    blur = float(random.uniform(0.45, 1.0))
    box = _box(place, shape.reach_mm + 3.0, hu.shape)
    points = np.stack(np.meshgrid(*(np.arange(part.start, part.stop) for part in box), indexing="ij"), axis=-1)
    outside = np.maximum(shape.distance(points), -depth[box])
    share = _share(outside, blur)
    window = hu[box]
    before = window.copy()
    if kind in ("ground-glass", "part-solid"):
        window += share * np.maximum(random.uniform(-740.0, -470.0) - level[box], 0.0).astype(np.float32)
        if kind == "part-solid":
            core = np.minimum(_share(shape.core_distance(points), blur), share)
            window += core * (np.float32(random.uniform(-60.0, 60.0)) - window)
    else:
        density = random.uniform(-100.0, 90.0) if kind == "solid" else random.uniform(120.0, 700.0)
        grain = gaussian_filter(random.standard_normal(window.shape, np.float32), random.uniform(0.5, 1.3))
        grain *= np.float32(random.uniform(0.0, 45.0) / max(float(grain.std()), 1e-6))
        window += share * (np.float32(density) + grain - window)
    filled = float(share.sum())
    if filled < 1.0:
        return None
    center = (points * share[..., None]).sum((0, 1, 2)) / filled
    diameter = (6.0 * filled / np.pi) ** (1 / 3)
    seen = float(((window - before) * share).sum()) / filled
    return Painted(center, diameter, diameter < _LEAST_COUNTED_MM or seen < _LEAST_SEEN_HU)


def paint_tube(hu: Patch, random: Random) -> None:
    """Paint a vessel through the patch, perhaps ending in it, perhaps an airway with its lumen."""
    side = np.array(hu.shape) - 1.0
    ends = random.uniform(0, side, (3, 3))
    for end in ends[: 1 if random.random() < 0.3 else 3 : 2]:
        axis = int(random.integers(3))
        end[axis] = side[axis] * float(random.integers(2))
    t = np.linspace(0, 1, _TUBE_POINTS)[:, None]
    course = (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * ends[1] + t**2 * ends[2]
    radius = float(np.exp(random.uniform(np.log(0.6), np.log(3.2))))
    radii = radius * np.linspace(1.0, random.uniform(0.4, 1.0), _TUBE_POINTS)
    blur = float(random.uniform(0.45, 0.9))
    density = random.uniform(0.0, 70.0) if random.random() < 0.7 else random.uniform(70.0, 350.0)
    _fill(hu, _balls(hu.shape, course, radii, blur), density, brighter=True)
    if radius > 1.4 and random.random() < 0.35:
        _fill(hu, _balls(hu.shape, course, radii * random.uniform(0.55, 0.8), blur), -980.0, brighter=False)


def paint_scar(hu: Patch, random: Random) -> None:
    """Paint a thin plate, a little bent: a scar, a strand of atelectasis, a piece of fissure."""
    center = random.uniform(0.2, 0.8, 3) * np.array(hu.shape)
    axes, _ = np.linalg.qr(random.normal(size=(3, 3)))
    reach = float(random.uniform(5.0, 22.0))
    box = _box(center, reach + 3.0, hu.shape)
    points = np.stack(np.meshgrid(*(np.arange(part.start, part.stop) for part in box), indexing="ij"), axis=-1)
    across, one, other = np.moveaxis((points - center) @ axes.T, -1, 0)
    bent = across + random.uniform(-0.015, 0.015) * one**2 + random.uniform(-0.015, 0.015) * other**2
    rim = np.hypot(one, other / random.uniform(0.25, 1.0)) - reach
    outside = np.maximum(np.abs(bent) - random.uniform(0.3, 1.3), rim)
    window = hu[box]
    _fill(window, _share(outside, float(random.uniform(0.5, 1.0))), random.uniform(-350.0, 50.0), brighter=True)


def _place(
    level: Patch, depth: Patch, radius: float, taken: NDArray[np.float64], border: int, random: Random
) -> Point | None:
    contact = str(random.choice(_CONTACTS, p=_CONTACT_ODDS))
    cells = random.integers(border, np.array(level.shape) - border, (_TRIES, 3))
    for cell in cells:
        here, deep = level[tuple(cell)], depth[tuple(cell)]
        if contact == "none":
            fits = deep > radius + 1.0 and here < -650.0
        elif contact == "pleura":
            fits = 0.3 < deep < max(0.75 * radius, 1.2)
        else:
            fits = deep > 4.0 and here > _AIR_HU
        if not fits:
            continue
        place = cell + random.uniform(-0.5, 0.5, 3)
        if contact == "vessel":
            way = random.normal(size=3)
            place = place + way / np.linalg.norm(way) * radius * random.uniform(0.5, 1.05)
        nearest = np.clip(np.rint(place).astype(int), 0, np.array(level.shape) - 1)
        if np.any(place < border) or np.any(place >= np.array(level.shape) - border):
            continue
        apart = np.linalg.norm(taken[:, :3] - place, axis=1) - taken[:, 3] / 2
        if depth[tuple(nearest)] > 0 and level[tuple(nearest)] < _AIR_HU and apart.min(initial=np.inf) > radius + 5.0:
            return np.asarray(place, float)
    return None


def _balls(shape: tuple[int, ...], course: NDArray[np.float64], radii: NDArray[np.float64], blur: float) -> Patch:
    share = np.zeros(shape, np.float32)
    for center, radius in zip(course, radii):
        box = _box(center, radius + 2.2 * blur, shape)
        axes = [np.arange(part.start, part.stop) - middle for part, middle in zip(box, center)]
        far = np.sqrt(axes[0][:, None, None] ** 2 + axes[1][:, None] ** 2 + axes[2] ** 2)
        np.maximum(share[box], _share(far - radius, blur), out=share[box])
    return share


def _fill(hu: Patch, share: Patch, density: float, brighter: bool) -> None:
    """Mix `density` into `hu`: only where it is brighter than what is there, or everywhere."""
    change = np.float32(density) - hu
    hu += share * (np.maximum(change, 0) if brighter else change)


def _share(outside: NDArray[np.float64], blur: float) -> Patch:
    result: Patch = (0.5 * erfc(outside / (np.sqrt(2.0) * blur))).astype(np.float32)
    return result


def _box(center: Point, reach: float, shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    low = np.clip(np.floor(center - reach).astype(int), 0, np.array(shape) - 1)
    high = np.clip(np.ceil(center + reach).astype(int) + 1, low + 1, shape)
    k, j, i = (slice(int(a), int(b)) for a, b in zip(low, high))
    return k, j, i
