"""The panel: choose a chest CT, run, go through the findings, accept, reject or correct each."""

import qt
import slicer
from AIImagingLib.error_display import show_error
from AIImagingLib.model_picker import ModelPicker
from AIImagingLib.task_panel import TaskPanel
from slicer.i18n import tr as _

from AIDetectionLib.correction import open_in_segment_editor
from AIDetectionLib.logic import AIDetectionLogic
from AIDetectionLib.merge_split import parts_list
from AIDetectionLib.reading import ReadingSection
from AIDetectionLib.review import FindingsReview


class AIDetectionWidget(TaskPanel):
    """The panel of the module; what it shares with the other task panels is in `TaskPanel`."""

    def __init__(self, parent=None):
        TaskPanel.__init__(self, parent)
        self._review = None
        self._reading = None
        self._shortcuts = []

    def makeLogic(self):
        return AIDetectionLogic()

    def setupPanel(self):
        self._modelPicker = ModelPicker(self.ui.modelComboBox, self.ui.modelCardLabel, "detect", self.onModelChosen)
        self._review = FindingsReview(self.ui, self.logic, self, self._showCorrection)
        self.ui.findingsSelector.addAttribute("vtkMRMLMarkupsFiducialNode", "AIImaging.Kind", "findings")
        self.ui.findingsSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onFindingsChosen)
        self.ui.shownComboBox.connect("activated(int)", self.onShownChosen)
        for button, action in (
            (self.ui.previousButton, self.onPrevious),
            (self.ui.nextButton, self.onNext),
            (self.ui.acceptButton, self.onAccept),
            (self.ui.rejectButton, self.onReject),
            (self.ui.editButton, self.onEdit),
            (self.ui.measureButton, self.onMeasureAgain),
            (self.ui.mergeButton, self.onMerge),
            (self.ui.splitButton, self.onSplit),
            (self.ui.markPartsButton, self.onMarkParts),
            (self.ui.acceptShownButton, self.onAcceptShown),
            (self.ui.exportButton, self.onExport),
        ):
            button.connect("clicked(bool)", action)
        for key, action in (("P", self.onPrevious), ("N", self.onNext), ("A", self.onAccept), ("R", self.onReject)):
            self._addShortcut(key, action)
        self._reading = ReadingSection(self.ui, self.logic, lambda: bool(self._runs), self._showWhetherReading)

    def enter(self):
        # Models come and go in AI Models.
        self._modelPicker.refresh()
        TaskPanel.enter(self)

    def missingInput(self, parameters):
        return self._modelPicker.problem if parameters.inputVolume else _("Choose a volume")

    def inputs(self, parameters):
        return (parameters.inputVolume, parameters.modelId)

    def startRun(self, parameters):
        return self.logic.process(parameters.inputVolume, parameters.modelId, wait=False)

    def showParameters(self, parameters):
        self._modelPicker.choose(parameters.modelId)
        self._review.show(parameters.findings if parameters else None)
        self._review.filterBy(parameters.shown if parameters else "")

    def showNodes(self, nodes, parameters):
        parameters.findings = nodes.points

    def cleanup(self):
        self._reading.close()
        self._review.show(None)
        TaskPanel.cleanup(self)

    def onSceneStartClose(self, caller, event):
        self._reading.sceneCloses()
        TaskPanel.onSceneStartClose(self, caller, event)

    def onModelChosen(self, modelId):
        if self._parameterNode is not None and not self._connecting:
            self._parameterNode.modelId = modelId

    def onFindingsChosen(self, node):
        if not self._connecting:
            self._review.show(node)

    def onShownChosen(self, index):
        state = self._review.filterAt(index)
        self._review.filterBy(state)
        if self._parameterNode is not None:
            self._parameterNode.shown = state

    def onPrevious(self):
        self._review.step(-1)

    def onNext(self):
        self._review.step(1)

    def onAccept(self):
        self._review.say("accepted")

    def onReject(self):
        self._review.say("rejected")

    def onAcceptShown(self):
        uids = self._review.toReviewOnShow
        question = _("Accept the {count} findings on the list that are still to review?").format(count=len(uids))
        if slicer.util.confirmOkCancelDisplay(question, windowTitle=self._title()):
            self._review.acceptAll(uids)

    def onEdit(self):
        """Open the outline of the selected finding in the Segment Editor, where a person corrects it."""
        self._try(lambda: open_in_segment_editor(self._review.view, self._review.selected))

    def onMeasureAgain(self):
        """Measure the corrected outline of the selected finding by another process."""
        points, uid = self._review.view.points, self._review.selected
        before = self._review.figures(uid)

        def measure():
            run = self.logic.measureAgain(points, uid, wait=False)
            self._rows.add(run)
            run.on_finish(lambda finished: self._onMeasured(finished, uid, before))

        self._try(measure)

    def onMerge(self):
        """Let the selected findings be one, by another process."""
        points, uids = self._review.view.points, self._review.chosen
        self._startEdit(lambda: self.logic.mergeFindings(points, uids, wait=False))

    def onSplit(self):
        """Let the selected finding be several, by another process."""
        from AIImagingLogic.scene.placing import stop_placing

        points, uid = self._review.view.points, self._review.selected
        stop_placing(slicer.mrmlScene)
        self._startEdit(lambda: self.logic.splitFinding(points, uid, wait=False))

    def onMarkParts(self):
        """Let each click in a view mark a part of the selected finding, for Split."""
        from AIImagingLogic.scene.placing import start_placing

        start_placing(parts_list(self._review.view), persistent=True)
        self.ui.statusLabel.text = _("Click once in each part, then press Split.")

    def onExport(self):
        path = qt.QFileDialog.getSaveFileName(
            slicer.util.mainWindow(), _("Export findings"), "findings.csv", _("Comma-separated values (*.csv)")
        )
        if path:
            self._try(lambda: self.logic.exportFindings(self._review.view.points, path))

    def _startEdit(self, start):
        def edit():
            run = start()
            self._rows.add(run)
            run.on_finish(self._onEdited)

        self._try(edit)

    def _onEdited(self, run):
        if self._parameterNode is None:
            return
        self.ui.statusLabel.text = " ".join(run.notes) if run.error is None else show_error(run.error, self._title())

    def _onMeasured(self, run, uid, before):
        if self._parameterNode is None:
            return
        if run.error is not None:
            self.ui.statusLabel.text = show_error(run.error, self._title())
            return
        after = self._review.figures(uid) if self._review.view is not None else ""
        text = _("Measured again: {before}, now {after}.").format(before=before, after=after)
        self.ui.statusLabel.text = " ".join((text, *run.notes))

    def _showCorrection(self):
        """Say whether there is an outline to correct. Called before the review is there, too."""
        view = None if self._review is None else self._review.view
        can = view is not None and view.lesions is not None and self._review.selected is not None
        several = len(self._review.chosen) if can else 0
        for button in (self.ui.editButton, self.ui.measureButton, self.ui.splitButton, self.ui.markPartsButton):
            button.enabled = can and several < 2
        self.ui.mergeButton.enabled = several > 1

    def _showWhetherReading(self, reading):
        """While a case of a study is open, nothing of the panel can show what the AI finds."""
        for widget in (self.ui.inputsCollapsibleButton, self.ui.applyButton, self.ui.findingsCollapsibleButton):
            widget.visible = not reading

    def _addShortcut(self, key, action):
        # Only while the list or a button beside it has the keyboard: a letter typed elsewhere accepts nothing.
        shortcut = qt.QShortcut(qt.QKeySequence(key), self.ui.findingsCollapsibleButton)
        shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
        shortcut.connect("activated()", action)
        self._shortcuts.append(shortcut)

    def _try(self, action):
        """Do what the user asked for; what is wrong is shown in one line."""
        from AIImagingLogic.records.errors import AIImagingError

        try:
            action()
        except AIImagingError as error:
            self.ui.statusLabel.text = show_error(error, self._title())
