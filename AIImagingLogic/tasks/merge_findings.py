"""Several findings that a person says are one lesion, as one finding."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.finding_event import FindingAction, FindingEvent
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.tasks.remeasured_outline import cropped_mask, outlined_voxels, remeasured_outline


def merge_findings(
    image: sitk.Image,
    info: ImageInfo,
    findings: Sequence[Finding],
    lungs: Segmentation | None = None,
    reader: str = "",
    when: datetime | None = None,
) -> Finding:
    """Return one finding whose outline is that of all: box, measurements and descriptors are those of the union.

    The largest one (by voxels; of two alike the one with the lesser uid) keeps its uid, name and concept, so that what
    refers to it still does; the uids of the others are retired and stand in the history. The order in which the
    findings are given makes no difference. The parts need not touch. Voxels that one of them calls solid part are it.

    Parameters
    ----------
    image : that they were found on
    info : of `image`
    findings : two or more, each with an outline on voxels of `image`
    lungs : of a chest CT, on the grid of `image`: then it is measured as the detector measures lung nodules
    reader : name or code that the user typed; empty: not recorded
    when : with time zone; None: not recorded

    Returns
    -------
    Finding
        Edited; its score is the highest; a stated type stays where all that state one state the same.

    Raises
    ------
    WrongImageError
        They are fewer than two, or one is named twice.
    GeometryError
        One has no outline, or it does not lie on the voxels of `image`.
    ValueError
        `when` has no time zone.
    """
    if len({finding.uid for finding in findings}) < max(2, len(findings)):
        raise WrongImageError("To merge takes two findings or more, each named once.", "Choose the findings to merge.")
    parts = [(finding, *outlined_voxels(finding, image, "merged")) for finding in findings]
    parts.sort(key=lambda part: (-int(np.count_nonzero(part[1])), part[0].uid))
    first = np.min([at for _, _, at in parts], axis=0)
    last = np.max([at + np.array(values.shape[::-1]) for _, values, at in parts], axis=0)
    union = np.zeros((last - first)[::-1], np.uint8)
    for _, values, at in parts:
        place = tuple(
            slice(start, start + length) for start, length in zip((at - first)[::-1], values.shape, strict=True)
        )
        union[place] = np.maximum(union[place], values)
    ordered = [finding for finding, _, _ in parts]
    made = remeasured_outline(image, info, cropped_mask(union, first, image), ordered, lungs)
    event = FindingEvent(
        FindingAction.MERGED, tuple(finding.uid for finding in ordered), "union of the outlines", reader, when
    )
    return dataclasses.replace(
        made,
        score=max(finding.score for finding in ordered),
        review=ReviewStatus.EDITED,
        reader=reader,
        reviewed=when,
        # Parts of one finding share what was done before they were split.
        history=(*dict.fromkeys(entry for finding in ordered for entry in finding.history), event),
    )
