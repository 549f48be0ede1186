"""Simulated patients for the benchmark of timelines: lesions through visits, what a detector makes of them, the truth.

Nothing here knows how findings are linked. The motion between visits is a smooth field that is known exactly; the
registrations hold a smooth error of their own, and say how large it is only roughly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from AIImagingLogic.images.geometry import Points, inside, world_to_index
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.registration import Registration, RegistrationQuality
from AIImagingLogic.records.timeline import Visit

_STEP_MM = 12.0
_MARGIN_MM = 40.0


@dataclass(frozen=True)
class TrueLesion:
    """One lesion and its finding at each visit.

    Attributes
    ----------
    findings : uid at each visit, None where nothing was found
    evaluable : whether the visit's image holds the place of the whole lesion
    split_at, merged_at : the visit at which it fell off from, or went into, another
    splits_at, takes_in_at : the visit at which it is seen to fall into parts, or to take in another
    """

    findings: tuple[str | None, ...]
    evaluable: tuple[bool, ...]
    split_at: int | None = None
    merged_at: int | None = None
    splits_at: int | None = None
    takes_in_at: int | None = None


@dataclass(frozen=True)
class Patient:
    """Visits and registrations as a timeline takes them, and what is true of the lesions."""

    visits: tuple[Visit, ...]
    registrations: tuple[Registration, ...]
    lesions: tuple[TrueLesion, ...]


class SmoothField:
    """A smooth displacement: a shift, and Gaussian-filtered noise on a grid of 12 mm, scaled to a root mean square."""

    def __init__(
        self, low: Points, high: Points, rms_mm: float, length_mm: float, shift: Points, random: np.random.Generator
    ) -> None:
        size = np.ceil((high - low + 2 * _MARGIN_MM) / _STEP_MM).astype(int) + 1
        noise = random.normal(size=(*size[::-1], 3))
        image = sitk.GetImageFromArray(noise, isVector=True)
        image = sitk.SmoothingRecursiveGaussian(image, [length_mm / _STEP_MM] * 3)
        values = sitk.GetArrayFromImage(image)
        values *= rms_mm / max(float(np.sqrt((values**2).sum(axis=-1).mean())), 1e-9)
        self.image = sitk.GetImageFromArray(values + shift, isVector=True)
        self.image.SetSpacing([_STEP_MM] * 3)
        self.image.SetOrigin((low - _MARGIN_MM).tolist())
        self._values = np.moveaxis(values + shift, -1, 0)
        self._origin = low - _MARGIN_MM

    def at(self, points: Points) -> Points:
        """Return where points (N, 3) go."""
        flat = np.asarray(points, float).reshape(-1, 3)
        indices = ((flat - self._origin) / _STEP_MM)[:, ::-1].T
        moved = [map_coordinates(values, indices, order=1, mode="nearest", prefilter=False) for values in self._values]
        return flat + np.stack(moved, axis=1)

    def back(self, points: Points) -> Points:
        """Return where points (N, 3) come from: a fixed-point iteration, right to some 0.001 mm."""
        found = np.array(points, float)
        for _ in range(15):
            found += points - self.at(found)
        return found


@dataclass
class _Course:
    """A lesion as it grows up: centre and diameter in the anatomy's space at each visit, None where it is not there."""

    centers: list[Points | None]
    diameters: list[float | None]
    attenuation: str
    split_at: int | None = None
    merged_at: int | None = None
    whole: int | None = None


def make_patient(anatomy: Points, random: np.random.Generator, lesions: int | None = None, visits: int = 0) -> Patient:
    """Return a patient.

    Parameters
    ----------
    anatomy : (N, 3) mm, LPS, points of the organs in which lesions may lie
    random : decides everything
    lesions : how many; 1 to 40 when not given
    visits : how many; 3 to 6 when not given
    """
    count = visits or int(random.integers(3, 7))
    low, high = anatomy.min(axis=0) - 10, anatomy.max(axis=0) + 10
    wanted = round(math.exp(random.uniform(0, math.log(40)))) if lesions is None else lesions
    courses = _courses(anatomy, wanted, count, random)
    bad = random.random() < 0.2
    motions = [
        SmoothField(low, high, random.uniform(4, 10), 45.0, random.normal(0, 12, 3), random) for _ in range(count)
    ]
    infos = [_info(index, motion, low, high, random) for index, motion in enumerate(motions)]
    registrations = tuple(
        _registration(first, second, low, high, random.uniform(3, 5) if bad else random.uniform(0.8, 3), random)
        for first, second in zip(motions, motions[1:])
    )
    found: list[list[str | None]] = [[None] * count for _ in courses]
    evaluable = [[False] * count for _ in courses]
    by_visit: list[list[Finding]] = [[] for _ in range(count)]
    for number, course in enumerate(courses):
        for visit in range(count):
            near = min((k for k in range(count) if course.centers[k] is not None), key=lambda k: abs(k - visit))
            place = motions[visit].at(np.asarray(course.centers[near]))[0]
            diameter = float(course.diameters[near] or 0.0)
            evaluable[number][visit] = _shows(infos[visit], place, diameter / 2)
            if course.centers[visit] is None or not _is_found(infos[visit], place, diameter, random):
                continue
            uid = f"2.25.{visit + 1}{number + 1:03d}"
            found[number][visit] = uid
            by_visit[visit].append(_finding(uid, place, diameter, course.attenuation, random))
    true = [
        TrueLesion(
            tuple(found[n]), tuple(evaluable[n]), course.split_at, course.merged_at,
            _seen_dividing(n, courses, found, True), _seen_dividing(n, courses, found, False),
        )
        for n, course in enumerate(courses)
    ]  # fmt: skip
    true += _false_marks(anatomy, motions, infos, by_visit, random)
    shown = []
    for index, findings in enumerate(by_visit):
        order = random.permutation(len(findings))
        shown.append(Visit(f"visit {index + 1}", infos[index], None, tuple(findings[n] for n in order)))
    return Patient(tuple(shown), registrations, tuple(entry for entry in true if any(entry.findings)))


def _seen_dividing(number: int, courses: list[_Course], found: list[list[str | None]], splits: bool) -> int | None:
    """Return the visit at which the findings show that a lesion falls into parts, or that it takes one in."""
    for part, course in enumerate(courses):
        event = course.split_at if splits else course.merged_at
        if course.whole != number or event is None:
            continue
        whole_seen = found[number][event - 1] is not None and found[number][event] is not None
        if whole_seen and found[part][event if splits else event - 1] is not None:
            return event
    return None


def _courses(anatomy: Points, wanted: int, count: int, random: np.random.Generator) -> list[_Course]:
    courses: list[_Course] = []
    placed: list[tuple[Points, float]] = []
    while len(placed) < wanted:
        diameter = float(np.clip(math.exp(random.normal(math.log(8), 0.45)), 4, 25))
        center = anatomy[random.integers(len(anatomy))] + random.uniform(-1, 1, 3)
        if placed and random.random() < 0.4:
            # Beside another one: what makes linking hard.
            beside, other = placed[random.integers(len(placed))]
            direction = random.normal(size=3)
            center = beside + direction / np.linalg.norm(direction) * ((diameter + other) / 2 + random.uniform(1, 8))
        if any(np.linalg.norm(center - other) < (diameter + size) / 2 for other, size in placed):
            continue
        placed.append((center, diameter))
        courses += _course(len(courses), center, diameter, count, random)
    return courses


def _course(number: int, center: Points, diameter: float, count: int, random: np.random.Generator) -> list[_Course]:
    """Return one lesion's course, or two when it splits or two merge into it."""
    rate = random.choice([0.0, random.normal(0.12, 0.05), random.normal(-0.12, 0.05)], p=[0.5, 0.3, 0.2])
    sizes: list[float | None] = [
        float(np.clip(diameter * math.exp(rate * k + random.normal(0, 0.03)), 3, 40)) for k in range(count)
    ]
    centers: list[Points | None] = [center for _ in range(count)]
    attenuation = str(random.choice(["solid", "part-solid", "ground-glass", "calcified"], p=[0.7, 0.1, 0.12, 0.08]))
    course = _Course(centers, sizes, attenuation)
    kind = random.random()
    event = int(random.integers(1, count))
    if kind < 0.12:
        _empty(course, range(event, count))
    elif kind < 0.24:
        _empty(course, range(event))
    elif kind < 0.32 and diameter >= 9:
        return _divided(number, course, range(event, count), event, random)
    elif kind < 0.40 and diameter >= 9:
        return _divided(number, course, range(event), event, random)
    return [course]


def _divided(number: int, course: _Course, apart: range, event: int, random: np.random.Generator) -> list[_Course]:
    """Put two parts in the place of a lesion at the visits `apart`."""
    share = random.uniform(0.55, 0.7)
    direction = random.normal(size=3)
    direction /= np.linalg.norm(direction)
    part = _Course([None] * len(course.centers), [None] * len(course.centers), course.attenuation, whole=number)
    for visit in apart:
        whole, center = float(course.diameters[visit] or 0), np.asarray(course.centers[visit])
        large, small = (whole * (0.95 * size) ** (1 / 3) for size in (share, 1 - share))
        gap = (large + small) / 2 + 0.3
        course.centers[visit] = center - direction * gap * small / (large + small) * 0.9
        course.diameters[visit] = large
        part.centers[visit] = center + direction * gap * large / (large + small) * 0.9
        part.diameters[visit] = small
    if apart.start:
        part.split_at = event
    else:
        part.merged_at = event
    return [course, part]


def _empty(course: _Course, visits: range) -> None:
    for visit in visits:
        course.centers[visit] = course.diameters[visit] = None


def _info(index: int, motion: SmoothField, low: Points, high: Points, random: np.random.Generator) -> ImageInfo:
    """Return the grid of a visit: the whole anatomy and some air, in one of three cut at top or bottom."""
    corners = np.array(np.meshgrid(*zip(low, high))).reshape(3, -1).T
    moved = motion.at(corners)
    first, last = moved.min(axis=0) - 25, moved.max(axis=0) + 25
    if random.random() < 0.35:
        cut = random.uniform(0.1, 0.4) * (high[2] - low[2]) + 25
        if random.random() < 0.5:
            first[2] += cut
        else:
            last[2] -= cut
    spacing = np.array([0.8, 0.8, 1.5])
    size = np.maximum(((last - first) / spacing).astype(int), 1)
    i, j, k = (int(number) for number in size)
    return ImageInfo(
        "CT", "HU", (i, j, k), (0.8, 0.8, 1.5), (float(first[0]), float(first[1]), float(first[2])),
        (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), f"visit {index}",
        datetime(2020, 1, 1) + timedelta(days=180 * index),
    )  # fmt: skip


def _shows(info: ImageInfo, place: Points, radius_mm: float) -> bool:
    index = world_to_index(info, place)
    depth = np.minimum(index + 0.5, np.array(info.size) - 0.5 - index) * np.array(info.spacing_mm)
    return bool(depth.min() >= radius_mm)


def _is_found(info: ImageInfo, place: Points, diameter: float, random: np.random.Generator) -> bool:
    """Whether the detector finds a lesion: small ones are missed more often, cut ones half the time."""
    if not bool(inside(info, place[None])[0]):
        return False
    chance = 0.80 if diameter < 5 else 0.92 if diameter < 8 else 0.97
    return bool(random.random() < chance * (1.0 if _shows(info, place, diameter / 2) else 0.5))


def _registration(
    first: SmoothField, second: SmoothField, low: Points, high: Points, error_mm: float, random: np.random.Generator
) -> Registration:
    """Return first's space to second's, off by a smooth error whose size the quality states within 30%."""
    moved = first.at(np.array(np.meshgrid(*zip(low, high))).reshape(3, -1).T)
    grid = SmoothField(moved.min(axis=0), moved.max(axis=0), error_mm, 25.0, np.zeros(3), random)
    size, origin = np.array(grid.image.GetSize()), np.array(grid.image.GetOrigin())
    k, j, i = np.meshgrid(*(np.arange(n) for n in size[::-1]), indexing="ij")
    points = np.stack([i, j, k], axis=-1).reshape(-1, 3) * _STEP_MM + origin
    exact = second.at(first.back(points)) - points
    values = exact.reshape(*size[::-1], 3) + sitk.GetArrayViewFromImage(grid.image)
    image = sitk.GetImageFromArray(values, isVector=True)
    image.CopyInformation(grid.image)
    stated = error_mm * random.uniform(0.5, 1.1)
    quality = RegistrationQuality("correlation", 0.5, 0.9, 0.0, stated)
    return Registration(sitk.DisplacementFieldTransform(image), "deformable", quality)


def _false_marks(
    anatomy: Points,
    motions: list[SmoothField],
    infos: list[ImageInfo],
    by_visit: list[list[Finding]],
    random: np.random.Generator,
) -> list[TrueLesion]:
    """Add what a detector marks though there is nothing, about two a visit."""
    marks = []
    for visit, motion in enumerate(motions):
        for number in range(int(random.poisson(2.0))):
            center = anatomy[random.integers(len(anatomy))]
            diameter = float(random.uniform(4, 9))
            places = [other.at(center)[0] for other in motions]
            if not _shows(infos[visit], places[visit], diameter / 2):
                continue
            uid = f"2.25.{visit + 1}9{number:03d}"
            by_visit[visit].append(_finding(uid, motion.at(center)[0], diameter, "solid", random))
            uids: list[str | None] = [None] * len(motions)
            uids[visit] = uid
            shown = tuple(_shows(info, place, diameter / 2) for info, place in zip(infos, places))
            marks.append(TrueLesion(tuple(uids), shown))
    return marks


def _finding(uid: str, place: Points, diameter: float, attenuation: str, random: np.random.Generator) -> Finding:
    """Return what a detector and an outline make of a lesion: 5% off in diameter, half a mm and 3% in place."""
    measured = diameter * math.exp(random.normal(0, 0.05))
    x, y, z = (float(v) for v in place + random.normal(0, 0.3 + 0.02 * diameter, 3))
    named = attenuation if random.random() > 0.03 else "part-solid"
    measurements = (measurement("mean_diameter", measured), measurement("volume", math.pi / 6 * measured**3))
    box = OrientedBox((x, y, z), (measured, measured, measured))
    words: Mapping[str, str] = {"attenuation": named, "contact": "none"}
    return Finding(uid, uid, box, 0.9, concept("lung-nodule"), None, measurements, words)


def spread_points(mask: NDArray[np.bool_], image: sitk.Image, count: int, random: np.random.Generator) -> Points:
    """Return `count` random points (N, 3) mm, LPS in the true voxels (k, j, i) of a mask on the grid of an image."""
    voxels = np.argwhere(mask)
    chosen = voxels[random.integers(len(voxels), size=count)][:, ::-1] + random.uniform(-0.5, 0.5, (count, 3))
    direction = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    points: Points = chosen @ direction.T + np.array(image.GetOrigin())
    return points
