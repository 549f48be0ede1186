"""Visits with lesions of known size, place and uptake in a plain body, on a turned and flipped grid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.geometry import index_to_world, world_to_index
from AIImagingLogic.images.info import describe
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.segmentation import Segment, Segmentation

SIZE, SPACING = (56, 52, 40), (4.0, 4.0, 5.0)
# A grid that is turned about the long axis of the body, its first axis flipped.
TURN = np.deg2rad(12.0)
DIRECTION = (-np.cos(TURN), -np.sin(TURN), 0.0, -np.sin(TURN), np.cos(TURN), 0.0, 0.0, 0.0, 1.0)
BODY_VALUE = 1.0


def place_mm(i: float, j: float, k: float, shift_mm: float = 0.0) -> tuple[float, float, float]:
    """Return the point of a voxel, moved along x; LPS mm."""
    x, y, z = (float(value) for value in index_to_world(_empty(), (i, j, k)))
    return x + shift_mm, y, z


def scan(
    lesions: Sequence[tuple[tuple[float, float, float], float, float]], shift_mm: float = 0.0, scale: float = 1.0
) -> tuple[sitk.Image, sitk.Image]:
    """Return an image and its labels: a body of value 1 with balls (centre LPS mm, radius mm, value).

    The body has landmarks of its own, and moves with `shift_mm` along x; the balls are placed where they are said.
    """
    empty = _empty()
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SIZE), indexing="ij"), axis=-1).reshape(-1, 3)
    points = index_to_world(empty, grid)
    middle = np.array(place_mm(27.5, 25.5, 19.5, shift_mm))
    away = (points - middle) / (95.0, 80.0, 90.0)
    values = BODY_VALUE * (np.sum(away**2, axis=1) < 1)
    for n, at in enumerate(((-40, 10, 30), (35, -25, -20), (10, 40, 40), (-20, -40, -45))):
        values[np.linalg.norm(points - middle - at, axis=1) < 14 + 2 * n] = 1.6 + 0.3 * n
    labels = np.zeros(len(points), np.uint8)
    for number, (center, radius, value) in enumerate(lesions, start=1):
        inside = np.linalg.norm(points - np.array(center), axis=1) <= radius
        values[inside], labels[inside] = value, number
    noise = np.random.default_rng(5 + len(lesions)).normal(0, 0.02, len(points))
    return _image(scale * (values + noise), np.float32), _image(labels, np.uint8)


def one_segment(labels: sitk.Image) -> Segmentation:
    """Return all lesions as one segment."""
    kind = concept("lesion")
    return Segmentation(sitk.Cast(labels > 0, sitk.sitkUInt8), (Segment(1, "Lesions", kind, kind.colour),))


def info_of(image: sitk.Image, day: int, modality: str, unit: str = "") -> ImageInfo:
    """Return the info of a visit in the year 2025."""
    return describe(image, modality, unit, datetime(2025, 1 + day // 28, 1 + day % 28))


def _empty() -> sitk.Image:
    image = sitk.Image(SIZE, sitk.sitkUInt8)
    image.SetSpacing(SPACING)
    image.SetDirection(DIRECTION)
    image.SetOrigin((130.0, -70.0, -400.0))
    return image


def _image(values: np.ndarray, kind: type) -> sitk.Image:
    image = sitk.GetImageFromArray(values.reshape(SIZE).transpose(2, 1, 0).astype(kind))
    image.CopyInformation(_empty())
    assert np.allclose(world_to_index(image, index_to_world(image, (1, 2, 3))), (1, 2, 3))
    return image
