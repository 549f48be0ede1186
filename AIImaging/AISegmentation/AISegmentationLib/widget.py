"""The panel: choose a volume and a model, run, read the measurements, correct in the Segment Editor."""

import slicer
from AIImagingLib.measurements_table import MeasurementsTable
from AIImagingLib.model_picker import ModelPicker
from AIImagingLib.task_panel import TaskPanel
from slicer.i18n import tr as _

from AISegmentationLib.logic import AISegmentationLogic


class AISegmentationWidget(TaskPanel):
    """The panel of the module; what it shares with the other task panels is in `TaskPanel`."""

    def makeLogic(self):
        return AISegmentationLogic()

    def setupPanel(self):
        self._modelPicker = ModelPicker(self.ui.modelComboBox, self.ui.modelCardLabel, "segment", self.onModelChosen)
        self._measurements = MeasurementsTable(self.ui.measurementTableView)
        self.ui.surfacesButton.connect("clicked(bool)", self.onSurfaces)
        self.ui.editButton.connect("clicked(bool)", self.onEdit)

    def enter(self):
        # Models come and go in AI Models.
        self._modelPicker.refresh()
        TaskPanel.enter(self)

    def missingInput(self, parameters):
        return self._modelPicker.problem if parameters.inputVolume else _("Choose a volume")

    def inputs(self, parameters):
        return parameters.inputVolume, parameters.modelId

    def startRun(self, parameters):
        return self.logic.process(parameters.inputVolume, parameters.modelId, wait=False)

    def showParameters(self, parameters):
        self._modelPicker.choose(parameters.modelId)
        self._showResult(parameters)

    def showNodes(self, nodes, parameters):
        parameters.segmentation = nodes.segmentation
        parameters.measurementTable = nodes.table
        self._showResult(parameters)

    def onModelChosen(self, modelId):
        if self._parameterNode is not None and not self._connecting:
            self._parameterNode.modelId = modelId

    def onSurfaces(self):
        """Show the segments in 3D; only on this click, since surfaces take seconds a segment at full resolution."""
        segmentation = self._parameterNode.segmentation
        with slicer.util.tryWithErrorDisplay(_("The surfaces could not be made."), waitCursor=True):
            segmentation.CreateClosedSurfaceRepresentation()

    def onEdit(self):
        """Open the segmentation in the Segment Editor, where a person corrects it."""
        segmentation, volume = self._parameterNode.segmentation, self._parameterNode.inputVolume
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.util.getModuleWidget("SegmentEditor").editor
        editor.setSegmentationNode(segmentation)
        editor.setSourceVolumeNode(volume)

    def _showResult(self, parameters):
        segmentation = parameters.segmentation
        self.ui.resultLabel.text = segmentation.GetName() if segmentation else _("No result yet")
        self._measurements.show(parameters.measurementTable)
        self.ui.surfacesButton.enabled = bool(segmentation)
        self.ui.editButton.enabled = bool(segmentation)
