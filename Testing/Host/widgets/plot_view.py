"""qMRMLPlotView: draws the chart of a plot view node, with VTK's chart as Slicer does."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from Testing.Host.pythonqt.members import cpp_slot
from Testing.Host.widgets.scene_observers import forget, observe


class qMRMLPlotView(QtWidgets.QWidget):
    """Shows one chart; drawn off screen when the widget is painted."""

    mrmlSceneChanged = QtCore.Signal(object)
    CPP_SIGNALS = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged(PyObject)"}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._scene: Any = None
        self._view: Any = None
        self._observed: list[tuple[Any, int]] = []
        self.setMinimumHeight(160)

    @cpp_slot
    def mrmlScene(self) -> Any:
        """Return the scene."""
        return self._scene

    @cpp_slot
    def setMRMLScene(self, scene: Any) -> None:
        """Take a scene."""
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)

    @cpp_slot
    def mrmlPlotViewNode(self) -> Any:
        """Return the view node."""
        return self._view

    @cpp_slot
    def setMRMLPlotViewNode(self, node: Any) -> None:
        """Show the chart of a view node."""
        forget(self._observed)
        self._view = node
        if node is not None:
            self._observed.append(observe(node, "ModifiedEvent", self, "update"))
        self.update()

    @cpp_slot
    def fitToContent(self) -> None:
        """Show all points; the host always does."""

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        chart = self._view.GetPlotChartNode() if self._view is not None else None
        if chart is None:
            painter.fillRect(self.rect(), QtGui.QColor("white"))
        else:
            ratio = self.devicePixelRatioF()
            painter.drawImage(self.rect(), _drawn(chart, int(self.width() * ratio), int(self.height() * ratio)))
        painter.end()


def _drawn(chart: Any, width: int, height: int) -> QtGui.QImage:
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    plot = vtk.vtkChartXY()
    plot.SetTitle(chart.GetTitle() or "")
    plot.SetShowLegend(bool(chart.GetLegendVisibility()))
    plot.GetAxis(vtk.vtkAxis.BOTTOM).SetTitle(chart.GetXAxisTitle() or "")
    plot.GetAxis(vtk.vtkAxis.LEFT).SetTitle(chart.GetYAxisTitle() or "")
    if not chart.GetXAxisRangeAuto():
        _fix(plot.GetAxis(vtk.vtkAxis.BOTTOM), chart.GetXAxisRange())
    if not chart.GetYAxisRangeAuto():
        _fix(plot.GetAxis(vtk.vtkAxis.LEFT), chart.GetYAxisRange())
    for index in range(chart.GetNumberOfPlotSeriesNodes()):
        _add_series(plot, chart.GetNthPlotSeriesNode(index))
    view = vtk.vtkContextView()
    view.GetScene().AddItem(plot)
    window = view.GetRenderWindow()
    window.SetMultiSamples(0)
    window.SetOffScreenRendering(True)
    window.SetSize(max(width, 50), max(height, 50))
    view.GetRenderer().SetBackground(1.0, 1.0, 1.0)
    window.Render()
    grabber = vtk.vtkWindowToImageFilter()
    grabber.SetInput(window)
    grabber.ReadFrontBufferOff()
    grabber.Update()
    columns, rows, _ = grabber.GetOutput().GetDimensions()
    pixels = vtk_to_numpy(grabber.GetOutput().GetPointData().GetScalars()).reshape(rows, columns, -1)[::-1, :, :3]
    window.Finalize()
    data = pixels.tobytes()
    return QtGui.QImage(data, columns, rows, 3 * columns, QtGui.QImage.Format.Format_RGB888).copy()


def _fix(axis: Any, limits: tuple[float, float]) -> None:
    axis.SetBehavior(axis.FIXED)
    axis.SetRange(*limits)


def _add_series(plot: Any, series: Any) -> None:
    import vtk

    table = series.GetTableNode()
    if table is None:
        return
    bars = series.GetPlotType() == series.PlotTypeBar
    points = series.GetPlotType() == series.PlotTypeScatter and series.GetLineStyle() == series.LineStyleNone
    drawn = plot.AddPlot(vtk.vtkChart.BAR if bars else vtk.vtkChart.POINTS if points else vtk.vtkChart.LINE)
    names = [table.GetColumnName(index) for index in range(table.GetNumberOfColumns())]
    across, up = series.GetXColumnName(), series.GetYColumnName()
    if bars and up in names:
        # As in Slicer: a bar's place is the number of its row.
        drawn.SetUseIndexForXSeries(True)
        drawn.SetInputData(table.GetTable(), up, up)
    elif across in names and up in names:
        drawn.SetInputData(table.GetTable(), across, up)
    drawn.SetColorF(*series.GetColor())
    drawn.SetLabel(series.GetName() or "")
    drawn.SetWidth(series.GetLineWidth())
