"""One segment of a DICOM segmentation: a mask of its own, so that segments may overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.segment_tags import algorithm_name
from AIImagingLogic.records.coding import CodedConcept
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.provenance import Provenance
from AIImagingLogic.records.segmentation import Segment, Segmentation

AUTOMATIC, SEMIAUTOMATIC, MANUAL = "AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"


@dataclass(frozen=True)
class CodedMask:
    """What a segment is, where it is, and who drew it.

    Attributes
    ----------
    mask : uint8, 0 outside, any other value inside; a crop will do
    tracking_id, tracking_uid : name and UID of the lesion, the same at every visit; both or none
    algorithm_type : ``AUTOMATIC``, ``SEMIAUTOMATIC`` (a person corrected it) or ``MANUAL``
    algorithm, algorithm_version : empty when a person drew it
    """

    name: str
    concept: CodedConcept
    colour: tuple[int, int, int]
    mask: sitk.Image
    tracking_id: str = ""
    tracking_uid: str = ""
    algorithm_type: str = AUTOMATIC
    algorithm: str = ""
    algorithm_version: str = ""


def masks_of_segmentation(segmentation: Segmentation) -> tuple[CodedMask, ...]:
    """Return the segments that have voxels, each cropped to them."""
    boxes = sitk.LabelShapeStatisticsImageFilter()
    boxes.Execute(segmentation.image)
    present = set(boxes.GetLabels())
    name, version = algorithm_of(segmentation.provenance)
    found = []
    for segment in segmentation.segments:
        if segment.value not in present:
            continue
        box = boxes.GetBoundingBox(segment.value)
        crop = sitk.RegionOfInterest(segmentation.image, box[3:], box[:3]) == segment.value
        coded = CodedMask(
            segment.name, segment.concept, segment.colour, crop, algorithm=name, algorithm_version=version
        )
        found.append(coded)
    return tuple(found)


def mask_of_finding(
    finding: Finding, provenance: Provenance | None, *, name: str = "", tracking_uid: str = "", colour: object = None
) -> CodedMask | None:
    """Return the outline of a finding; None when it has none.

    `name`, `tracking_uid` and `colour` (RGB 0..255): of its lesion; default: the finding's own.
    """
    if finding.mask is None or not sitk.GetArrayViewFromImage(finding.mask).any():
        return None
    algorithm, version = algorithm_of(provenance)
    edited = finding.review is ReviewStatus.EDITED
    return CodedMask(
        name=name or finding.name,
        concept=finding.concept,
        colour=colour if isinstance(colour, tuple) else finding.concept.colour,
        mask=finding.mask,
        tracking_id=name or finding.name,
        tracking_uid=tracking_uid or finding.uid,
        algorithm_type=SEMIAUTOMATIC if edited else AUTOMATIC,
        algorithm=algorithm,
        algorithm_version=version,
    )


def algorithm_of(provenance: Provenance | None) -> tuple[str, str]:
    """Return name and version of what made a result."""
    if provenance is None:
        return "AI Imaging", "unknown"
    versions = [model.version for model in provenance.models]
    return algorithm_name(provenance), versions[-1] if versions else provenance.versions.get("aiimaging", "unknown")


def layers(masks: Sequence[CodedMask], grid: sitk.Image) -> tuple[Segmentation, ...]:
    """Return segments as few label images as their overlaps allow.

    Parameters
    ----------
    masks : each on voxels of `grid` and inside it
    grid : the image whose grid the label images get

    Returns
    -------
    tuple of Segmentation
        The value of a segment is its place in `masks`, counted from 1, in every layer.
    """
    labels: list[np.ndarray] = []
    segments: list[list[Segment]] = []
    for value, entry in enumerate(masks, start=1):
        start = grid.TransformPhysicalPointToIndex(entry.mask.GetOrigin())
        inside = sitk.GetArrayViewFromImage(entry.mask) != 0
        place = tuple(slice(at, at + length) for at, length in zip(start[::-1], inside.shape, strict=True))
        free = (number for number, layer in enumerate(labels) if not layer[place][inside].any())
        layer = next(free, len(labels))
        if layer == len(labels):
            labels.append(np.zeros(grid.GetSize()[::-1], np.uint16))
            segments.append([])
        labels[layer][place][inside] = value
        segments[layer].append(Segment(value, entry.name, entry.concept, entry.colour))
    return tuple(_segmentation(values, grid, found) for values, found in zip(labels, segments, strict=True))


def _segmentation(values: np.ndarray, grid: sitk.Image, segments: Sequence[Segment]) -> Segmentation:
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(grid)
    return Segmentation(image, tuple(segments))
