"""Patches to train on: a piece of lung turned, mirrored and stretched, nodules painted in, scanned in another way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial.transform import Rotation

from AIImagingLogic.images.phantoms.scanner_noise import scanner_noise
from Testing.Training.nodule_paint import paint_nodule, paint_scar, paint_tube
from Testing.Training.nodule_volumes import Volume

Random = np.random.Generator

BORDER = 8
"""Voxels at a patch's sides where nothing is learnt: what lies around is not seen there."""
_REAL_SHARE = 0.55
_HARD_SHARE, _NODULE_SHARE, _DENSE_SHARE = 0.25, 0.2, 0.35
_MOST_TURN_DEG = 25.0
_IMPLANTS_ODDS = (0.12, 0.3, 0.3, 0.18, 0.1)
_DENSE_HU = -600


@dataclass(frozen=True)
class HardPlace:
    """Where the network was wrong: (3,) k, j, i in volume `volume`."""

    volume: int
    place: tuple[float, float, float]


@dataclass(frozen=True)
class Sample:
    """One patch.

    Attributes
    ----------
    hu, depth : (k, j, i) float32
    nodules : (N, 5): centre, diameter, 1 where it counts neither way; in voxels of the patch
    volume : where it is from
    middle, turn : voxel p of the patch is voxel middle + turn @ (p - its own middle) of the volume
    """

    hu: NDArray[np.float32]
    depth: NDArray[np.float32]
    nodules: NDArray[np.float64]
    volume: int
    middle: NDArray[np.float64]
    turn: NDArray[np.float64]

    def place(self, at: NDArray[np.float64]) -> HardPlace:
        """Return where voxel (3,) of the patch lies in its volume."""
        k, j, i = self.middle + self.turn @ (at - (self.hu.shape[0] - 1) / 2)
        return HardPlace(self.volume, (float(k), float(j), float(i)))


def draw_sample(volumes: Sequence[Volume], hard: Sequence[HardPlace], side: int, random: Random) -> Sample:
    """Return one patch of `side` voxels along each axis; the same `random` gives the same patch.

    Parameters
    ----------
    hard : places to come back to
    """
    number, middle = _chosen(volumes, hard, side, random)
    volume, turn = volumes[number], _turn(random)
    hu, depth = _turned(volume, middle, turn, side)
    back, own = np.linalg.inv(turn), (side - 1) / 2
    there = (volume.nodules[:, :3] - middle) @ back.T + own
    scale = abs(float(np.linalg.det(turn))) ** (1 / 3)
    nodules = np.column_stack([there, volume.nodules[:, 3] / scale, volume.nodules[:, 4]])
    reach = nodules[:, 3:4] / 2 + 4.0
    nodules = nodules[np.all((there > -reach) & (there < side - 1 + reach), axis=1)]
    for _ in range(int(random.integers(1, 4)) if random.random() < 0.4 else 0):
        paint_tube(hu, random)
    if random.random() < 0.2:
        paint_scar(hu, random)
    for _ in range(int(random.choice(len(_IMPLANTS_ODDS), p=_IMPLANTS_ODDS))):
        painted = paint_nodule(hu, depth, nodules[:, :4], BORDER, random)
        if painted is not None:
            row = [*painted.center, painted.diameter, float(painted.excluded)]
            nodules = np.concatenate([nodules, [row]])
    return Sample(rescanned(hu, random), depth, nodules, number, middle, turn)


def rescanned(hu: NDArray[np.float32], random: Random) -> NDArray[np.float32]:
    """Return the patch with other slices, kernel, motion, noise, density of lung and calibration."""
    if random.random() < 0.4:
        hu = _thick_slices(hu, int(random.integers(2, 4)), random)
    if random.random() < 0.08:
        shift = int(random.integers(1, 3))
        hu = 0.5 * (hu + np.roll(hu, shift, axis=1))
    kernel = random.random()
    if kernel < 0.35:
        hu = gaussian_filter(hu, random.uniform(0.2, 0.75))
    elif kernel < 0.6:
        hu = hu + np.float32(random.uniform(0.2, 0.9)) * (hu - gaussian_filter(hu, 1.0))
    if random.random() < 0.75:
        noise_hu = float(random.uniform(3.0, 45.0))
        hu = hu + scanner_noise(hu.shape, np.ones(3), noise_hu, random)
    aerated = np.clip((-500.0 - hu) / 300.0, 0.0, 1.0).astype(np.float32)
    return hu + np.float32(random.uniform(-35.0, 35.0)) * aerated + np.float32(random.uniform(-20.0, 20.0))


def _chosen(
    volumes: Sequence[Volume], hard: Sequence[HardPlace], side: int, random: Random
) -> tuple[int, NDArray[np.float64]]:
    """Return a volume and the middle of the patch in it."""
    way = random.random()
    jitter = random.uniform(-1, 1, 3) * (side / 2 - BORDER - 4)
    if hard and way < _HARD_SHARE:
        chosen = hard[int(random.integers(len(hard)))]
        return chosen.volume, np.array(chosen.place) + 0.6 * jitter
    real = random.random() < _REAL_SHARE
    kind = [number for number, volume in enumerate(volumes) if volume.real == real] or list(range(len(volumes)))
    number = kind[int(random.integers(len(kind)))]
    volume = volumes[number]
    if len(volume.nodules) and way < _HARD_SHARE + _NODULE_SHARE:
        return number, volume.nodules[int(random.integers(len(volume.nodules))), :3] + jitter
    place = np.zeros(3)
    for cell in random.integers(0, volume.hu.shape, (400, 3)):
        if volume.depth[tuple(cell)] > 1:
            place = cell.astype(float)
            if volume.hu[tuple(cell)] > _DENSE_HU or way > _HARD_SHARE + _NODULE_SHARE + _DENSE_SHARE:
                break
    return number, place + 0.4 * jitter


def _turn(random: Random) -> NDArray[np.float64]:
    """Return what maps steps of the patch to steps of the volume: mirrors, a turn, other sizes."""
    mirrored = np.diag(random.choice([-1.0, 1.0], 3))
    if random.random() < 0.5:
        mirrored = mirrored[[0, 2, 1]]
    axis = random.normal(size=3)
    angle = np.deg2rad(random.uniform(0, _MOST_TURN_DEG)) if random.random() < 0.7 else 0.0
    turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle).as_matrix()
    size = np.exp(random.uniform(-0.2, 0.15)) * np.exp(random.uniform(-0.07, 0.07, 3))
    result: NDArray[np.float64] = np.diag(size) @ turn @ mirrored
    return result


def _turned(
    volume: Volume, middle: NDArray[np.float64], turn: NDArray[np.float64], side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    steps = np.arange(side) - (side - 1) / 2
    along = [turn[:, axis].reshape(3, 1) * steps for axis in range(3)]
    where = (
        middle.reshape(3, 1, 1, 1) + along[0][:, :, None, None] + along[1][:, None, :, None] + along[2][:, None, None]
    )
    shape = np.array(volume.hu.shape)
    low = np.clip(np.floor(where.min((1, 2, 3))).astype(int), 0, shape - 1)
    high = np.clip(np.ceil(where.max((1, 2, 3))).astype(int) + 1, low + 1, shape)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high))
    where -= low.reshape(3, 1, 1, 1)
    hu = map_coordinates(volume.hu[box].astype(np.float32), where, order=1, mode="nearest", prefilter=False)
    depth = map_coordinates(volume.depth[box].astype(np.float32), where, order=1, mode="nearest", prefilter=False)
    # Beyond the volume there is nothing to learn.
    beyond = np.any((where < -0.5) | (where > (np.array(volume.hu[box].shape) - 0.5).reshape(3, 1, 1, 1)), axis=0)
    depth[beyond] = -20.0
    return hu, depth


def _thick_slices(hu: NDArray[np.float32], count: int, random: Random) -> NDArray[np.float32]:
    """Return the patch as slices of `count` voxels along k would show it."""
    first = int(random.integers(count))
    padded = np.pad(hu, ((count + first, 2 * count), (0, 0), (0, 0)), mode="edge")
    number = len(padded) // count
    slices = padded[: number * count].reshape(number, count, *hu.shape[1:]).mean(1)
    at = (np.arange(len(hu)) + count + first - (count - 1) / 2) / count
    below = np.floor(at).astype(int)
    share = (at - below).astype(np.float32)[:, None, None]
    result: NDArray[np.float32] = slices[below] * (1 - share) + slices[below + 1] * share
    return result
