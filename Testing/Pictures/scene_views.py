"""What Slicer's slice, 3D, table and plot views show of a host's scene, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from AIImagingLogic.scene.picture_canvas import PictureCanvas
from AIImagingLogic.scene.slice_view import SliceView
from AIImagingLogic.scene.view_3d import View3D

PLANES = ("Axial", "Coronal", "Sagittal")
_VIEW_PIXELS = 360
_3D_PIXELS = 640
_TABLE_WIDTH, _PLOT_WIDTH, _PLOT_HEIGHT, _RATIO = 1000, 560, 340, 2


def photograph_slices(scene: Any, rows: Sequence[tuple[str, Any, Sequence[str]]], path: Path) -> None:
    """Draw slice views where they stand now.

    Parameters
    ----------
    rows : heading of a row, its volume node, and the layout names of its axial, coronal and sagittal view
    """
    canvas = PictureCanvas(len(PLANES) * _VIEW_PIXELS, len(rows) * _VIEW_PIXELS)
    for row, (heading, volume, names) in enumerate(rows):
        for column, (plane, name) in enumerate(zip(PLANES, names, strict=True)):
            node = scene.GetSingletonNode(name, "vtkMRMLSliceNode")
            to_ras, field_of_view_mm = node.GetSliceToRAS(), node.GetFieldOfView()[0]
            right, anterior, superior = (to_ras.GetElement(axis, 3) for axis in range(3))
            view = SliceView(scene, _VIEW_PIXELS, _VIEW_PIXELS, markups=True, name=name)
            pixels, letters = view.picture(volume, plane, (-right, -anterior, superior), field_of_view_mm)
            x, y = column * _VIEW_PIXELS, row * _VIEW_PIXELS
            canvas.place(pixels, x, y)
            canvas.write(f"{heading}, {plane.lower()}" if heading else plane, x + 8, y + 14, bold=True)
            canvas.write(letters[0], x + 8, y + _VIEW_PIXELS / 2)
            canvas.write(letters[1], x + _VIEW_PIXELS - 8, y + _VIEW_PIXELS / 2, align="right")
    canvas.save(path)


def stand_at(scene: Any, names: Sequence[str], point_ras: Sequence[float], field_of_view_mm: float) -> None:
    """Let the axial, coronal and sagittal view of these names cut through a point, (3,) mm, RAS."""
    from AIImagingLogic.scene.slice_views import slice_view_nodes

    for plane, name in zip(PLANES, names, strict=True):
        node, _ = slice_view_nodes(scene, name, plane)
        across, down, _ = node.GetDimensions()
        node.SetFieldOfView(field_of_view_mm, field_of_view_mm * down / max(across, 1), 1.0)
        node.JumpSliceByCentering(*point_ras)


def photograph_3d(scene: Any, segmentation: Any, path: Path) -> None:
    """Draw what the 3D view shows, from the front, so that `segmentation` fills the height."""
    bounds = np.zeros(6)
    segmentation.GetRASBounds(bounds)
    low, high = bounds[::2], bounds[1::2]
    middle = (low + high) / 2 * (-1, -1, 1)
    canvas = PictureCanvas(_3D_PIXELS, _3D_PIXELS)
    canvas.place(View3D(scene, _3D_PIXELS, _3D_PIXELS).picture(middle, 1.1 * float((high - low).max())), 0, 0)
    canvas.write("R", 14, _3D_PIXELS / 2, bold=True)
    canvas.write("L", _3D_PIXELS - 14, _3D_PIXELS / 2, align="right", bold=True)
    canvas.save(path)


def photograph_table(scene: Any, table: Any, path: Path, width: int = _TABLE_WIDTH) -> None:
    """Draw the table view of a table node, as wide and high as its cells up to `width`."""
    import slicer
    from PySide6 import QtCore, QtWidgets

    from Testing.Host.pythonqt.instances import unwrap

    view = slicer.qMRMLTableView()
    view.setMRMLScene(scene)
    view.setMRMLTableNode(table)
    widget = unwrap(view)
    widget.setAttribute(QtCore.Qt.WidgetAttribute.WA_DontShowOnScreen)
    widget.show()
    QtWidgets.QApplication.processEvents()
    widget.resizeColumnsToContents()
    wide = widget.horizontalHeader().length() + widget.verticalHeader().width() + 4
    scrolled = widget.horizontalScrollBar().sizeHint().height() if wide > width else 0
    high = widget.verticalHeader().length() + widget.horizontalHeader().height() + scrolled + 4
    widget.resize(min(wide, width), high)
    QtWidgets.QApplication.processEvents()
    _photograph_widget(widget, min(wide, width), high, path)


def photograph_chart(scene: Any, chart: Any, path: Path) -> None:
    """Draw the plot view of a chart node."""
    import slicer

    from Testing.Host.pythonqt.instances import unwrap

    node = scene.AddNewNodeByClass("vtkMRMLPlotViewNode")
    node.SetPlotChartNodeID(chart.GetID())
    view = slicer.qMRMLPlotView()
    view.setMRMLScene(scene)
    view.setMRMLPlotViewNode(node)
    _photograph_widget(unwrap(view), _PLOT_WIDTH, _PLOT_HEIGHT, path)


def _photograph_widget(widget: Any, width: int, height: int, path: Path) -> None:
    from PySide6 import QtGui

    widget.resize(width, height)
    picture = QtGui.QPixmap(widget.size() * _RATIO)
    picture.setDevicePixelRatio(_RATIO)
    picture.fill("white")
    widget.render(picture)
    if not picture.save(str(path), "PNG"):
        raise OSError(f"The picture could not be written to {path}.")
