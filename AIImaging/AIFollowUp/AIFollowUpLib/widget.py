"""The panel: choose two volumes, run, read the change table."""

from pathlib import Path

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from AIFollowUpLib.dates import date_from_text, text_from_date
from AIFollowUpLib.logic import AIFollowUpLogic


class AIFollowUpWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel of the module. A run blocks the panel but keeps the window alive, and can be cancelled."""

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._guiTag = None
        # While parameters are put on show, a selector that changes must not replace a date that was typed.
        self._connecting = False
        self._running = False
        self._cancelled = False

    def setup(self) -> None:
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/AIFollowUp.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = AIFollowUpLogic()
        self.ui.progressBar.visible = False
        self.ui.cancelButton.enabled = False
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.ui.applyButton.connect("clicked(bool)", self.onApply)
        self.ui.cancelButton.connect("clicked(bool)", self.onCancel)
        self.ui.baselineSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onBaselineChanged)
        self.ui.followUpSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onFollowUpChanged)
        self._connectParameters()

    def cleanup(self) -> None:
        self._cancelled = True
        self._disconnectParameters()
        self.removeObservers()

    def enter(self) -> None:
        self._connectParameters()

    def exit(self) -> None:
        if not self._running:
            self._disconnectParameters()

    def onSceneStartClose(self, caller, event) -> None:
        # A run must never put its results into the scene that comes after the one it began in.
        self._cancelled = True
        self._disconnectParameters()

    def onSceneEndClose(self, caller, event) -> None:
        if self.parent.isEntered:
            self._connectParameters()

    def onBaselineChanged(self, node) -> None:
        if self._parameterNode and not self._connecting:
            self._parameterNode.baselineDate = self._knownDate(node)

    def onFollowUpChanged(self, node) -> None:
        if self._parameterNode and not self._connecting:
            self._parameterNode.followUpDate = self._knownDate(node)

    def onCancel(self) -> None:
        self._cancelled = True
        self.ui.statusLabel.text = _("Cancelling…")

    def onApply(self) -> None:
        if self._running:
            return
        self._running, self._cancelled = True, False
        self._showRunning(True)
        try:
            self._run()
        # The last stop: the user reads one line, the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self._showError(error)
        finally:
            self._running = False
            self._showRunning(False)

    def _run(self) -> None:
        folder = self._outputFolder()
        if folder is not None:
            self._ensurePackages()
        parameters = self._parameterNode
        nodes = self.logic.process(
            parameters.baselineVolume,
            parameters.followUpVolume,
            date_from_text(parameters.baselineDate),
            date_from_text(parameters.followUpDate),
            folder,
            onReport=self._showProgress,
            isCancelled=lambda: self._cancelled,
        )
        parameters.changeTable = nodes.change_table
        self.ui.changeTableView.setMRMLTableNode(nodes.change_table)
        rows = nodes.change_table.GetNumberOfRows()
        self.ui.statusLabel.text = _("{count} lesions. Every one is a proposal to confirm on the images.").format(
            count=rows
        )

    def _outputFolder(self) -> Path | None:
        chosen = self.ui.outputFolderPathLineEdit.currentPath
        return Path(chosen) if chosen else None

    def _ensurePackages(self) -> None:
        import subprocess

        import slicer.packaging

        from AIImagingLogic.records.errors import OutputError

        requirements = slicer.packaging.load_requirements(self.resourcePath("AIFollowUpRequirements.txt"))
        try:
            slicer.packaging.pip_ensure(requirements, requester=_("AI Follow-up (report)"))
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise OutputError(
                _("The packages that the report needs were not installed."),
                _("Allow their installation, or leave the output folder empty."),
            ) from error

    def _showProgress(self, fraction: float, message: str) -> None:
        self.ui.progressBar.value = round(100 * fraction)
        self.ui.statusLabel.text = message
        slicer.app.processEvents()

    def _showRunning(self, running: bool) -> None:
        self.ui.progressBar.value = 0
        self.ui.progressBar.visible = running
        self.ui.cancelButton.enabled = running
        self.ui.inputsCollapsibleButton.enabled = not running
        self.ui.outputsCollapsibleButton.enabled = not running
        if running:
            self.ui.statusLabel.text = _("Starting…")
        self._checkCanApply()

    def _showError(self, error: Exception) -> None:
        from AIImagingLogic.records.errors import AIImagingError, Cancelled

        line = " ".join(str(error).split()) or type(error).__name__
        self.ui.statusLabel.text = line
        if isinstance(error, Cancelled):
            return
        if not isinstance(error, (AIImagingError, ValueError)):
            import logging

            logging.exception("AI Follow-up failed")
            line = _("Unexpected {kind}: {what} (see the log)").format(kind=type(error).__name__, what=line)
        slicer.util.errorDisplay(line)

    def _knownDate(self, node) -> str:
        if node is None:
            return ""
        from AIImagingLogic.scene.volume_info import acquisition_time

        return text_from_date(acquisition_time(node))

    def _connectParameters(self) -> None:
        self._disconnectParameters()
        self._parameterNode = self.logic.getParameterNode()
        self._connecting = True
        try:
            self._guiTag = self._parameterNode.connectGui(self.ui)
        finally:
            self._connecting = False
        self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._checkCanApply)
        self.ui.changeTableView.setMRMLTableNode(self._parameterNode.changeTable)
        self._checkCanApply()

    def _disconnectParameters(self) -> None:
        if self._parameterNode is None:
            return
        self._parameterNode.disconnectGui(self._guiTag)
        self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._checkCanApply)
        self._parameterNode, self._guiTag = None, None

    def _checkCanApply(self, caller=None, event=None) -> None:
        parameters = self._parameterNode
        both = bool(parameters and parameters.baselineVolume and parameters.followUpVolume)
        self.ui.applyButton.enabled = both and not self._running
        self.ui.applyButton.toolTip = (
            _("Find, link and measure lung nodules on both volumes")
            if both
            else _("Choose a baseline and a follow-up volume")
        )
