"""The panel: choose a model and its volumes, run, read the measurements, correct in the Segment Editor."""

import slicer
from AIImagingLib.measurements_table import MeasurementsTable
from AIImagingLib.model_picker import ModelPicker
from AIImagingLib.task_panel import TaskPanel
from slicer.i18n import tr as _

from AISegmentationLib.further_inputs import FurtherInputs, chosenVolumes, furtherKeys, inputNames
from AISegmentationLib.logic import AISegmentationLogic


class AISegmentationWidget(TaskPanel):
    """The panel of the module; what it shares with the other task panels is in `TaskPanel`."""

    def makeLogic(self):
        return AISegmentationLogic()

    def setupPanel(self):
        self._modelPicker = ModelPicker(self.ui.modelComboBox, self.ui.modelCardLabel, "segment", self.onModelChosen)
        self._furtherInputs = FurtherInputs(self.ui.inputsCollapsibleButton.layout(), self.onFurtherChosen)
        self._namesOf = {}
        self._measurements = MeasurementsTable(self.ui.measurementTableView)
        self.ui.surfacesButton.connect("clicked(bool)", self.onSurfaces)
        self.ui.editButton.connect("clicked(bool)", self.onEdit)

    def enter(self):
        # Models come and go in AI Models.
        self._modelPicker.refresh()
        self._namesOf.clear()
        TaskPanel.enter(self)

    def missingInput(self, parameters):
        if not parameters.inputVolume:
            return _("Choose a volume")
        names = self._inputNames(parameters)
        for name, volume in zip(names[1:], chosenVolumes(parameters, names)):
            if volume is None:
                return self._modelPicker.problem or _("Choose a volume for '{name}'").format(name=name)
        return self._modelPicker.problem

    def inputs(self, parameters):
        return (
            parameters.inputVolume,
            parameters.modelId,
            *chosenVolumes(parameters, self._inputNames(parameters)),
        )

    def startRun(self, parameters):
        further = chosenVolumes(parameters, self._inputNames(parameters))
        return self.logic.process(parameters.inputVolume, parameters.modelId, wait=False, furtherVolumes=further)

    def showParameters(self, parameters):
        self._modelPicker.choose(parameters.modelId)
        self._showInputs(parameters)
        self._showResult(parameters)

    def showNodes(self, nodes, parameters):
        parameters.segmentation = nodes.segmentation
        parameters.measurementTable = nodes.table
        self._showResult(parameters)

    def onModelChosen(self, modelId):
        if self._parameterNode is not None and not self._connecting:
            self._parameterNode.modelId = modelId
            self._showInputs(self._parameterNode)

    def onFurtherChosen(self):
        if self._parameterNode is not None and not self._connecting:
            keys = furtherKeys(self._inputNames(self._parameterNode))
            chosen = dict(zip(keys, self._furtherInputs.volumes))
            held = {**self._parameterNode.furtherVolumes, **chosen}
            self._parameterNode.furtherVolumes = {key: volume for key, volume in held.items() if volume is not None}

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

    def _inputNames(self, parameters):
        if parameters.modelId not in self._namesOf:
            self._namesOf[parameters.modelId] = inputNames(parameters.modelId)
        return self._namesOf[parameters.modelId]

    def _showInputs(self, parameters):
        names = self._inputNames(parameters)
        self.ui.inputSelectorLabel.text = _("{name}:").format(name=names[0]) if len(names) > 1 else _("Volume:")
        self._furtherInputs.show(names[1:], chosenVolumes(parameters, names))

    def _showResult(self, parameters):
        segmentation = parameters.segmentation
        self.ui.resultLabel.text = segmentation.GetName() if segmentation else _("No result yet")
        self._measurements.show(parameters.measurementTable)
        self.ui.surfacesButton.enabled = bool(segmentation)
        self.ui.editButton.enabled = bool(segmentation)
