"""Shapes with known truth for the interactive benchmark: simple objects under the noise of each modality."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

SHAPES = (
    "ball in noise",
    "oblique ellipsoid",
    "lobes, thick slices",
    "curved tube",
    "necrotic mass",
    "hot spot, blurred",
    "speckled cyst",
    "neighbours that touch",
    "dim mass, uneven field",
)
_SIZE = (80, 88, 72)


def made_shape(name: str) -> tuple[sitk.Image, NDArray[np.bool_], str]:
    """Return image, truth (k, j, i) and modality of a made shape; the same each time."""
    rng = np.random.default_rng(SHAPES.index(name) + 400)
    spacing = np.array([1.0, 1.0, 1.0])
    if name == "lobes, thick slices":
        spacing = np.array([0.8, 0.8, 4.0])
    elif name == "oblique ellipsoid":
        spacing = np.array([0.7, 0.9, 1.6])
    elif name == "hot spot, blurred":
        spacing = np.array([2.0, 2.0, 2.0])
    size = np.maximum((np.array(_SIZE) / spacing).astype(int), 20)
    k, j, i = np.indices(size[::-1])
    x = (np.stack([i, j, k], axis=-1) - (size - 1) / 2) * spacing
    truth, values, modality = _PAINTERS[name](x, rng, spacing)
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.SetSpacing(spacing.tolist())
    image.SetOrigin((-31.0, 17.0, 240.0))
    if name in ("oblique ellipsoid", "curved tube"):
        image.SetDirection(Rotation.from_euler("xyz", (20, -15, 35), degrees=True).as_matrix().ravel().tolist())
    return image, truth, modality


Painted = tuple[NDArray[np.bool_], NDArray[np.float64], str]
Positions = NDArray[np.float64]


def _noise(rng: np.random.Generator, shape: tuple[int, ...], sd: float, blur: float) -> NDArray[np.float64]:
    field = ndimage.gaussian_filter(rng.normal(size=shape), blur)
    return np.asarray(sd * field / field.std())


def _blurred(mask: NDArray[np.bool_], mm: float, spacing: Positions) -> NDArray[np.float64]:
    return np.asarray(ndimage.gaussian_filter(mask.astype(float), mm / spacing[::-1]))


def _ball(x: Positions, rng: np.random.Generator, spacing: Positions) -> Painted:
    truth = np.linalg.norm(x - [6.0, -4.0, 3.0], axis=-1) < 17.0
    return truth, 40 + 60 * _blurred(truth, 0.7, spacing) + _noise(rng, truth.shape, 25, 0.6), "CT"


def _ellipsoid(x: Positions, rng: np.random.Generator, spacing: Positions) -> Painted:
    turned = (x - [3.0, 5.0, -4.0]) @ Rotation.from_euler("zyx", (30, 40, 10), degrees=True).as_matrix()
    truth = np.linalg.norm(turned / [24.0, 12.0, 9.0], axis=-1) < 1.0
    other = np.linalg.norm((x - [-20.0, -22.0, 10.0]) / [9.0, 8.0, 12.0], axis=-1) < 1.0
    values = 100 + 50 * _blurred(truth, 0.8, spacing) + 90 * _blurred(other, 0.8, spacing)
    return truth, values + _noise(rng, truth.shape, 15, 0.7), "MR"


def _lobes(x: Positions, rng: np.random.Generator, spacing: Positions) -> Painted:
    centers = np.array([[0, 0, 0], [10, 6, 3], [-9, 7, -5], [2, -12, 4], [4, 9, -10]], float)
    field = sum(np.exp(-(np.linalg.norm(x - c, axis=-1) ** 2) / (2 * 7.0**2)) for c in centers)
    truth = np.asarray(field) > 0.7
    return truth, 200 - 70 * _blurred(truth, 0.9, spacing) + _noise(rng, truth.shape, 18, 0.7), "MR"


def _tube(x: Positions, rng: np.random.Generator, spacing: Positions) -> Painted:
    middle_x, middle_y = 14 * np.sin(x[..., 2] / 16), 6 * np.cos(x[..., 2] / 11)
    truth = np.hypot(x[..., 0] - middle_x, x[..., 1] - middle_y) < 6.5
    bone = np.hypot(x[..., 0] + 20, x[..., 1] - 20) < 9
    values = 50 + 130 * _blurred(truth, 0.8, spacing) + 400 * _blurred(bone, 0.8, spacing)
    return truth, values + _noise(rng, truth.shape, 25, 0.8), "CT"


def _necrotic(x: Positions, rng: np.random.Generator, spacing: Positions) -> Painted:
    r = np.linalg.norm(x / [1.0, 1.15, 0.9], axis=-1) + _noise(rng, x.shape[:3], 1.2, 5.0)
    truth, core = r < 19, r < 11
    values = 90 + 70 * _blurred(truth, 0.9, spacing) - 45 * _blurred(core, 2.0, spacing)
    return truth, values + _noise(rng, truth.shape, 10, 0.8), "MR"


def _hot_spot(x: Positions, rng: np.random.Generator, spacing: Positions) -> Painted:
    truth = np.linalg.norm((x - [5.0, 0.0, 4.0]) / [11.0, 8.0, 9.0], axis=-1) < 1.0
    other = np.linalg.norm(x - [-16.0, 12.0, -8.0], axis=-1) < 7.0
    values = 1.5 + 9 * _blurred(truth, 2.8, spacing) + 6 * _blurred(other, 2.8, spacing)
    return truth, values * (1 + _noise(rng, truth.shape, 0.08, 0.8)), "PT"


def _cyst(x: Positions, rng: np.random.Generator, spacing: Positions) -> Painted:
    r = np.linalg.norm(x / [1.2, 0.9, 1.0], axis=-1) + _noise(rng, x.shape[:3], 0.8, 5.0)
    truth = r < 15
    echo = 120 - 85 * _blurred(truth, 0.8, spacing)
    speckle = np.hypot(_noise(rng, truth.shape, 1, 0.9), _noise(rng, truth.shape, 1, 0.9)) / np.sqrt(np.pi / 2)
    return truth, echo * speckle, "US"


def _neighbours(x: Positions, rng: np.random.Generator, spacing: Positions) -> Painted:
    truth = np.linalg.norm((x - [-8.0, 0.0, 0.0]) / [15.0, 18.0, 16.0], axis=-1) < 1.0
    beside = (np.linalg.norm((x - [18.0, 4.0, 2.0]) / [12.0, 14.0, 14.0], axis=-1) < 1.0) & ~truth
    values = -80 + 170 * _blurred(truth, 0.8, spacing) + 140 * _blurred(beside, 0.8, spacing)
    return truth, values + _noise(rng, truth.shape, 14, 0.8), "CT"


def _dim(x: Positions, rng: np.random.Generator, spacing: Positions) -> Painted:
    r = np.linalg.norm((x - [4.0, 6.0, -3.0]) / [1.0, 0.8, 1.1], axis=-1) + _noise(rng, x.shape[:3], 1.5, 6.0)
    truth = r < 16
    field = 1 + 0.004 * x[..., 0] + 0.003 * x[..., 1]
    return truth, (150 + 35 * _blurred(truth, 1.0, spacing)) * field + _noise(rng, truth.shape, 14, 0.8), "MR"


_PAINTERS = {
    "ball in noise": _ball,
    "oblique ellipsoid": _ellipsoid,
    "lobes, thick slices": _lobes,
    "curved tube": _tube,
    "necrotic mass": _necrotic,
    "hot spot, blurred": _hot_spot,
    "speckled cyst": _cyst,
    "neighbours that touch": _neighbours,
    "dim mass, uneven field": _dim,
}
