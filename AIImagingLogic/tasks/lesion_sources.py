"""Findings from what others made: segmentations, points and boxes placed by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from pydicom.uid import generate_uid

from AIImagingLogic.images.geometry import grid_spacing, index_to_world, inside, same_grid
from AIImagingLogic.measure.finding import make_finding
from AIImagingLogic.records.boxes import OrientedBox, Vector
from AIImagingLogic.records.coding import CodedConcept
from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.segmentation import Segment, Segmentation

_HOUNSFIELD = "HU"


def findings_from_segmentation(
    image: sitk.Image,
    info: ImageInfo,
    segmentation: Segmentation,
    values: Sequence[int] | None = None,
    by_part: bool = True,
    least_mm3: float = 0.0,
    lungs: Segmentation | None = None,
) -> tuple[Finding, ...]:
    """Return the lesions of a segmentation as findings with outline and measurements.

    Parameters
    ----------
    image : that the segmentation lies on
    info : of `image`; its content hash and a lesion's place make its UID, so that the same segmentation gives the same
    segmentation : on the grid of `image`
    values : labels of the segments that are lesions; none: all
    by_part : each connected part (26 neighbours) of a segment is a lesion; else each segment
    least_mm3 : smaller parts are left out
    lungs : of a chest CT: then lesions are measured as the detector measures lung nodules

    Returns
    -------
    tuple of Finding
        In the order of segments, the largest part first. Score 1; concept of the segment. Without `lungs`: volume (of
        the voxels) and, in HU, mean density.

    Raises
    ------
    GeometryError
        The segmentation does not lie on the grid of the image.
    """
    if not same_grid(image, segmentation.image):
        raise GeometryError("The segmentation does not lie on the grid of the image.", "Resample it to the image.")
    findings: list[Finding] = []
    for segment in segmentation.segments:
        if values is not None and segment.value not in values:
            continue
        for mask in _parts(segmentation.image == segment.value, by_part, least_mm3):
            number = len(findings) + 1
            if lungs is not None:
                findings.append(make_finding(image, info, mask, lungs, 1.0, number))
            else:
                findings.append(_measured(image, info, mask, segment, number))
    return _with_own_uids(findings)


def findings_from_points(
    info: ImageInfo,
    points_mm: Sequence[Vector],
    diameters_mm: Sequence[float],
    concept: CodedConcept,
    names: Sequence[str] | None = None,
) -> tuple[Finding, ...]:
    """Return points that a person placed as findings, accepted, without outline or measurement.

    Parameters
    ----------
    info : of the image that they lie on
    points_mm : (3,) mm, LPS each
    diameters_mm : about how large each lesion is: it says how far off a link may be
    concept : what they are
    names : shown to the user; none: ``Lesion 1``, ...

    Raises
    ------
    GeometryError
        A point lies outside the image.
    """
    boxes = [OrientedBox(point, (size, size, size)) for point, size in zip(points_mm, diameters_mm, strict=True)]
    return findings_from_boxes(info, boxes, concept, names)


def findings_from_boxes(
    info: ImageInfo, boxes: Sequence[OrientedBox], concept: CodedConcept, names: Sequence[str] | None = None
) -> tuple[Finding, ...]:
    """Return boxes (regions of interest) that a person placed as findings; see `findings_from_points`.

    Raises
    ------
    GeometryError
        The centre of a box lies outside the image.
    """
    findings = []
    for index, box in enumerate(boxes):
        name = f"Lesion {index + 1}" if names is None else names[index]
        if not bool(inside(info, np.array([box.center_mm]))[0]):
            raise GeometryError(f"'{name}' lies outside the image.", "Place it inside the image.")
        findings.append(Finding(_uid(info, box), name, box, 1.0, concept, review=ReviewStatus.ACCEPTED))
    return _with_own_uids(findings)


def _parts(segment: sitk.Image, by_part: bool, least_mm3: float) -> list[sitk.Image]:
    """Return the parts of a mask, the largest first, each cropped."""
    labels = (
        sitk.RelabelComponent(sitk.ConnectedComponent(segment, True))
        if by_part
        else sitk.Cast(segment, sitk.sitkUInt32)
    )
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.ComputePerimeterOff()
    statistics.Execute(labels)
    parts = []
    for label in statistics.GetLabels():
        # Physical size takes no heed of a spacing's rounding: compared with a hair's breadth.
        if statistics.GetPhysicalSize(label) < least_mm3 * (1 - 1e-9):
            continue
        box = statistics.GetBoundingBox(label)
        parts.append(sitk.Cast(sitk.RegionOfInterest(labels, box[3:], box[:3]) == label, sitk.sitkUInt8))
    return parts


def _measured(image: sitk.Image, info: ImageInfo, mask: sitk.Image, segment: Segment, number: int) -> Finding:
    voxels = np.argwhere(sitk.GetArrayViewFromImage(mask) > 0)[:, ::-1]
    spacing = grid_spacing(mask)
    first, last = voxels.min(axis=0), voxels.max(axis=0)
    center = index_to_world(mask, (first + last) / 2)
    size = (last - first + 1) * spacing
    box = OrientedBox(_vector(center), _vector(size), _axes(mask))
    measurements = [measurement("volume", float(len(voxels) * np.prod(spacing)))]
    if info.intensity_unit == _HOUNSFIELD:
        first_voxel = image.TransformPhysicalPointToIndex(mask.GetOrigin())
        values = sitk.GetArrayFromImage(sitk.RegionOfInterest(image, mask.GetSize(), first_voxel))
        inside_values = values[sitk.GetArrayViewFromImage(mask) > 0]
        measurements += [
            measurement("mean_density", float(inside_values.mean())),
            measurement("density_sd", float(inside_values.std())),
        ]
    name = f"{segment.name or segment.concept.name} {number}"
    return Finding(_uid(info, box), name, box, 1.0, segment.concept, mask, tuple(measurements))


def _axes(mask: sitk.Image) -> tuple[Vector, Vector, Vector]:
    """Return the image's axes as rows, right-handed."""
    axes = np.array(mask.GetDirection()).reshape(3, 3).T
    if np.linalg.det(axes) < 0:
        axes = axes * np.array([[1.0], [1.0], [-1.0]])
    return _vector(axes[0]), _vector(axes[1]), _vector(axes[2])


def _vector(values: np.ndarray) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])


def _uid(info: ImageInfo, box: OrientedBox) -> str:
    position = ",".join(f"{value:.1f}" for value in box.center_mm)
    return str(generate_uid(entropy_srcs=["finding", info.content_hash, position]))


def _with_own_uids(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings of which no two have one UID: such as a segment around another, with the same centre."""
    own: list[Finding] = []
    for finding in findings:
        uid, number = finding.uid, 2
        while any(uid == other.uid for other in own):
            uid, number = str(generate_uid(entropy_srcs=[finding.uid, str(number)])), number + 1
        own.append(dataclasses.replace(finding, uid=uid))
    return tuple(own)
