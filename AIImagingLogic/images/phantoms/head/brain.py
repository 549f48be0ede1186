"""Brain, ventricles, dura, venous sinuses and calcifications of the head phantom as implicit surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from AIImagingLogic.images.phantoms.head.skull import SkullSurfaces
from AIImagingLogic.images.phantoms.implicit_surfaces import Field, capsule_chain, ellipsoid

_DURA_HALF_MM = 1.0
_SINUS_RADIUS_MM = 3.8
_FAR = np.float32(50)


@dataclass(frozen=True)
class BrainSurfaces:
    """Surfaces at the points of a slab, and the calcifications with their density."""

    brain: Field
    white: Field
    nuclei: Field
    ventricles: Field
    dura: Field
    sinuses: Field
    arteries: Field
    calcifications: tuple[tuple[Field, float], ...]


def brain_surfaces(x: Field, y: Field, z: Field, skull: SkullSurfaces, seed: int) -> BrainSurfaces:
    """Return the surfaces at points (mm, head frame); `seed` makes gyri and calcifications."""
    random = np.random.default_rng([seed, 1])
    phases = random.uniform(0, 2 * np.pi, 6).astype(np.float32)
    gyri = np.sin(x / 4.2 + phases[0] + np.sin(z / 9 + phases[1])) * np.sin(y / 4.6 + phases[2]) + np.sin(
        z / 4.4 + phases[3] + np.sin(y / 8 + phases[4])
    ) * np.sin(x / 7 + phases[5])
    mirrored = np.abs(x)
    tent = tent_height(x, y)
    above = z - tent
    sulci = np.where(above > 0, 5 * np.clip(gyri - 0.7, 0, 1), 0).astype(np.float32)
    brain = np.maximum(skull.cavity + np.float32(2.0) + sulci, np.where(z > 22, np.float32(1.5) - mirrored, -_FAR))
    # Below the tent the cerebellum is not divided into layers.
    white = np.where(above > 0, skull.cavity + np.float32(8.5) + np.float32(2.0) * gyri, _FAR)
    ventricles = np.minimum(
        np.minimum(
            ellipsoid(mirrored, y, z, (11, -8, 16), (6, 28, 9)), ellipsoid(mirrored, y, z, (23, 30, 8), (6, 14, 8))
        ),
        np.minimum(ellipsoid(x, y, z, (0, 4, 2), (2.5, 13, 8)), ellipsoid(x, y, z, (0, 36, -34), (7, 6, 9))),
    )
    falx = np.maximum(mirrored - _DURA_HALF_MM, -ellipsoid(x, y, z, (0, 0, -8), (200, 62, 42)))
    falx = np.maximum(falx, -above)
    notch = ellipsoid(x, y, z, (0, 10, -14), (24, 34, 60))
    tentorium = np.maximum(np.abs(above) * np.float32(0.92) - _DURA_HALF_MM, np.maximum(-notch, -y))
    return BrainSurfaces(
        brain,
        white.astype(np.float32),
        ellipsoid(mirrored, y, z, (24, 2, 4), (9, 20, 12)),
        ventricles,
        np.minimum(falx, tentorium),
        _sinuses(x, y, z, skull, above),
        capsule_chain(mirrored, y, z, ((0, -12, -22), (14, -18, -22), (40, -16, -16), (50, 8, 2)), 1.6),
        _calcifications(x, y, z, random),
    )


def tent_height(x: Field, y: Field) -> Field:
    """Return the height z (mm) of the tentorium above points (x, y)."""
    return np.asarray(-6 - 0.28 * np.abs(x) - 0.08 * y, dtype=np.float32)


def _sinuses(x: Field, y: Field, z: Field, skull: SkullSurfaces, above: Field) -> Field:
    sagittal = np.maximum(np.hypot(x, skull.vault + np.float32(3.2)) - _SINUS_RADIUS_MM, -above - np.float32(4))
    sagittal = np.maximum(sagittal, -(y + 66) * np.float32(1.0) * (z < 20))
    transverse = np.maximum(np.hypot(skull.cavity + np.float32(3.4), above) - _SINUS_RADIUS_MM, 8 - y)
    straight = capsule_chain(x, y, z, ((0, 38, -6), (0, 79, -12)), 2.2)
    return np.minimum(np.minimum(sagittal, transverse), straight)


def _calcifications(x: Field, y: Field, z: Field, random: np.random.Generator) -> tuple[tuple[Field, float], ...]:
    places = [
        (24, 34, 7, 3.2),
        (-24, 33, 8, 2.6),
        (0, 20, 1, 2.4),
        (17, 0, 3, 2.0),
        (-17, 1, 2, 2.2),
        (0, -50, 38, 2.5),
    ]
    parts = []
    for cx, cy, cz, radius in places:
        shift = random.normal(0, 1.2, 3)
        radius *= random.uniform(0.7, 1.2)
        hu = float(random.uniform(110, 420))
        parts.append(
            (ellipsoid(x, y, z, (cx + shift[0], cy + shift[1], cz + shift[2]), (radius, radius * 1.3, radius)), hu)
        )
    return tuple(parts)
