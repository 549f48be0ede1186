"""Small crops of lung with one nodule of known volume, scanned twice: other grid, noise, blur and slices."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.special import ndtr

from AIImagingLogic.images.phantoms.blurred_tubes import blurred
from AIImagingLogic.images.phantoms.fine_nodule import sample_nodule
from AIImagingLogic.images.phantoms.nodule_shape import NoduleShape, random_shape, with_core
from AIImagingLogic.images.phantoms.scan import Scan
from AIImagingLogic.images.phantoms.scanner_noise import scanner_noise
from AIImagingLogic.images.phantoms.tubes import Tubes
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.segmentation import Segment, Segmentation

COURSES = ("stable", "growing", "shrinking")
SIZE_CLASSES_MM = ((4.0, 6.0), (6.0, 10.0), (10.0, 20.0))
EXAM_STREAM, TUNING_STREAM = 6011, 2203

_WALL_HU, _VESSEL_HU = 45.0, 38.0
_TEXTURE_HU, _TEXTURE_MM = 14.0, 4.0
_PLACES = ("free", "vessel", "pleura")
_PLACE_ODDS = (0.6, 0.2, 0.2)
_KINDS = ("solid", "part-solid", "ground-glass")
_KIND_ODDS = (0.7, 0.15, 0.15)
_SMALLEST_SUBSOLID_MM = 6.0


@dataclass(frozen=True)
class NoduleScene:
    """A nodule and what lies around it, LPS mm with the nodule's middle near 0.

    Attributes
    ----------
    wall_normal, wall_mm : the chest wall lies where point . normal > wall_mm (infinite: no wall near)
    density_hu, core_hu : of the nodule, and of its solid core
    """

    shape: NoduleShape
    kind: str
    place: str
    density_hu: float
    core_hu: float
    lung_hu: float
    vessels: Tubes
    wall_normal: NDArray[np.float64]
    wall_mm: float
    texture_seed: int

    def lung_distance(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far beyond the pleura points (..., 3) lie, mm; negative inside the lung."""
        return np.asarray(points @ self.wall_normal - self.wall_mm)


@dataclass(frozen=True)
class RescannedPair:
    """Two scans of a nodule.

    Attributes
    ----------
    images : int16, HU
    organs : the lung on the grid of each
    volumes_mm3 : true, at each scan
    middles_mm : (3,) LPS mm, true
    nominal_mm : diameter that was drawn for the first scan, before lobes and pleura changed it
    """

    course: str
    nominal_mm: float
    scene: NoduleScene
    images: tuple[sitk.Image, sitk.Image]
    organs: tuple[Segmentation, Segmentation]
    volumes_mm3: tuple[float, float]
    middles_mm: tuple[tuple[float, float, float], tuple[float, float, float]]

    @property
    def diameter_mm(self) -> float:
        """Of a sphere of the true volume at the first scan."""
        return float((6 * self.volumes_mm3[0] / math.pi) ** (1 / 3))


def rescanned_pair(number: int, stream: int) -> RescannedPair:
    """Return pair `number`; course and size class go round, all else is drawn from `stream` and the number."""
    random = np.random.default_rng([stream, number])
    course = COURSES[number % len(COURSES)]
    low, high = SIZE_CLASSES_MM[number // len(COURSES) % len(SIZE_CLASSES_MM)]
    diameter = math.exp(random.uniform(math.log(low), math.log(high)))
    scene = _scene(diameter, random)
    factor = {
        "stable": 1.0,
        "growing": math.exp(random.uniform(math.log(1.15), math.log(3.0))),
        "shrinking": math.exp(random.uniform(math.log(0.4), math.log(0.87))),
    }[course]
    reach = diameter * max(factor, 1.0) ** (1 / 3) * 0.8 + 12.0
    protocols = [_protocol(random) for _ in range(2)]
    if random.uniform() < 0.5:
        protocols[1] = protocols[0]
    first = _scanned(scene, 1.0, reach, protocols[0], random)
    second = _scanned(scene, factor ** (1 / 3), reach, protocols[1], random)
    return RescannedPair(
        course,
        diameter,
        scene,
        (first[0], second[0]),
        (first[1], second[1]),
        (first[2], second[2]),
        (first[3], second[3]),
    )


@dataclass(frozen=True)
class _Protocol:
    in_plane_mm: float
    slice_mm: float
    noise_hu: float
    blur_mm: float


def _protocol(random: np.random.Generator) -> _Protocol:
    return _Protocol(
        in_plane_mm=float(random.uniform(0.6, 0.9)),
        slice_mm=float(random.choice([0.75, 1.0, 1.25, 1.5, 2.0, 2.5])),
        noise_hu=float(random.uniform(12, 35)),
        blur_mm=float(random.uniform(0.5, 0.8)),
    )


def _scene(diameter_mm: float, random: np.random.Generator) -> NoduleScene:
    kind = str(random.choice(_KINDS, p=_KIND_ODDS))
    if diameter_mm < _SMALLEST_SUBSOLID_MM:
        kind = "solid"
    place = str(random.choice(_PLACES, p=_PLACE_ODDS))
    shape = random_shape(np.zeros(3), diameter_mm, float(random.uniform(0.03, 0.2)), random)
    if kind == "part-solid":
        shape = with_core(shape, float(random.uniform(0.35, 0.65)), random)
    normal = random.normal(size=3)
    normal /= np.linalg.norm(normal)
    wall = 0.5 * diameter_mm * float(random.uniform(0.3, 0.9)) if place == "pleura" else math.inf
    return NoduleScene(
        shape=shape,
        kind=kind,
        place=place,
        density_hu=float(random.uniform(0, 60) if kind == "solid" else random.uniform(-690, -540)),
        core_hu=float(random.uniform(0, 50)),
        lung_hu=float(random.uniform(-890, -830)),
        vessels=_vessels(diameter_mm, place, random),
        wall_normal=normal,
        wall_mm=wall if math.isfinite(wall) else 1e6,
        texture_seed=int(random.integers(2**31)),
    )


def _vessels(diameter_mm: float, place: str, random: np.random.Generator) -> Tubes:
    """Return thin vessels that pass by, and one that touches the nodule where it is to."""
    starts, ends, radii = [], [], []
    count = int(random.integers(2, 6))
    for index in range(count):
        along, aside = random.normal(size=3), random.normal(size=3)
        along /= np.linalg.norm(along)
        aside -= (aside @ along) * along
        aside /= np.linalg.norm(aside)
        radius = float(random.uniform(0.5, 1.1))
        gap = 0.5 * diameter_mm * 1.5 + radius + float(random.uniform(2.5, 9.0))
        if index == 0 and place == "vessel":
            radius = float(random.uniform(0.6, 1.3))
            gap = radius + 0.5 * diameter_mm * float(random.uniform(0.5, 0.85))
        starts.append(aside * gap - 60 * along)
        ends.append(aside * gap + 60 * along)
        radii.append(radius)
    return Tubes(np.array(starts), np.array(ends), np.array(radii), np.full(count, -1))


def _scanned(
    scene: NoduleScene, scale: float, reach_mm: float, protocol: _Protocol, random: np.random.Generator
) -> tuple[sitk.Image, Segmentation, float, tuple[float, float, float]]:
    """Return image, lung, true volume and true middle."""
    scan = _grid(reach_mm, protocol, random)
    shape = scene.shape.moved(scene.shape.center_mm, scale, scale)
    fine = sample_nodule(shape, scene.lung_distance, scan.axes, scan.origin_mm, 4 * protocol.blur_mm)
    xs, ys = scan.plane_coordinates(0), scan.plane_coordinates(1)
    heights = scan.sub_slice_heights(0, scan.size[2])
    points = _points(scan, xs, ys, heights)
    planes = scene.lung_hu + _texture(points, scene.texture_seed)
    outside = scene.lung_distance(points)
    wall = ndtr(outside / protocol.blur_mm)
    i, j, k = fine.voxels_within(xs, ys, heights)
    coordinates = (xs[i], ys[j], heights[k])
    shares = np.zeros_like(planes)
    shares[k, j, i] = fine.share(fine.blurred(fine.whole, protocol.blur_mm), *coordinates)
    lung = planes.copy()
    planes += shares * (scene.density_hu - lung)
    solid = shares if scene.kind == "solid" else np.zeros_like(planes)
    if scene.kind == "part-solid":
        solid[k, j, i] = fine.share(fine.blurred(fine.core, protocol.blur_mm), *coordinates)
        planes += solid * (scene.core_hu - scene.density_hu)
    tubes = np.zeros(planes.shape, np.float32)
    vessels = scene.vessels
    blurred(vessels, vessels.radius_mm, scan.axes.T, scan.origin_mm, protocol.blur_mm).draw(tubes, xs, ys, heights)
    planes += tubes * (1 - solid) * (1 - wall) * (_VESSEL_HU - planes)
    # Wall, nodule and lung share a voxel: the lung's part alone gives way to the wall.
    planes += wall * np.clip(1 - shares, 0, 1) * (_WALL_HU - lung)
    by_slice = (scan.size[2], scan.sub_slices, len(ys), len(xs))
    values = planes.reshape(by_slice).mean(1)
    values += scanner_noise(scan.size[::-1], scan.spacing_mm, protocol.noise_hu, random)
    image = scan.image(np.clip(np.rint(values), -1024, 3071).astype(np.int16))
    inside = outside.reshape(by_slice).mean(1) < 0
    kind = concept("lung-right")
    organs = Segmentation(scan.image(inside.astype(np.uint8)), (Segment(1, "Lung", kind, kind.colour),))
    size = fine.size(scan.axes, scan.origin_mm, "none")
    return image, organs, size.volume_mm3, size.center_mm


def _grid(reach_mm: float, protocol: _Protocol, random: np.random.Generator) -> Scan:
    """Return a grid around 0, shifted by parts of a voxel and turned by a few degrees."""
    spacing = np.array([protocol.in_plane_mm, protocol.in_plane_mm, protocol.slice_mm])
    size = np.ceil(2 * reach_mm / spacing).astype(int)
    turn = random.normal(0, 0.05, 3)
    axes = _rotation(turn)
    middle = (size - 1) / 2 + random.uniform(-0.5, 0.5, 3)
    return Scan((int(size[0]), int(size[1]), int(size[2])), spacing, -(middle * spacing) @ axes, axes)


def _rotation(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    angle = float(np.linalg.norm(turn))
    x, y, z = turn / max(angle, 1e-12)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    result: NDArray[np.float64] = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return result


def _points(
    scan: Scan, xs: NDArray[np.float32], ys: NDArray[np.float32], zs: NDArray[np.float32]
) -> NDArray[np.float64]:
    z, y, x = np.meshgrid(zs, ys, xs, indexing="ij")
    return np.asarray(scan.origin_mm + np.stack([x, y, z], axis=-1) @ scan.axes)


def _texture(points: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return the mottle of the lung at points (..., 3) LPS mm, the same at both scans, HU."""
    lattice = gaussian_filter(np.random.default_rng(seed).standard_normal((24, 24, 24)), 0.8, mode="wrap")
    lattice *= _TEXTURE_HU / lattice.std()
    indices = np.moveaxis(points / _TEXTURE_MM, -1, 0)
    return np.asarray(map_coordinates(lattice, indices, order=1, mode="grid-wrap", prefilter=False))
