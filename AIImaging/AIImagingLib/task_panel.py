"""What every task panel does: inputs from the scene, Apply that becomes Cancel, runs side by side, results on show."""

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from AIImagingLib.error_display import show_error
from AIImagingLib.run_rows import RunRows


class TaskPanel(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Base of the widgets of task modules.

    The .ui file has `applyButton`, `statusLabel` and the empty widget `runsWidget`. A derived class overrides
    `makeLogic`, `setupPanel`, `missingInput`, `inputs`, `startRun`, `showParameters` and `showNodes`.

    A run belongs to the inputs it was started with: while it lasts, Apply is Cancel for just these inputs. With other
    inputs chosen, Apply starts another run beside it.
    """

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.ui = None
        self._parameterNode = None
        self._guiTag = None
        self._rows = None
        self._runs = []
        self._connecting = False

    # What a derived class says.

    def makeLogic(self):
        """Return the module's logic."""
        raise NotImplementedError

    def setupPanel(self):
        """Connect the widgets that are the module's own."""

    def missingInput(self, parameters):
        """Return what is still to be chosen before Apply, empty when all is there."""
        raise NotImplementedError

    def inputs(self, parameters):
        """Return what tells one run from another, such as (volume, model): nodes and plain values."""
        raise NotImplementedError

    def startRun(self, parameters):
        """Start a run and return it, a SceneRun."""
        raise NotImplementedError

    def showParameters(self, parameters):
        """Show the parameters that `connectGui` does not, and the results they name; `parameters` may be None."""

    def showNodes(self, nodes, parameters):
        """Put the new nodes of a run on show and into the parameters."""

    # What Slicer calls.

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath(f"UI/{self.moduleName}.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = self.makeLogic()
        self._rows = RunRows(self.ui.runsWidget)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.ui.applyButton.connect("clicked(bool)", self.onApply)
        self.setupPanel()
        self._connectParameters()

    def cleanup(self):
        self._runs = []
        self._rows.clear()
        self._disconnectParameters()
        self.removeObservers()

    def enter(self):
        self._connectParameters()

    def exit(self):
        self._disconnectParameters()

    def onSceneStartClose(self, caller, event):
        from AIImagingLogic.scene.segment_memory import release_results

        self._disconnectParameters()
        release_results(slicer.mrmlScene)

    def onSceneEndClose(self, caller, event):
        if self.parent.isEntered:
            self._connectParameters()

    def onApply(self):
        running = self._runOfInputs()
        if running is not None:
            running.cancel()
            self.ui.statusLabel.text = _("Cancelling…")
            return
        try:
            run = self.startRun(self._parameterNode)
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self.ui.statusLabel.text = show_error(error, self._title())
            return
        self._runs.append((run, self.inputs(self._parameterNode)))
        self._rows.add(run)
        self.ui.statusLabel.text = ""
        run.on_finish(self._onFinished)
        self._showWhetherApplies()

    # Runs.

    def _onFinished(self, run):
        started_with = next((inputs for other, inputs in self._runs if other is run), None)
        if started_with is None:
            return
        self._runs = [entry for entry in self._runs if entry[0] is not run]
        self.ui.statusLabel.text = run.outcome if run.error is None else show_error(run.error, self._title())
        if run.nodes is not None:
            # Also while another module is open: the user finds the result when he comes back.
            parameters = self._parameterNode or self.logic.getParameterNode()
            if self.inputs(parameters) == started_with:
                self.showNodes(run.nodes, parameters)
        self._showWhetherApplies()

    def _runOfInputs(self):
        """Return the run under way that was started with what is chosen now, else None."""
        if self._parameterNode is None:
            return None
        chosen = self.inputs(self._parameterNode)
        return next((run for run, inputs in self._runs if inputs == chosen and not run.finished), None)

    # Parameters.

    def _connectParameters(self):
        self._disconnectParameters()
        self._parameterNode = self.logic.getParameterNode()
        self._connecting = True
        try:
            self._guiTag = self._parameterNode.connectGui(self.ui)
            self.showParameters(self._parameterNode)
        finally:
            self._connecting = False
        self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._showWhetherApplies)
        self._showWhetherApplies()

    def _disconnectParameters(self):
        if self._parameterNode is None:
            return
        self._parameterNode.disconnectGui(self._guiTag)
        self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._showWhetherApplies)
        self._parameterNode, self._guiTag = None, None

    def _showWhetherApplies(self, caller=None, event=None):
        button = self.ui.applyButton
        running = self._runOfInputs()
        missing = "" if self._parameterNode is None else self.missingInput(self._parameterNode)
        button.text = _("Apply") if running is None else _("Cancel")
        button.enabled = self._parameterNode is not None and (running is not None or not missing)
        button.toolTip = missing or (
            _("Start") if running is None else _("Stop this run; nothing is added to the scene")
        )

    def _title(self):
        return slicer.util.getModule(self.moduleName).title
