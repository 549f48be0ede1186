"""Merge and split as jobs of a panel, whose outlines are label images and whose findings come without them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.resample import resample_like
from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.finding_list import FindingList
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.tasks.detect import ORGANS_MODEL
from AIImagingLogic.tasks.measure_finding import with_solid_part
from AIImagingLogic.tasks.merge_findings import merge_findings
from AIImagingLogic.tasks.remeasured_outline import cropped_mask
from AIImagingLogic.tasks.split_finding import split_finding

_LUNGS_FOUND = 0.8
_NODULE, _CT, _HOUNSFIELD = "lung-nodule", "CT", "HU"


def merge_outlined(
    image: sitk.Image,
    info: ImageInfo,
    outlines: Sequence[sitk.Image],
    given: FindingList,
    reader: str = "",
    when: str = "",
    progress: Progress | None = None,
) -> Finding:
    """Merge findings whose outlines are label images; lung nodules of a CT are measured as the detector does.

    As a job: ``{"image": image_input(volume), "outlines": [...ImageInput...], "given": FindingList(...).to_json()}``.

    Parameters
    ----------
    image, info : that they were found on
    outlines : of each finding, any grid: it is where the image is not 0
    given : the findings, in the order of `outlines`; their own masks are not used
    reader : as `merge_findings`
    when : ISO 8601 with time zone; empty: not recorded
    progress : told how far the run is

    Raises
    ------
    GeometryError, WrongImageError, ValueError
        As `merge_findings`; an outline is empty or outside the image; `when` is no time.
    """
    findings = [_outlined(image, *pair) for pair in zip(given.findings, outlines, strict=True)]
    progress = progress or Progress()
    lungs = lungs_around(image, info, findings[0], progress) if findings else None
    findings = [_with_core(image, info, finding, lungs, progress) for finding in findings]
    return merge_findings(image, info, findings, lungs, reader, _time(when))


def split_outlined(
    image: sitk.Image,
    info: ImageInfo,
    outline: sitk.Image,
    given: Finding,
    marks_mm: Sequence[Vector] = (),
    reader: str = "",
    when: str = "",
    progress: Progress | None = None,
) -> FindingList:
    """Split a finding whose outline is a label image; lung nodules of a CT are measured as the detector does.

    As a job: ``{"image": image_input(volume), "outline": ImageInput, "given": Finding(...).to_json()}`` and
    ``marks_mm``.

    Parameters
    ----------
    image, info : that it was found on
    outline : of the finding, any grid: it is where the image is not 0
    given : the finding; its own mask is not used
    marks_mm : (n, 3) mm, LPS; none: its connected parts
    reader : as `split_finding`
    when : ISO 8601 with time zone; empty: not recorded
    progress : told how far the run is

    Returns
    -------
    FindingList
        The parts, the largest first.

    Raises
    ------
    GeometryError, ValueError
        As `split_finding`; the outline is empty or outside the image; `when` is no time.
    """
    progress = progress or Progress()
    finding = _outlined(image, given, outline)
    lungs = lungs_around(image, info, finding, progress)
    finding = _with_core(image, info, finding, lungs, progress)
    marks = [(float(x), float(y), float(z)) for x, y, z in marks_mm]
    parts = split_finding(image, info, finding, marks, lungs, reader, _time(when))
    return FindingList(parts, info.series_uid, info)


def _outlined(image: sitk.Image, finding: Finding, outline: sitk.Image) -> Finding:
    """Return a finding with an outline on the grid of the image."""
    onto = resample_like(sitk.Cast(outline != 0, sitk.sitkUInt8), image, interpolation="nearest", outside=0)
    values = sitk.GetArrayFromImage(onto)
    if not values.any():
        raise GeometryError(f"The outline of '{finding.name}' is empty or outside the image.", "Draw it first.")
    return dataclasses.replace(finding, mask=cropped_mask(values, np.zeros(3, np.int64), image))


def _with_core(
    image: sitk.Image, info: ImageInfo, finding: Finding, lungs: Segmentation | None, progress: Progress
) -> Finding:
    """Return a lung nodule with its solid part, which a label image does not say, as the outline model sees it."""
    if lungs is None or finding.mask is None:
        return finding
    with progress.stage("Outline", _LUNGS_FOUND, 1.0) as part:
        return dataclasses.replace(finding, mask=with_solid_part(image, info, finding.mask, lungs, part))


def lungs_around(image: sitk.Image, info: ImageInfo, finding: Finding, progress: Progress) -> Segmentation | None:
    """Return the lungs of a chest CT with a lung nodule, for its measurements; None for any other finding.

    Parameters
    ----------
    image, info : that the finding is on
    progress : told how far the run is
    """
    if finding.concept.key != _NODULE or info.modality != _CT or info.intensity_unit != _HOUNSFIELD:
        return None
    with progress.stage("Lungs", 0.0, _LUNGS_FOUND) as part:
        return load_model(ORGANS_MODEL).segment(image, info, part)


def _time(when: str) -> datetime | None:
    return datetime.fromisoformat(when) if when else None
