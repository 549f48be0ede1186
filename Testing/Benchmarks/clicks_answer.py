"""Ten lesions at two visits, linked by the follow-up itself, without a detector: what `clicks` goes through."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import SimpleITK as sitk

from AIImagingLogic.followup.timeline import make_timeline
from AIImagingLogic.followup.visit_order import visit_labels
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.registration import Registration, RegistrationQuality
from AIImagingLogic.records.timeline import Timeline, Visit

LESIONS = 10
_MOVED_MM = (3.0, -2.0, 4.0)


def ten_lesions(
    visits: Sequence[sitk.Image],
    visits_infos: Sequence[ImageInfo],
    in_given_order: bool = True,
    progress: Progress | None = None,
) -> Timeline:
    """Return a timeline of ten lesions of which some grew, on the grids of the two images."""
    found = [
        Visit(
            label,
            dataclasses.replace(info, modality="CT"),
            None,
            tuple(_finding(image, number, index) for number in range(LESIONS)),
        )
        for index, (label, image, info) in enumerate(zip(visit_labels(len(visits)), visits, visits_infos, strict=True))
    ]
    quality = RegistrationQuality("known", 0.0, 1.0, 0.0, 0.0)
    registration = Registration(sitk.TranslationTransform(3, _MOVED_MM), "translation", quality)
    return make_timeline(tuple(found), (registration,), make_provenance("follow-up", [], list(visits_infos)))


def _finding(image: sitk.Image, number: int, visit: int) -> Finding:
    size = image.GetSize()
    share = (0.25 + 0.05 * number, 0.3 + 0.1 * (number % 5), 0.25 + 0.05 * number)
    middle = image.TransformContinuousIndexToPhysicalPoint([part * count for part, count in zip(share, size)])
    x, y, z = (place + visit * moved for place, moved in zip(middle, _MOVED_MM))
    diameter = 6.0 + 0.5 * number + (2.5 * visit if number % 3 == 0 else 0.0)
    measurements = (
        measurement("mean_diameter", diameter),
        measurement("long_axis", diameter),
        measurement("short_axis", diameter),
        measurement("volume", math.pi / 6 * diameter**3),
    )
    return Finding(
        uid=f"2.25.{100 * visit + number + 1}",
        name=f"Nodule {number + 1}",
        box=OrientedBox((x, y, z), (diameter, diameter, diameter)),
        score=0.9,
        concept=concept("lung-nodule"),
        measurements=measurements,
        descriptors={"attenuation": "solid"},
    )
