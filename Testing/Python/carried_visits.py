"""Two visits of one lopsided object: the second turned, shifted and, where asked for, bent; on other grids."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from AIImagingLogic.images.geometry import index_to_world
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.registration import Registration, RegistrationQuality

TURN = Rotation.from_euler("xyz", [9, -14, 11], degrees=True).as_matrix()
SHIFT_MM = np.array([21.0, -13.0, 8.0])
_GRIDS = (
    # Oblique with thick slices, and flipped with axes exchanged: nothing of the one can be taken for the other.
    ((0.8, -0.6, 0.0, 0.48, 0.64, 0.6, -0.36, -0.48, 0.8), (0.9, 1.1, 2.4), (56, 48, 24)),
    ((0.0, -1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, -1.0), (1.2, 0.8, 1.7), (44, 62, 32)),
)


@dataclass(frozen=True)
class Visit:
    """An image of the object, and where the object truly lies: bool (k, j, i)."""

    image: sitk.Image
    truth: np.ndarray


def body(points: np.ndarray) -> np.ndarray:
    """Return whether points (N, 3), mm, lie in the object: an ellipsoid with a knob on one side."""
    ellipsoid = ((points / [14.0, 8.0, 10.0]) ** 2).sum(axis=-1) <= 1
    return ellipsoid | (np.linalg.norm(points - [9.0, 7.0, 5.0], axis=-1) <= 5.0)


def later(points: np.ndarray, bend_mm: float) -> np.ndarray:
    """Return where points of the first visit lie at the second, LPS mm."""
    return points @ TURN.T + SHIFT_MM + bend_mm * np.sin(points[:, [1, 2, 0]] / 12.0)


def earlier(points: np.ndarray, bend_mm: float) -> np.ndarray:
    """Return where points of the second visit lay at the first: `later` the other way round."""
    found = (points - SHIFT_MM) @ TURN
    for _ in range(25):
        found = (points - SHIFT_MM - bend_mm * np.sin(found[:, [1, 2, 0]] / 12.0)) @ TURN
    return found


@cache
def visits(bend_mm: float = 0.0, noise: float = 8.0) -> tuple[Visit, Visit]:
    """Return both visits: a bright object in noise."""
    made = []
    for number, (direction, spacing, size) in enumerate(_GRIDS):
        image = sitk.Image(size, sitk.sitkFloat32)
        image.SetDirection(direction)
        image.SetSpacing(spacing)
        middle = np.zeros(3) if number == 0 else SHIFT_MM
        image.SetOrigin((middle - index_to_world(image, (np.array(size) - 1) / 2) + [1.5, -2.5, 0.5]).tolist())
        k, j, i = np.meshgrid(*(np.arange(n) for n in size[::-1]), indexing="ij")
        points = index_to_world(image, np.stack([i, j, k], axis=-1).reshape(-1, 3))
        truth = body(points if number == 0 else earlier(points, bend_mm)).reshape(size[::-1])
        voxels = 100.0 * truth + np.random.default_rng(number).normal(0, noise, truth.shape)
        filled = sitk.GetImageFromArray(voxels.astype(np.float32))
        filled.CopyInformation(image)
        made.append(Visit(filled, truth))
    return made[0], made[1]


def registration(first: Visit, infos: tuple, bend_mm: float = 0.0) -> Registration:
    """Return the true registration of the two: rigid, or a field on a grid around the first visit."""
    transform: sitk.Transform
    if bend_mm == 0:
        transform = sitk.AffineTransform(TURN.ravel().tolist(), SHIFT_MM.tolist())
    else:
        size, spacing = (45, 45, 50), 2.5
        field = sitk.Image(size, sitk.sitkVectorFloat64)
        field.SetSpacing((spacing,) * 3)
        field.SetOrigin((-(np.array(size) - 1) * spacing / 2).tolist())
        k, j, i = np.meshgrid(*(np.arange(n) for n in size[::-1]), indexing="ij")
        points = index_to_world(field, np.stack([i, j, k], axis=-1).reshape(-1, 3))
        moved = (later(points, bend_mm) - points).reshape(*size[::-1], 3)
        filled = sitk.GetImageFromArray(moved, isVector=True)
        filled.CopyInformation(field)
        transform = sitk.DisplacementFieldTransform(filled)
    quality = RegistrationQuality("NCC", 0.5, 0.9, 0.0, None)
    return Registration(
        transform, "deformable" if bend_mm else "rigid", quality, make_provenance("register", [], infos)
    )
