"""Findings from segmentations, points and boxes, and their timeline."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
import SimpleITK as sitk
from followup_records import registration

from AIImagingLogic.images.geometry import index_to_world
from AIImagingLogic.images.info import describe
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.finding import ReviewStatus
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.records.timeline import LinkStatus, Visit
from AIImagingLogic.tasks.follow_findings import follow_findings
from AIImagingLogic.tasks.lesion_sources import findings_from_boxes, findings_from_points, findings_from_segmentation

LESION = concept("brain-lesion-new")
SPACING = (1.0, 1.5, 2.0)


def scan(day: int = 1) -> tuple[sitk.Image, ImageInfo]:
    """A flipped, turned grid; the value of a voxel is ten times its i index, plus the day."""
    values = np.broadcast_to(10 * np.arange(40), (30, 35, 40)).astype(np.int16) + day
    image = sitk.GetImageFromArray(np.ascontiguousarray(values))
    image.SetSpacing(SPACING)
    image.SetOrigin((5.0, -7.0, 11.0))
    image.SetDirection((0.0, -1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    return image, describe(image, "CT", "HU", datetime(2025, 1, day))


def segmentation(image: sitk.Image) -> Segmentation:
    """Segment 1: a bar of 4 x 3 x 2 voxels and one of 2 x 1 x 1 that touch nothing; segment 2: one voxel."""
    labels = np.zeros(image.GetSize()[::-1], np.uint8)
    labels[5:7, 8:11, 10:14] = 1
    labels[20, 20, 30:32] = 1
    labels[25, 30, 3] = 2
    result = sitk.GetImageFromArray(labels)
    result.CopyInformation(image)
    segments = (Segment(1, "Lesions", LESION, (255, 0, 0)), Segment(2, "Other", LESION, (0, 255, 0)))
    return Segmentation(result, segments)


def test_each_connected_part_of_a_segment_is_a_finding_with_its_outline_and_measurements() -> None:
    image, info = scan()
    large, small, other = findings_from_segmentation(image, info, segmentation(image))
    assert [entry.value("volume") for entry in (large, small, other)] == [24 * 3.0, 2 * 3.0, 3.0]
    assert large.box.center_mm == pytest.approx(index_to_world(image, (11.5, 9.0, 5.5)))
    assert large.box.size_mm == pytest.approx((4.0, 4.5, 4.0))
    assert np.linalg.det(np.array(large.box.axes)) == pytest.approx(1.0)
    assert large.value("mean_density") == pytest.approx(116.0)  # i of 10 to 13, ten HU each, plus the day
    assert large.mask is not None
    assert large.mask.GetSize() == (4, 3, 2)
    again = findings_from_segmentation(image, info, segmentation(image))
    assert [entry.uid for entry in again] == [large.uid, small.uid, other.uid]


def test_segments_as_wholes_chosen_ones_and_parts_that_are_too_small() -> None:
    image, info = scan()
    made = segmentation(image)
    assert [entry.value("volume") for entry in findings_from_segmentation(image, info, made, by_part=False)] == [78, 3]
    assert [entry.value("volume") for entry in findings_from_segmentation(image, info, made, values=[2])] == [3]
    assert len(findings_from_segmentation(image, info, made, least_mm3=6.0)) == 2
    with pytest.raises(GeometryError, match="grid"):
        findings_from_segmentation(image[1:], info, made)


def test_points_and_boxes_of_a_person_are_accepted_findings_and_must_lie_in_the_image() -> None:
    image, info = scan()
    x, y, z = (float(value) for value in index_to_world(image, (20, 10, 5)))
    (point,) = findings_from_points(info, [(x, y, z)], [9.0], LESION, ["Met A"])
    assert (point.name, point.box.size_mm, point.score) == ("Met A", (9.0, 9.0, 9.0), 1.0)
    assert point.review is ReviewStatus.ACCEPTED
    first, second = findings_from_boxes(info, [OrientedBox((x, y, z), (4.0, 5.0, 6.0))] * 2, LESION)
    assert first.uid != second.uid
    with pytest.raises(GeometryError, match="outside"):
        findings_from_points(info, [(500.0, 0.0, 0.0)], [9.0], LESION)


def test_findings_of_any_source_become_a_timeline_without_guidelines_for_lung_nodules() -> None:
    scans = [scan(day) for day in (20, 3, 11)]
    visits = [
        Visit("any", info, None, findings_from_segmentation(image, info, segmentation(image))) for image, info in scans
    ]
    images = [image for image, _ in scans]
    with pytest.raises(ValueError, match="in order of time"):
        follow_findings(images, visits, registrations=(registration(), registration()))
    order = (1, 2, 0)
    timeline = follow_findings(
        [images[index] for index in order],
        [visits[index] for index in order],
        registrations=(registration(), registration()),
    )
    assert [visit.info.acquired.day for visit in timeline.visits if visit.info.acquired] == [3, 11, 20]
    assert [visit.label for visit in timeline.visits] == ["baseline", "follow-up 1", "follow-up 2"]
    assert timeline.assessments == ()
    largest = timeline.lesions[0]
    assert largest.status in (LinkStatus.MATCHED, LinkStatus.NOT_EVALUABLE)
    assert all(None not in lesion.observations for lesion in timeline.lesions)
