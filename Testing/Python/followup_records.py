"""Findings, visits and registrations made by hand for the tests of the follow-up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.provenance import Provenance, make_provenance
from AIImagingLogic.records.registration import Registration, RegistrationQuality
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.records.timeline import Visit

SIZE, SPACING, ORIGIN = (100, 90, 80), (2.0, 2.0, 2.5), (-100.0, -90.0, -100.0)
"""A grid from -101 to 99, -91 to 89 and -101.25 to 98.75 mm."""

QUALITY = RegistrationQuality("correlation", 0.5, 0.9, 0.0, 0.0)


def info(acquired: datetime | None = None, name: str = "a") -> ImageInfo:
    return ImageInfo("CT", "HU", SIZE, SPACING, ORIGIN, (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), name, acquired)


def nodule(
    uid: str,
    center: Sequence[float],
    diameter: float = 8.0,
    attenuation: str = "solid",
    mask: sitk.Image | None = None,
    solid: float | None = None,
) -> Finding:
    """A ball of that diameter, with the measurements of a ball."""
    measurements = [
        measurement("mean_diameter", diameter),
        measurement("volume", math.pi / 6 * diameter**3),
        measurement("mean_density", 30.0),
    ]
    if solid is not None:
        measurements.append(measurement("solid_mean_diameter", solid))
    x, y, z = (float(value) for value in center)
    return Finding(
        uid=uid,
        name=uid,
        box=OrientedBox((x, y, z), (diameter, diameter, diameter)),
        score=0.9,
        concept=concept("lung-nodule"),
        mask=mask,
        measurements=tuple(measurements),
        descriptors={"attenuation": attenuation, "contact": "none"},
    )


def lungs(in_lungs: np.ndarray) -> Segmentation:
    """An organ segmentation whose lungs are the true voxels of an array (k, j, i) on the grid of `info`."""
    image = sitk.GetImageFromArray(in_lungs.astype(np.uint8))
    image.SetSpacing(SPACING)
    image.SetOrigin(ORIGIN)
    entry = concept("lung-left")
    return Segmentation(image, (Segment(1, entry.name, entry, entry.colour),))


def visit(
    label: str, *findings: Finding, organs: Segmentation | None = None, acquired: datetime | None = None
) -> Visit:
    return Visit(label, info(acquired, label), organs, findings)


def registration(transform: sitk.Transform | None = None, kind: str = "deformable") -> Registration:
    return Registration(transform or sitk.TranslationTransform(3), kind, QUALITY)


def breathing_transform(amplitude_mm: float = 12.0, sign: float = 1.0) -> sitk.DisplacementFieldTransform:
    """A smooth downward motion, largest low in the chest, as a displacement field on the grid of `info`."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in SIZE[::-1]), indexing="ij")
    height = k / (SIZE[2] - 1)
    field = np.zeros((*SIZE[::-1], 3))
    field[..., 2] = sign * amplitude_mm * np.cos(height * math.pi / 2)
    field[..., 0] = sign * 3 * np.sin(j / SIZE[1] * math.pi)
    image = sitk.GetImageFromArray(field, isVector=True)
    image.SetSpacing(SPACING)
    image.SetOrigin(ORIGIN)
    return sitk.DisplacementFieldTransform(image)


def provenance() -> Provenance:
    return make_provenance("follow-up", [], [])
