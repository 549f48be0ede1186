"""Changes found half-way as segmentation and findings on the grid of the later visit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.uid import generate_uid
from scipy import ndimage

from AIImagingLogic.followup.lesion_change.change_regions import ChangeKind, ChangeRegion
from AIImagingLogic.followup.lesion_change.half_way import HalfWay
from AIImagingLogic.images.geometry import index_to_world
from AIImagingLogic.images.resample import resample_like
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measured_segments import MeasuredSegment
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.segmentation import Segment

_MM3_A_ML = 1000.0
# A change counts as surely seen from here; the score is its significance in shares of it.
_SURE_SD = 10.0


def from_half_way(values: NDArray[np.generic], between: HalfWay, later: sitk.Image, labels: bool) -> sitk.Image:
    """Return an array of the half-way grid (k, j, i) as an image on the grid of `later`; 0 beyond."""
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(between.grid)
    back = between.to_later.GetInverse()
    return resample_like(image, later, back, "nearest" if labels else "linear", 0.0)


def findings_on_later(
    regions: Sequence[ChangeRegion], between: HalfWay, later: sitk.Image, identity: str, least_mm3: float
) -> tuple[Finding, ...]:
    """Return a finding a region, largest first.

    Parameters
    ----------
    regions : of the half-way grid
    between : how it lies to both visits
    later : gives the grid
    identity : of both images: with kind and place it makes the UID, so that a second run gives the same
    least_mm3 : a region that is smaller on this grid is left out
    """
    numbers = np.zeros(between.grid.GetSize()[::-1], np.uint16)
    for number, region in enumerate(regions, 1):
        numbers[region.where][region.mask] = number
    on_later = sitk.GetArrayFromImage(from_half_way(numbers, between, later, labels=True))
    voxel_mm3 = float(np.prod(later.GetSpacing()))
    made = []
    for number, where in enumerate(ndimage.find_objects(on_later, max_label=len(regions)), 1):
        mask = None if where is None else on_later[where] == number
        if mask is not None and mask.sum() * voxel_mm3 >= least_mm3:
            made.append((regions[number - 1], where, mask))
    made.sort(key=lambda one: -int(one[2].sum()))
    return tuple(
        _finding(region, where, mask, later, identity, order) for order, (region, where, mask) in enumerate(made, 1)
    )


def labels_of(findings: Sequence[Finding], later: sitk.Image) -> tuple[sitk.Image, tuple[Segment, ...]]:
    """Return the label image (uint8) on the grid of `later` and its segments: one a kind, found or not."""
    labels = np.zeros(later.GetSize()[::-1], np.uint8)
    for finding in findings:
        if finding.mask is None:
            continue
        start = later.TransformPhysicalPointToIndex(finding.mask.GetOrigin())[::-1]
        inside = sitk.GetArrayViewFromImage(finding.mask) > 0
        cut = tuple(slice(first, first + length) for first, length in zip(start, inside.shape, strict=True))
        labels[cut][inside] = value_of(finding.descriptors["change"])
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(later)
    segments = []
    for kind in ChangeKind:
        coded = concept(f"brain-lesion-{kind.value}")
        segments.append(Segment(value_of(kind.value), coded.name, coded, coded.colour))
    return image, tuple(segments)


def value_of(kind: str) -> int:
    """Return the label of a kind of change."""
    return 1 + [entry.value for entry in ChangeKind].index(kind)


def measured_kinds(findings: Sequence[Finding], segments: Sequence[Segment]) -> tuple[MeasuredSegment, ...]:
    """Return number and volume (ml) of the changes of each kind."""
    rows = []
    for segment in segments:
        of_kind = [finding for finding in findings if value_of(finding.descriptors["change"]) == segment.value]
        volume_mm3 = sum(finding.value("volume") or 0.0 for finding in of_kind)
        measured = measurement("lesion_count", len(of_kind)), measurement("organ_volume", volume_mm3 / _MM3_A_ML)
        rows.append(MeasuredSegment(segment, measured))
    return tuple(rows)


def _finding(
    region: ChangeRegion,
    where: tuple[slice, slice, slice],
    mask: NDArray[np.bool_],
    later: sitk.Image,
    identity: str,
    order: int,
) -> Finding:
    first = [cut.start for cut in where][::-1]
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(later.GetSpacing())
    image.SetDirection(later.GetDirection())
    image.SetOrigin(index_to_world(later, first).tolist())
    box = _box(image)
    place = ",".join(f"{value:.1f}" for value in box.center_mm)
    volume = float(mask.sum() * np.prod(later.GetSpacing()))
    return Finding(
        uid=str(generate_uid(entropy_srcs=["lesion-change", identity, region.kind.value, place])),
        name=f"Change {order}",
        box=box,
        score=float(min(1.0, abs(region.significance) / _SURE_SD)),
        concept=concept(f"brain-lesion-{region.kind.value}"),
        mask=image,
        measurements=(
            measurement("volume", volume),
            measurement("intensity_change", 100.0 * region.intensity_change),
            measurement("change_significance", region.significance),
        ),
        descriptors={"change": region.kind.value},
    )


def _box(image: sitk.Image) -> OrientedBox:
    """Return the box around a cropped image; its axes are made right-handed."""
    size = np.array(image.GetSize())
    center = index_to_world(image, (size - 1) / 2)
    lengths = size * np.array(image.GetSpacing())
    axes = np.asarray(image.GetDirection()).reshape(3, 3).T
    if np.linalg.det(axes) < 0:
        axes = axes * np.array([[1.0], [1.0], [-1.0]])
    rows = [(float(row[0]), float(row[1]), float(row[2])) for row in axes]
    return OrientedBox(
        (float(center[0]), float(center[1]), float(center[2])),
        (float(lengths[0]), float(lengths[1]), float(lengths[2])),
        (rows[0], rows[1], rows[2]),
    )
