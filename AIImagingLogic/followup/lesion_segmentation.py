"""The lesions of one visit as a segmentation: one segment a lesion, in its stable colour."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.records.timeline import Timeline


def lesion_segmentation(timeline: Timeline, visit_index: int, image: sitk.Image) -> Segmentation:
    """Return the lesions seen at a visit, on the grid of its image.

    The value of a segment is its lesion's number, the same at every visit. Where two outlines overlap, the lesion with
    the lower number keeps the voxel.
    """
    visit = timeline.visits[visit_index]
    labels = sitk.Image(image.GetSize(), sitk.sitkUInt16)
    labels.CopyInformation(image)
    segments = []
    for lesion in sorted(timeline.lesions, key=lambda entry: entry.number, reverse=True):
        finding = visit.finding(lesion.observations[visit_index])
        if finding is None or finding.mask is None:
            continue
        labels = _painted(labels, finding.mask, lesion.number)
        segments.append(Segment(lesion.number, f"Lesion {lesion.number}", concept("lung-nodule"), lesion.colour))
    return Segmentation(labels, tuple(reversed(segments)), visit.provenance)


def _painted(labels: sitk.Image, mask: sitk.Image, value: int) -> sitk.Image:
    start = labels.TransformPhysicalPointToIndex(mask.TransformIndexToPhysicalPoint((0, 0, 0)))
    region = sitk.RegionOfInterest(labels, mask.GetSize(), start)
    old = sitk.GetArrayFromImage(region)
    new = np.where(sitk.GetArrayViewFromImage(mask) > 0, value, old).astype(np.uint16)
    painted = sitk.GetImageFromArray(new)
    painted.CopyInformation(region)
    return sitk.Paste(labels, painted, painted.GetSize(), (0, 0, 0), start)
