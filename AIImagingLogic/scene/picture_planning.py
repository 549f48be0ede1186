"""From a follow-up to what is to be drawn: which place, how wide, with which words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.followup.lesion_segmentation import lesion_segmentation
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measurement import measurement_entry
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.records.timeline import Lesion, LinkStatus, Timeline, Visit
from AIImagingLogic.scene.display_window import display_window
from AIImagingLogic.scene.picture_request import (
    LesionPicture,
    LesionView,
    OverviewPicture,
    OverviewView,
    PictureRequest,
)
from AIImagingLogic.scene.subject_hierarchy import visit_title

PICTURE_FOLDER = "pictures"

_SMALLEST_FIELD_OF_VIEW_MM = 70.0
_FIELD_OF_VIEW_PER_DIAMETER = 3.0
_ORGAN_SPACING_MM = 2.5
_WHOLE = 200
_SHOWN = ("mean_diameter", "volume", "mean_density")


def plan_pictures(timeline: Timeline, images: Sequence[sitk.Image]) -> PictureRequest:
    """Return what to draw of a follow-up: an overview in 3D and a picture of each lesion.

    Parameters
    ----------
    timeline : visits and lesions
    images : the image of each visit, LPS mm
    """
    labels = [lesion_segmentation(timeline, index, image) for index, image in enumerate(images)]
    window = _levels(timeline.visits[0], images[0])
    pictures = tuple(_lesion_picture(timeline, lesion, images, labels, window) for lesion in timeline.lesions)
    views = tuple(_overview_view(timeline, index) for index in range(len(timeline.visits)))
    drawn = any(view.organs is not None or view.lesions for view in views)
    overview = OverviewPicture("overview.png", "Overview", views) if drawn else None
    return PictureRequest(overview, pictures)


def _levels(visit: Visit, image: sitk.Image) -> tuple[float, float]:
    """Return black and white of the visit's image: of its modality, else fitted to the image."""
    window = display_window(visit.info.modality)
    if window is not None:
        return window.lower, window.upper
    low, high = np.percentile(sitk.GetArrayViewFromImage(image)[::4, ::4, ::4], (1, 99))
    return float(low), float(max(high, low + 1))


def _lesion_picture(
    timeline: Timeline,
    lesion: Lesion,
    images: Sequence[sitk.Image],
    labels: Sequence[Segmentation],
    window: tuple[float, float],
) -> LesionPicture:
    findings = [visit.finding(uid) for visit, uid in zip(timeline.visits, lesion.observations, strict=True)]
    largest = max((max(found.box.size_mm) for found in findings if found), default=0.0)
    field_of_view = max(_SMALLEST_FIELD_OF_VIEW_MM, _FIELD_OF_VIEW_PER_DIAMETER * largest)
    views = tuple(
        _lesion_view(
            visit, found, lesion.expected_mm[index], lesion.status, images[index], labels[index], field_of_view
        )
        for index, (visit, found) in enumerate(zip(timeline.visits, findings, strict=True))
    )
    words = [lesion.status.value, lesion.growth.label if lesion.growth else ""]
    change = lesion.change("volume")
    if change is not None and change.percent is not None:
        words.append(f"volume {change.percent:+.0f}%".replace("-", "\N{MINUS SIGN}"))
    subtitle = ", ".join(word for word in words if word)
    file = f"lesion_{lesion.number:02d}.png"
    return LesionPicture(file, f"Lesion {lesion.number}", subtitle, lesion.colour, field_of_view, window, views)


def _lesion_view(
    visit: Visit,
    finding: Finding | None,
    expected_mm: Vector | None,
    status: LinkStatus,
    image: sitk.Image,
    labels: Segmentation,
    field_of_view_mm: float,
) -> LesionView:
    center = finding.box.center_mm if finding else expected_mm
    if finding is not None:
        detail = _measured(finding)
    elif status is LinkStatus.NOT_EVALUABLE:
        detail = "not evaluable"
    else:
        detail = "not seen; the cross marks where it would lie" if center else "not seen"
    around = None if center is None else _crop(image, center, field_of_view_mm)
    if center is None or around is None:
        return LesionView(visit_title(visit), detail, None, finding is not None, None, None)
    cropped_labels = _crop(labels.image, center, field_of_view_mm)
    assert cropped_labels is not None  # it lies on the same grid
    present = set(np.unique(sitk.GetArrayViewFromImage(cropped_labels)).tolist())
    segments = tuple(segment for segment in labels.segments if segment.value in present)
    return LesionView(
        visit_title(visit), detail, center, finding is not None, around, Segmentation(cropped_labels, segments)
    )


def _measured(finding: Finding) -> str:
    words = []
    for name in _SHOWN:
        found = finding.measurement(name)
        if found is not None:
            entry = measurement_entry(name)
            unit = {"mm3": "mm³", "[hnsf'U]": "HU"}.get(found.unit, found.unit)
            value = f"{found.value:.{entry['digits']}f}".replace("-", "\N{MINUS SIGN}")
            words.append(f"{entry['label'].lower()} {value} {unit}")
    return ", ".join(words)


def _crop(image: sitk.Image, center_mm: Vector, width_mm: float) -> sitk.Image | None:
    """Return the part of an image that holds a cube of patient space, None when they do not meet."""
    corners = np.array(np.meshgrid(*[(-0.5, 0.5)] * 3)).reshape(3, -1).T * width_mm + np.array(center_mm)
    indices = np.array([image.TransformPhysicalPointToContinuousIndex(corner.tolist()) for corner in corners])
    low = np.maximum(np.floor(indices.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(indices.max(axis=0)), np.array(image.GetSize()) - 1).astype(int)
    if (high < low).any():
        return None
    return sitk.RegionOfInterest(image, (high - low + 1).tolist(), low.tolist())


def _overview_view(timeline: Timeline, index: int) -> OverviewView:
    visit = timeline.visits[index]
    lesions, positions = [], []
    for lesion in timeline.lesions:
        finding = visit.finding(lesion.observations[index])
        if finding is None or finding.mask is None:
            continue
        segment = Segment(1, str(lesion.number), finding.concept, lesion.colour)
        mask = sitk.ConstantPad(sitk.Cast(finding.mask > 0, sitk.sitkUInt8), (1, 1, 1), (1, 1, 1))
        lesions.append(Segmentation(mask, (segment,)))
        positions.append(finding.box.center_mm)
    organs = None if visit.organs is None else _coarse(visit.organs)
    return OverviewView(visit_title(visit), organs, tuple(lesions), tuple(positions))


def _coarse(organs: Segmentation) -> Segmentation:
    """Return organs on a coarse grid, by majority: surfaces are quick, specks and vessels do not clutter."""
    factors = [max(1, round(_ORGAN_SPACING_MM / step)) for step in organs.image.GetSpacing()]
    labels = None
    for segment in organs.segments:
        share = sitk.BinShrink(sitk.Cast(organs.image == segment.value, sitk.sitkUInt8) * _WHOLE, factors)
        part = sitk.Cast(share > _WHOLE // 2, organs.image.GetPixelID()) * segment.value
        labels = part if labels is None else sitk.Maximum(labels, part)
    return Segmentation(sitk.Shrink(organs.image, factors) if labels is None else labels, organs.segments)
