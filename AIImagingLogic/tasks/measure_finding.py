"""Measure a finding again whose outline a person has corrected."""

from __future__ import annotations

import dataclasses

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.resample import resample_like
from AIImagingLogic.measure.finding import make_finding
from AIImagingLogic.models.catalogue import load_model, model_card
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.tasks.detect import DETECTOR_MODEL, ORGANS_MODEL, OUTLINE_MODEL
from AIImagingLogic.tasks.segment import check_input

_LUNGS_FOUND = 0.8
_MARGIN_VOXELS = 2


def measure_finding(
    image: sitk.Image,
    info: ImageInfo,
    lesion: sitk.Image,
    uid: str,
    name: str,
    score: float,
    progress: Progress | None = None,
) -> Finding:
    """Measure the corrected outline of a lung nodule just as the detector measures its own.

    Parameters
    ----------
    image : CT, HU
    info : of `image`
    lesion : label image, any grid: the nodule is where it is not 0
    uid, name, score : of the finding, which stay

    Returns
    -------
    Finding
        Edited, with box, measurements and descriptors of the new outline. Where the outline model sees a solid part of
        a part-solid nodule inside it, that is measured too.

    Raises
    ------
    GeometryError
        The outline is empty, or outside the image.
    WrongImageError
        The image is no chest CT in Hounsfield units.
    """
    progress = progress or Progress()
    check_input(image, info, model_card(DETECTOR_MODEL))
    with progress.stage("Lungs", 0.0, _LUNGS_FOUND) as part:
        organs = load_model(ORGANS_MODEL).segment(image, info, part)
    with progress.stage("Outline and measurements", _LUNGS_FOUND, 1.0) as part:
        mask = with_solid_part(image, info, _cropped(image, lesion, name), organs, part)
        finding = make_finding(image, info, mask, organs, score, 1)
    return dataclasses.replace(finding, uid=uid, name=name, review=ReviewStatus.EDITED)


def _cropped(image: sitk.Image, lesion: sitk.Image, name: str) -> sitk.Image:
    """Return the outline on the grid of `image`, 0 and 1, cropped to a few voxels around it."""
    onto = resample_like(sitk.Cast(lesion != 0, sitk.sitkUInt8), image, interpolation="nearest", outside=0)
    inside = np.argwhere(sitk.GetArrayViewFromImage(onto))
    if not len(inside):
        raise GeometryError(f"The outline of '{name}' is empty or outside the image.", "Draw it, then measure again.")
    first = np.maximum(inside.min(axis=0) - _MARGIN_VOXELS, 0)
    last = np.minimum(inside.max(axis=0) + _MARGIN_VOXELS + 1, np.array(image.GetSize())[::-1])
    start, size = [int(value) for value in first[::-1]], [int(value) for value in (last - first)[::-1]]
    return sitk.RegionOfInterest(onto, size, start)


def with_solid_part(
    image: sitk.Image, info: ImageInfo, mask: sitk.Image, organs: Segmentation, progress: Progress
) -> sitk.Image:
    """Return an outline with what the outline model takes for the solid part marked (2), inside it.

    Parameters
    ----------
    image, info : CT, HU
    mask : cropped uint8 on the grid of `image`, not empty: 1 inside the outline that a person gave
    organs : lungs on the grid of `image`
    progress : told how far the run is
    """
    inside = sitk.GetArrayFromImage(mask)
    middle = np.argwhere(inside).mean(axis=0)[::-1]
    position = mask.TransformContinuousIndexToPhysicalPoint(middle.tolist())
    volume_mm3 = float(inside.sum()) * float(np.prod(mask.GetSpacing()))
    candidate = Candidate(position, 2.0 * (3.0 * volume_mm3 / (4.0 * np.pi)) ** (1.0 / 3.0), 1.0)
    proposed = load_model(OUTLINE_MODEL).outline(image, info, organs, candidate, progress)
    solid = sitk.Resample(proposed, mask, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)
    inside[(inside > 0) & (sitk.GetArrayViewFromImage(solid) == 2)] = 2
    result = sitk.GetImageFromArray(inside)
    result.CopyInformation(mask)
    return result
