"""A visit made by hand on any grid: boxes of voxels as lesions, with outlines and oriented boxes of known place."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.records.timeline import Visit

SIZE = (14, 12, 10)
LESIONS = ((2, 2, 2), (8, 3, 4), (4, 7, 6))
"""The first voxel (i, j, k) of each lesion; a lesion is 3 x 2 x 2 voxels."""

LESION_SIZE = (3, 2, 2)

TURN = np.linalg.qr(np.random.default_rng(11).normal(size=(3, 3)))[0]
OBLIQUE = TURN if np.linalg.det(TURN) > 0 else -TURN
FLIPPED = np.diag([-1.0, 1.0, 1.0])[:, [1, 2, 0]]
"""Axes permuted, one of them mirrored: left-handed."""


def image_on_grid(direction: np.ndarray) -> sitk.Image:
    """Return a CT whose voxels tell their index, anisotropic, away from the origin."""
    values = np.arange(np.prod(SIZE), dtype=np.int16).reshape(SIZE[::-1])
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((0.7, 1.3, 2.5))
    image.SetOrigin((-31.25, 53.1, -702.5))
    image.SetDirection(direction.ravel().tolist())
    return image


def visit_on_grid(image: sitk.Image) -> Visit:
    """Return the visit of an image from `image_on_grid`; the boxes follow the axes of the image."""
    info = describe(image, modality="CT", intensity_unit="HU", acquired=datetime(2024, 5, 6, tzinfo=UTC))
    labels = sitk.Image(SIZE, sitk.sitkUInt8)
    labels.CopyInformation(image)
    labels[1, 1, 1] = 1
    provenance = make_provenance("detect", [], [info])
    organs = Segmentation(labels, (Segment(1, "Left lung", concept("lung-left"), (9, 8, 7)),), provenance)
    findings = tuple(_finding(image, first, number) for number, first in enumerate(LESIONS, start=1))
    return Visit("baseline", info, organs, findings, provenance)


def center_of_lesion(image: sitk.Image, first: tuple[int, int, int]) -> np.ndarray:
    """Return the middle of a lesion, (3,) mm, LPS."""
    middle = [start + (length - 1) / 2 for start, length in zip(first, LESION_SIZE, strict=True)]
    return np.array(image.TransformContinuousIndexToPhysicalPoint(middle))


def _finding(image: sitk.Image, first: tuple[int, int, int], number: int) -> Finding:
    mask = sitk.RegionOfInterest(image, LESION_SIZE, first) * 0 + 1
    directions = np.array(image.GetDirection()).reshape(3, 3)
    axes = tuple(tuple(directions[:, axis].tolist()) for axis in range(3))
    size = tuple(length * step for length, step in zip(LESION_SIZE, image.GetSpacing(), strict=True))
    box = OrientedBox(tuple(center_of_lesion(image, first).tolist()), size, axes)  # type: ignore[arg-type]
    return Finding(
        f"2.25.{number}",
        f"Nodule {number}",
        box,
        0.9,
        concept("lung-nodule"),
        sitk.Cast(mask, sitk.sitkUInt8),
        (measurement("volume", 10.0 * number),),
        {"side": "left"},
    )
