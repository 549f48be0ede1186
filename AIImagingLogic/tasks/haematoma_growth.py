"""Haematoma growth: two head CTs of one patient in; both outlines on the later one, volumes and their change out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.followup.haematoma_growth import HaematomaGrowth, haematoma_growth
from AIImagingLogic.images.checks import require_finite
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.tasks.register import register_images
from AIImagingLogic.tasks.segment import segment

MODEL = "ct-haemorrhage"


@dataclass(frozen=True)
class FollowedHaematoma(Record):
    """Blood at two visits.

    Attributes
    ----------
    first, second : outlines, each on the grid of its own image
    registration : points of the second image to points of the first, rigid
    growth : of all blood together
    new_ml : blood of the second visit where there was none at the first
    """

    first: Segmentation
    second: Segmentation
    registration: Registration
    growth: HaematomaGrowth
    new_ml: float


def follow_haematoma(
    first: sitk.Image,
    first_info: ImageInfo,
    second: sitk.Image,
    second_info: ImageInfo,
    progress: Progress | None = None,
) -> FollowedHaematoma:
    """Outline the blood on two non-contrast head CTs, register them rigidly, and compare.

    Parameters
    ----------
    first, second : CT in HU, any grids; the earlier one first
    first_info, second_info : what is known of them

    Raises
    ------
    WrongImageError, GeometryError
        An image is not what the model asks for.
    RegistrationError
        The heads could not be brought onto each other.
    """
    progress = progress or Progress()
    for image in (first, second):
        require_finite(image)
    before = segment(first, first_info, MODEL, progress.part(0.0, 0.3))
    after = segment(second, second_info, MODEL, progress.part(0.3, 0.6))
    registration = register_images(second, second_info, first, first_info, "rigid", progress=progress.part(0.6, 1.0))
    carried = sitk.Resample(before.image, second, registration.transform, sitk.sitkNearestNeighbor, 0)
    volumes = [_ml(sitk.GetArrayViewFromImage(part.image) != 0, part.image) for part in (before, after)]
    new = (sitk.GetArrayViewFromImage(after.image) != 0) & (sitk.GetArrayViewFromImage(carried) == 0)
    return FollowedHaematoma(before, after, registration, haematoma_growth(*volumes), _ml(new, second))


def _ml(inside: np.ndarray, grid: sitk.Image) -> float:
    return float(np.count_nonzero(inside) * np.prod(grid.GetSpacing())) / 1000.0
