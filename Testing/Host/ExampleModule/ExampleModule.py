"""A small module that uses each part of the host once: the host's own tests drive it."""

import enum
from typing import Annotated

import qt
import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLTableNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Default, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class ExampleModule(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Example")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Examples")]


class Order(enum.Enum):
    BY_SIZE = "size"
    BY_NAME = "name"


@parameterNodeWrapper
class ExampleParameters:
    volume: vtkMRMLScalarVolumeNode
    table: vtkMRMLTableNode | None
    remark: str = "none"
    threshold: Annotated[float, WithinRange(0, 10), Default(2.5)]
    count: Annotated[int, WithinRange(1, 5)] = 3
    quick: bool = True
    order: Order
    names: list[str]


class ExampleModuleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self._parameterNode = None
        self._tag = None
        self.entered = 0

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/ExampleModule.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = ExampleModuleLogic()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.ui.applyButton.connect("clicked(bool)", self.onApply)
        self.timer = qt.QTimer()
        self.timer.setInterval(10)
        self.timer.connect("timeout()", self.onTick)
        self.initialize()

    def cleanup(self):
        self.timer.stop()
        self.release()
        self.removeObservers()

    def enter(self):
        self.entered += 1
        self.initialize()

    def exit(self):
        self.release()

    def onSceneStartClose(self, caller, event):
        self.release()

    def onSceneEndClose(self, caller, event):
        if self.parent.isEntered:
            self.initialize()

    def initialize(self):
        self.release()
        self._parameterNode = self.logic.getParameterNode()
        self._tag = self._parameterNode.connectGui(self.ui)
        self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onModified)
        self.onModified()

    def release(self):
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._tag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onModified)
            self._parameterNode = None

    def onModified(self, caller=None, event=None):
        self.ui.applyButton.enabled = self._parameterNode is not None and self._parameterNode.volume is not None

    def onApply(self):
        if self._parameterNode.remark == "fail":
            raise RuntimeError("The example fails on request.")
        self.ui.progressBar.value = 0
        self.timer.start()

    def onTick(self):
        self.ui.progressBar.value = self.ui.progressBar.value + 25
        if self.ui.progressBar.value >= 100:
            self.timer.stop()
            table = self.logic.process(self._parameterNode.volume)
            self._parameterNode.table = table
            self.ui.tableView.setMRMLTableNode(table)
            self.ui.statusLabel.text = _("Counted in '{name}'.").format(name=self._parameterNode.volume.GetName())


class ExampleModuleLogic(ScriptedLoadableModuleLogic):
    def getParameterNode(self):
        return ExampleParameters(super().getParameterNode())

    def process(self, volume):
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "Counts")
        table.SetUseColumnTitleAsColumnHeader(True)
        for name in ("What", "Voxels"):
            table.AddColumn().SetName(name)
        row = table.AddEmptyRow()
        table.SetCellText(row, 0, "All")
        table.SetCellText(row, 1, str(volume.GetImageData().GetNumberOfPoints()))
        return table
