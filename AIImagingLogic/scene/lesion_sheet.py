"""The picture of one lesion: axial, coronal and sagittal at every visit, outlined, lettered and to scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from AIImagingLogic.scene.empty_scene import make_scene
from AIImagingLogic.scene.picture_canvas import Colour, PictureCanvas, as_fractions
from AIImagingLogic.scene.picture_request import LesionPicture, LesionView
from AIImagingLogic.scene.segmentations import segmentation_node_from_segmentation
from AIImagingLogic.scene.slice_view import SliceView
from AIImagingLogic.scene.volumes import volume_node_from_image

PLANES = ("Axial", "Coronal", "Sagittal")

_PANEL_WIDTH, _PANEL_HEIGHT, _GAP = 316, 262, 6
_TITLE_HEIGHT, _HEADING_HEIGHT = 44, 30
_MARGIN = 14
_LABEL_COLOUR = "#ffe9a8"
_QUIET_COLOUR = "#b8c0c8"
_EMPTY_COLOUR = "#14181c"
_OUTLINE_PIXELS = 2
_CROSS_GAP, _CROSS_REACH = 12, 34


class LesionSheets:
    """Draws the pictures of lesions, one after the other, in one slice view."""

    def __init__(self) -> None:
        self._scene = make_scene()
        self._view = SliceView(self._scene, _PANEL_WIDTH, _PANEL_HEIGHT)

    def draw(self, picture: LesionPicture, path: Path) -> None:
        """Draw one picture and write it as a PNG file."""
        row_height = _HEADING_HEIGHT + _PANEL_HEIGHT
        width = 3 * _PANEL_WIDTH + 2 * _GAP
        canvas = PictureCanvas(width, _TITLE_HEIGHT + len(picture.views) * row_height)
        colour = as_fractions(picture.colour)
        canvas.fill(_MARGIN, _TITLE_HEIGHT / 2 - 8, 16, 16, colour)
        used = canvas.write(picture.title, _MARGIN + 26, _TITLE_HEIGHT / 2, size=20, bold=True)
        canvas.write(picture.subtitle, _MARGIN + 26 + used + 16, _TITLE_HEIGHT / 2, _QUIET_COLOUR, size=16)
        for row, view in enumerate(picture.views):
            top = _TITLE_HEIGHT + row * row_height
            canvas.write(view.heading, _MARGIN, top + _HEADING_HEIGHT / 2, size=15, bold=True)
            canvas.write(view.detail, width - _MARGIN, top + _HEADING_HEIGHT / 2, _QUIET_COLOUR, size=15, align="right")
            self._draw_row(canvas, picture, view, top + _HEADING_HEIGHT, colour)
        canvas.save(path)

    def _draw_row(
        self, canvas: PictureCanvas, picture: LesionPicture, view: LesionView, top: int, colour: Colour
    ) -> None:
        lefts = [column * (_PANEL_WIDTH + _GAP) for column in range(len(PLANES))]
        if view.image is None or view.lesions is None or view.center_mm is None:
            for left, plane in zip(lefts, PLANES):
                canvas.fill(left, top, _PANEL_WIDTH, _PANEL_HEIGHT, _EMPTY_COLOUR)
                canvas.write(plane, left + 10, top + 16, _QUIET_COLOUR)
                middle = (left + _PANEL_WIDTH / 2, top + _PANEL_HEIGHT / 2)
                canvas.write(view.detail, *middle, _QUIET_COLOUR, size=16, align="center")
            return
        volume = volume_node_from_image(view.image, self._scene, "image", window=picture.window)
        lesions = segmentation_node_from_segmentation(view.lesions, self._scene, "lesions", volume)
        display = lesions.GetDisplayNode()
        display.SetVisibility2DFill(False)
        display.SetSliceIntersectionThickness(_OUTLINE_PIXELS)
        for left, plane in zip(lefts, PLANES):
            pixels, letters = self._view.picture(volume, plane, view.center_mm, picture.field_of_view_mm)
            canvas.place(pixels, left, top)
            _letter_panel(canvas, left, top, plane, letters, picture.field_of_view_mm)
            if not view.seen:
                _draw_cross(canvas, left + _PANEL_WIDTH / 2, top + _PANEL_HEIGHT / 2, colour)
                place = (left + _PANEL_WIDTH / 2, top + _PANEL_HEIGHT / 2 + _CROSS_REACH + 16)
                canvas.write("not seen", *place, size=15, align="center", bold=True)
        self._remove(lesions, volume)

    def _remove(self, *nodes: Any) -> None:
        for node in nodes:
            display = node.GetDisplayNode()
            self._scene.RemoveNode(node)
            self._scene.RemoveNode(display)


def _letter_panel(
    canvas: PictureCanvas,
    left: float,
    top: float,
    plane: str,
    letters: tuple[str, str, str, str],
    field_of_view_mm: float,
) -> None:
    """Write the plane, the patient's sides and a scale bar into a panel."""
    middle_x, middle_y = left + _PANEL_WIDTH / 2, top + _PANEL_HEIGHT / 2
    places = (
        (left + 13, middle_y),
        (left + _PANEL_WIDTH - 13, middle_y),
        (middle_x, top + 15),
        (middle_x, top + _PANEL_HEIGHT - 14),
    )
    for letter, place in zip(letters, places, strict=True):
        canvas.write(letter, *place, _LABEL_COLOUR, size=15, align="center", bold=True)
    canvas.write(plane, left + 10, top + 16, size=14, bold=True)
    bar_mm = 10 if field_of_view_mm < 100 else 20
    bar = bar_mm * _PANEL_WIDTH / field_of_view_mm
    right, bottom = left + _PANEL_WIDTH - 12, top + _PANEL_HEIGHT - 13
    canvas.line((right - bar, bottom), (right, bottom), "white", 3)
    canvas.write(f"{bar_mm} mm", right - bar / 2, bottom - 13, size=13, align="center", bold=True)


def _draw_cross(canvas: PictureCanvas, x: float, y: float, colour: Colour) -> None:
    """Draw a cross that leaves its middle free: what lies there must stay visible."""
    for across, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        start = (x + across * _CROSS_GAP, y + down * _CROSS_GAP)
        end = (x + across * _CROSS_REACH, y + down * _CROSS_REACH)
        canvas.line(start, end, colour, 3)
