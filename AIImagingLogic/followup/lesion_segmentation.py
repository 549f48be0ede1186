"""The lesions of one visit as a segmentation: one segment a lesion, in its stable colour."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.records.timeline import Timeline


def lesion_segmentation(timeline: Timeline, visit_index: int, image: sitk.Image) -> Segmentation:
    """Return the lesions seen at a visit, on the grid of its image.

    The value of a segment is its lesion's number, the same at every visit. Where two outlines overlap, the lesion with
    the lower number keeps the voxel.
    """
    visit = timeline.visits[visit_index]
    labels = np.zeros(image.GetSize()[::-1], np.uint16)
    segments = []
    for lesion in sorted(timeline.lesions, key=lambda entry: entry.number, reverse=True):
        finding = visit.finding(lesion.observations[visit_index])
        if finding is None or finding.mask is None:
            continue
        i, j, k = image.TransformPhysicalPointToIndex(finding.mask.TransformIndexToPhysicalPoint((0, 0, 0)))
        inside = sitk.GetArrayViewFromImage(finding.mask) > 0
        depth, height, width = inside.shape
        labels[k : k + depth, j : j + height, i : i + width][inside] = lesion.number
        segments.append(Segment(lesion.number, f"Lesion {lesion.number}", finding.concept, lesion.colour))
    result = sitk.GetImageFromArray(labels)
    result.CopyInformation(image)
    return Segmentation(result, tuple(reversed(segments)), visit.provenance)
