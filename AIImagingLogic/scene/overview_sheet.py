"""The overview: organs as translucent surfaces with numbered lesions in 3D, the visits side by side."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.scene.empty_scene import make_scene
from AIImagingLogic.scene.picture_canvas import PictureCanvas, as_fractions
from AIImagingLogic.scene.picture_request import OverviewPicture, OverviewView
from AIImagingLogic.scene.segmentations import segmentation_node_from_segmentation
from AIImagingLogic.scene.view_3d import View3D

_VIEW_WIDTH, _VIEW_HEIGHT, _GAP = 474, 474, 12
_HEADING_HEIGHT = 40
_MARGIN = 1.12
_ORGAN_OPACITY = 0.25
_ORGAN_LIGHTENING = 0.7
_LABEL_COLOUR = "#ffe9a8"


def draw_overview(picture: OverviewPicture, path: Path) -> None:
    """Draw the overview and write it as a PNG file. All visits are shown at one scale."""
    boxes = [_bounds_mm(view) for view in picture.views]
    height_mm = max(float((high - low).max()) for low, high in boxes) * _MARGIN
    width = len(boxes) * _VIEW_WIDTH + (len(boxes) - 1) * _GAP
    canvas = PictureCanvas(width, _HEADING_HEIGHT + _VIEW_HEIGHT)
    for index, (view, (low, high)) in enumerate(zip(picture.views, boxes, strict=True)):
        left = index * (_VIEW_WIDTH + _GAP)
        canvas.write(view.heading, left + _VIEW_WIDTH / 2, _HEADING_HEIGHT / 2, size=16, align="center", bold=True)
        _draw_view(canvas, view, left, (low + high) / 2, height_mm)
    canvas.save(path)


def _draw_view(
    canvas: PictureCanvas, view: OverviewView, left: float, center_mm: npt.NDArray[np.float64], height_mm: float
) -> None:
    scene = make_scene()
    window = View3D(scene, _VIEW_WIDTH, _VIEW_HEIGHT)
    if view.organs is not None:
        organs = segmentation_node_from_segmentation(_lightened(view.organs), scene, "organs", surfaces=True)
        organs.GetDisplayNode().SetOpacity3D(_ORGAN_OPACITY)
    for lesion in view.lesions:
        segmentation_node_from_segmentation(lesion, scene, "lesion", surfaces=True)
    canvas.place(window.picture(center_mm, height_mm), left, _HEADING_HEIGHT)
    for lesion, position in zip(view.lesions, view.positions_mm, strict=True):
        x, y = window.pixel_of(position)
        segment = lesion.segments[0]
        radius_mm = max(length * step for length, step in zip(lesion.image.GetSize(), lesion.image.GetSpacing())) / 2
        offset = radius_mm / height_mm * _VIEW_HEIGHT + 8
        canvas.write(segment.name, left + x + offset, _HEADING_HEIGHT + y, as_fractions(segment.colour), 16, bold=True)
    middle = _HEADING_HEIGHT + _VIEW_HEIGHT / 2
    canvas.write("R", left + 14, middle, _LABEL_COLOUR, 16, "center", bold=True)
    canvas.write("L", left + _VIEW_WIDTH - 14, middle, _LABEL_COLOUR, 16, "center", bold=True)
    bar = 50.0 / height_mm * _VIEW_HEIGHT
    right, bottom = left + _VIEW_WIDTH - 14, _HEADING_HEIGHT + _VIEW_HEIGHT - 14
    canvas.line((right - bar, bottom), (right, bottom), "white", 3)
    canvas.write("50 mm", right - bar / 2, bottom - 13, size=13, align="center", bold=True)


def _lightened(organs: Segmentation) -> Segmentation:
    """Return organs in paler colours: translucent on black, their own would be too dark to see."""
    segments = []
    for segment in organs.segments:
        red, green, blue = (round(channel + (255 - channel) * _ORGAN_LIGHTENING) for channel in segment.colour)
        segments.append(dataclasses.replace(segment, colour=(red, green, blue)))
    return dataclasses.replace(organs, segments=tuple(segments))


def _bounds_mm(view: OverviewView) -> tuple[Any, Any]:
    """Return the lowest and highest LPS coordinates of what a view shows."""
    parts = ([view.organs] if view.organs is not None else []) + list(view.lesions)
    corners = [corner for part in parts for corner in _corners_mm(part)]
    if not corners:
        return np.full(3, -50.0), np.full(3, 50.0)
    return np.min(corners, axis=0), np.max(corners, axis=0)


def _corners_mm(segmentation: Segmentation) -> list[tuple[float, ...]]:
    """Return the corners (LPS mm) of the smallest box of voxels that holds every segment; none when all are empty."""
    image = segmentation.image
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(sitk.Cast(image > 0, sitk.sitkUInt8))
    if not shape.GetNumberOfLabels():
        return []
    box = np.array(shape.GetBoundingBox(1))
    low, high = box[:3], box[:3] + box[3:] - 1
    choices = np.array(np.meshgrid(*zip(low, high))).reshape(3, -1).T
    return [image.TransformIndexToPhysicalPoint(index) for index in choices.tolist()]
