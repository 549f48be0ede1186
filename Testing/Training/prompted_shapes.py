"""Objects and their surroundings that never were: shapes, grey values, blur and noise all drawn at random.

References
----------
Billot B, et al. SynthSeg: segmentation of brain MRI scans of any contrast and resolution without retraining. Med Image
Anal 2023;86:102789 (grey values drawn at random for each region).
Hoffmann M, et al. SynthMorph. IEEE Trans Med Imaging 2022;41:543-558 (regions from smooth noise).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.models.prompted_network.network_input import normalised

Volume = NDArray[np.float32]
Mask = NDArray[np.bool_]
_FEWEST_VOXELS = 100
_MOST_SHARE = 0.45
_TRIES = 20


@dataclass(frozen=True)
class Sample:
    """A generated image and the object to outline in it, (side, side, side)."""

    image: Volume
    truth: Mask
    kind: str


def make_sample(random: np.random.Generator, side: int) -> Sample:
    """Return a sample, the same for the same state of `random`."""
    regions = _regions(random, side)
    for _ in range(_TRIES):
        kind = str(random.choice(list(_KINDS), p=_ODDS))
        truth = _KINDS[kind](random, side)
        if _FEWEST_VOXELS <= np.count_nonzero(truth) <= _MOST_SHARE * truth.size:
            break
    neighbours = [_KINDS[str(random.choice(list(_KINDS)))](random, side) for _ in range(random.integers(0, 4))]
    for number, neighbour in enumerate(neighbours):
        regions[neighbour & ~truth] = 100 + number
    inner = 200
    regions[truth] = inner
    parts = [inner]
    if random.random() < 0.2:
        regions[truth & (smooth_noise(random, side, float(random.uniform(3, 8))) > 0.6)] = inner + 1
        parts.append(inner + 1)
    if random.random() < 0.25:
        rim = truth & (ndimage.distance_transform_edt(truth) < random.uniform(1.0, 3.0))
        regions[rim] = inner + 2
        parts.append(inner + 2)
    return Sample(_image(random, regions, truth, parts), truth, kind)


def smooth_noise(random: np.random.Generator, side: int, scale: float) -> Volume:
    """Return smooth noise of mean 0 and deviation 1; `scale` is its length in voxels."""
    coarse = max(4, int(np.ceil(side / max(scale / 2, 1.0))) + 3)
    grid = random.normal(0, 1, (coarse,) * 3).astype(np.float32)
    first = random.uniform(0, 1, 3)
    step = max(scale / 2, 1.0)
    places = [np.arange(side) / step + start for start in first]
    noise = grid
    for axis, place in enumerate(places):
        low = np.minimum(np.floor(place).astype(int), coarse - 2)
        share = place - low
        share = (share * share * (3 - 2 * share)).astype(np.float32)
        shape = [1, 1, 1]
        shape[axis] = side
        share = share.reshape(shape)
        noise = np.take(noise, low, axis) * (1 - share) + np.take(noise, low + 1, axis) * share
    return np.asarray((noise - noise.mean()) / max(float(noise.std()), 1e-6), np.float32)


def _regions(random: np.random.Generator, side: int) -> NDArray[np.int16]:
    """Return the surroundings: where one of several smooth noises is the largest."""
    count = int(random.integers(2, 9))
    scale = float(random.uniform(8, 30))
    noises = np.stack([smooth_noise(random, side, scale) for _ in range(count)])
    return np.asarray(noises.argmax(0), np.int16)


def _image(random: np.random.Generator, regions: NDArray[np.int16], truth: Mask, parts: list[int]) -> Volume:
    side = len(regions)
    table = np.zeros(256, np.float32)
    table[:] = random.uniform(0, 1, 256)
    # The parts of an object are alike more often than not, and an object differs from what it lies in.
    contrast = float(random.choice([-1, 1]) * random.uniform(0.1, 0.6))
    around = regions[ndimage.binary_dilation(truth, iterations=2) & ~truth]
    beside = float(table[np.bincount(around.astype(np.int64)).argmax()]) if len(around) else 0.5
    table[parts[0]] = beside + contrast
    for part in parts[1:]:
        if random.random() < 0.7:
            table[part] = table[parts[0]] + random.normal(0, 0.12)
    image = table[regions]
    # Each region has a texture of its own strength.
    strength = (random.uniform(0, 0.12, 256) * (random.random(256) < 0.6)).astype(np.float32)[regions]
    image = image + strength * smooth_noise(random, side, float(random.uniform(1.5, 6)))
    blur = random.uniform(0.2, 1.4)
    image = ndimage.gaussian_filter(image, blur)
    if random.random() < 0.5:
        image = image * np.exp(random.uniform(0, 0.35) * smooth_noise(random, side, float(side) * 0.9))
    if random.random() < 0.5:
        image = _thick_slices(random, image)
    noise = random.normal(0, 1, image.shape).astype(np.float32)
    if random.random() < 0.5:
        noise = ndimage.gaussian_filter(noise, random.uniform(0.4, 1.0))
        noise /= max(float(noise.std()), 1e-6)
    image = image + noise * random.uniform(0.005, 0.12)
    image = image - image.min()
    image = (image / max(float(image.max()), 1e-6)) ** random.uniform(0.6, 1.6)
    return normalised(image)


def _thick_slices(random: np.random.Generator, image: Volume) -> Volume:
    """Return the image as thick slices show it, brought back to cubic voxels."""
    axis, thickness = int(random.integers(3)), float(random.uniform(1.5, 6))
    side = image.shape[axis]
    thick = ndimage.gaussian_filter1d(image, thickness / 2.355, axis=axis)
    places = np.arange(random.uniform(0, thickness), side - 1, thickness)
    if len(places) < 2:
        return image
    slices = np.take(thick, np.rint(places).astype(int), axis)
    at = np.clip(np.interp(np.arange(side), places, np.arange(len(places))), 0, len(places) - 1)
    low = np.minimum(at.astype(int), len(places) - 2)
    shape = [1, 1, 1]
    shape[axis] = side
    share = (at - low).reshape(shape)
    return np.asarray(np.take(slices, low, axis) * (1 - share) + np.take(slices, low + 1, axis) * share, np.float32)


def _grid(random: np.random.Generator, side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return places (3, side, side, side) around a middle, in voxels, turned at random; and the middle."""
    middle = random.uniform(0.3, 0.7, 3) * side
    axes = np.stack(np.meshgrid(*[np.arange(side, dtype=np.float32)] * 3, indexing="ij"))
    turn, _ = np.linalg.qr(random.normal(0, 1, (3, 3)))
    places = np.tensordot(turn.astype(np.float32), axes - middle[:, None, None, None].astype(np.float32), 1)
    return places.astype(np.float32), middle.astype(np.float32)


def _radii(random: np.random.Generator, side: int) -> NDArray[np.float64]:
    size = np.exp(random.uniform(np.log(4), np.log(side * 0.42)))
    return np.asarray(size * np.exp(random.normal(0, 0.25, 3)))


def _blob(random: np.random.Generator, side: int) -> Mask:
    """A lump: an ellipsoid with a rough surface."""
    places, _ = _grid(random, side)
    radii = _radii(random, side)
    far = np.sqrt(sum((place / radius) ** 2 for place, radius in zip(places, radii)))
    rough = random.uniform(0, 0.35) * smooth_noise(random, side, float(radii.min() * random.uniform(0.6, 1.5) + 2))
    return _largest(np.asarray(far + rough < 1))


def _organ(random: np.random.Generator, side: int) -> Mask:
    """A smooth, bent body with lobes: several lumps that run into each other."""
    places, _ = _grid(random, side)
    radius = float(_radii(random, side).mean())
    level = np.zeros((side,) * 3, np.float32)
    centre = np.zeros(3)
    for _ in range(int(random.integers(2, 6))):
        radii = radius * random.uniform(0.4, 0.9, 3)
        far = sum(((place - c) / r) ** 2 for place, c, r in zip(places, centre, radii))
        level += np.exp(-np.asarray(far, np.float32))
        centre = centre + random.normal(0, 0.6, 3) * radius
    return _largest(level > random.uniform(0.35, 0.6))


def _tube(random: np.random.Generator, side: int) -> Mask:
    """A winding tube, such as a vessel, a cord or a piece of gut."""
    place = random.uniform(0.2, 0.8, 3) * side
    way = random.normal(0, 1, 3)
    bend = random.uniform(0.02, 0.2)
    line = np.ones((side,) * 3, bool)
    for _ in range(int(random.integers(side // 2, 2 * side))):
        way = way / np.linalg.norm(way) + random.normal(0, bend, 3)
        place = place + way / np.linalg.norm(way)
        inside = np.rint(place).astype(int)
        if np.any(inside < 0) or np.any(inside >= side):
            break
        line[tuple(inside)] = False
    far = ndimage.distance_transform_edt(line) if not line.all() else np.full(line.shape, np.inf)
    radius = np.exp(random.uniform(np.log(1.5), np.log(side * 0.16)))
    return _largest(np.asarray(far < radius * (1 + random.uniform(0, 0.3) * smooth_noise(random, side, 10))))


def _shell(random: np.random.Generator, side: int) -> Mask:
    """A wall around something: a lump without its inside."""
    whole = _blob(random, side)
    depth = ndimage.distance_transform_edt(whole)
    return _largest(whole & (depth <= random.uniform(1.5, max(2.0, depth.max() * 0.5))))


def _plate(random: np.random.Generator, side: int) -> Mask:
    """A flat, bent body, such as a muscle or a disc."""
    places, _ = _grid(random, side)
    radii = _radii(random, side) * [1.0, 1.0, random.uniform(0.2, 0.4)]
    bent = places[2] + random.uniform(-0.4, 0.4) * (places[0] ** 2) / max(radii[0], 1.0)
    far = (places[0] / radii[0]) ** 2 + (places[1] / radii[1]) ** 2 + (bent / max(radii[2], 1.2)) ** 2
    return _largest(far + 0.3 * random.uniform(0, 1) * smooth_noise(random, side, 8) < 1)


def _noise_region(random: np.random.Generator, side: int) -> Mask:
    """A body of any form: what lies above a level of smooth noise."""
    noise = smooth_noise(random, side, float(random.uniform(10, 34)))
    return _largest(noise > random.uniform(0.6, 1.6))


def _largest(mask: Mask) -> Mask:
    labels, count = ndimage.label(mask)
    if count <= 1:
        return mask
    return np.asarray(labels == 1 + np.bincount(labels.ravel())[1:].argmax())


_KINDS = {
    "blob": _blob,
    "organ": _organ,
    "tube": _tube,
    "shell": _shell,
    "plate": _plate,
    "noise": _noise_region,
}
_ODDS = (0.3, 0.25, 0.15, 0.06, 0.12, 0.12)
