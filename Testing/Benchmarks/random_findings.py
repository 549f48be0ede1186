"""Findings with everything that a finding can carry, on any grid, from a seed."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import SimpleITK as sitk
from pydicom.uid import generate_uid

from AIImagingLogic.images.geometry import index_to_world
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.finding_event import FindingAction, FindingEvent
from AIImagingLogic.records.finding_type import NoduleType
from AIImagingLogic.records.measurement import measurement

NAMES = ("volume", "long_axis", "short_axis", "mean_diameter", "mean_density", "density_sd", "pleura_distance")
READERS = ("", "R1", "Dr. Ä-2", "读者 7", "a; b: c", "=1+1", "'quoted\"")
ZONES = (UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-3, minutes=-30)))


def random_findings(image: sitk.Image, count: int, seed: int, masks: bool = True) -> tuple[Finding, ...]:
    """Return findings in an image; the masks are crops without symmetry, and the boxes those of the masks."""
    random = np.random.default_rng(seed)
    return tuple(_finding(image, random, number, masks) for number in range(1, count + 1))


def _finding(image: sitk.Image, random: np.random.Generator, number: int, masks: bool) -> Finding:
    low, length = _place(image, random)
    outlined = masks and bool(random.random() < 0.7)
    box = _box_of_voxels(image, low, length) if outlined else _turned_box(image, random, low, length)
    kinds = (None, *NoduleType)
    values = [random.uniform(-900, 100) if name == "mean_density" else random.uniform(1, 900) for name in NAMES]
    attenuation = ("solid", "part-solid", "ground-glass", "calcified")
    finding = Finding(
        uid=str(generate_uid(entropy_srcs=["random", str(random.integers(2**62))])),
        name=f"Nodule {number}",
        box=box,
        score=float(random.random()),
        concept=concept("lung-nodule"),
        mask=_mask(image, random, low, length) if outlined else None,
        measurements=tuple(
            measurement(name, value, (value - 0.1, value + 1 / 3) if random.random() < 0.5 else None)
            for name, value in zip(NAMES, values, strict=True)
            if random.random() < 0.8
        ),
        descriptors={"attenuation": str(random.choice(attenuation)), "side": str(random.choice(("left", "right")))},
        review=ReviewStatus(random.choice([status.value for status in ReviewStatus])),
        stated_type=kinds[int(random.integers(len(kinds)))],
        reader=READERS[int(random.integers(len(READERS)))],
        found=_time(random),
        reviewed=_time(random),
    )
    event = FindingEvent(FindingAction.REVIEWED, (), finding.review.value, finding.reader, finding.reviewed)
    return dataclasses.replace(finding, history=(event,))


def _place(image: sitk.Image, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    size = np.array(image.GetSize())
    length = random.integers(2, np.maximum(size // 2, 3))
    return random.integers(0, size - length + 1), length


def _mask(image: sitk.Image, random: np.random.Generator, low: np.ndarray, length: np.ndarray) -> sitk.Image:
    crop = sitk.RegionOfInterest(image, [int(n) for n in length], [int(n) for n in low])
    inside = (random.uniform(size=tuple(length[::-1].tolist())) < 0.4).astype(np.uint8)
    # The crop's corners are in, so that it is as small as it can be; one is not, so that no mirror image is the same.
    inside[0, 0, 0] = inside[-1, -1, -1] = 1
    inside[0, -1, 0] = 0
    mask = sitk.GetImageFromArray(inside)
    mask.CopyInformation(crop)
    return mask


def _box_of_voxels(image: sitk.Image, low: np.ndarray, length: np.ndarray) -> OrientedBox:
    axes = np.array(image.GetDirection()).reshape(3, 3).T
    if np.linalg.det(axes) < 0:
        axes = axes * np.array([[1.0], [1.0], [-1.0]])
    return _box(index_to_world(image, low + (length - 1) / 2), length * np.array(image.GetSpacing()), axes)


def _turned_box(image: sitk.Image, random: np.random.Generator, low: np.ndarray, length: np.ndarray) -> OrientedBox:
    axes, _ = np.linalg.qr(random.normal(size=(3, 3)))
    axes = axes * np.sign(np.linalg.det(axes))
    return _box(index_to_world(image, low + (length - 1) / 2), random.uniform(1.0, 30.0, 3), axes)


def _box(center: np.ndarray, size: np.ndarray, axes: np.ndarray) -> OrientedBox:
    x, y, z = ((float(a), float(b), float(c)) for a, b, c in axes.tolist())
    (cx, cy, cz), (sx, sy, sz) = center.tolist(), size.tolist()
    return OrientedBox((cx, cy, cz), (sx, sy, sz), (x, y, z))


def _time(random: np.random.Generator) -> datetime | None:
    if random.random() < 0.3:
        return None
    seconds = int(random.integers(0, 10**8))
    return datetime(2024, 1, 1, tzinfo=ZONES[int(random.integers(len(ZONES)))]) + timedelta(seconds=seconds)
