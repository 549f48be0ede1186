"""The panel: choose two volumes, run, go through the lesions with both visits in view, read what guidelines say."""

from pathlib import Path

import slicer
from AIImagingLib.error_display import show_error
from AIImagingLib.task_panel import TaskPanel
from slicer.i18n import tr as _

from AIFollowUpLib.dates import date_from_text, text_from_date
from AIFollowUpLib.lesion_table import LesionTable
from AIFollowUpLib.logic import AIFollowUpLogic
from AIFollowUpLib.report_packages import ensure_report_packages
from AIFollowUpLib.result_words import guidelineWords, lesionWords, noteWords
from AIFollowUpLib.stored_result import read_result
from AIFollowUpLib.visit_comparison import VisitComparison


class AIFollowUpWidget(TaskPanel):
    """The panel of the module; what it shares with the other task panels is in `TaskPanel`."""

    def makeLogic(self):
        return AIFollowUpLogic()

    def setupPanel(self):
        self._result = None
        self._comparison = None
        self._swapping = False
        self._lesionTable = LesionTable(self.ui.lesionTable, self.onLesion)
        self.ui.baselineSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onBaselineChanged)
        self.ui.followUpSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onFollowUpChanged)
        self.ui.swapButton.connect("clicked(bool)", self.onSwap)
        self.ui.previousButton.connect("clicked(bool)", self.onPrevious)
        self.ui.nextButton.connect("clicked(bool)", self.onNext)
        self.ui.compareButton.connect("clicked(bool)", self.onCompare)
        self.ui.chartButton.connect("clicked(bool)", self.onChart)

    def missingInput(self, parameters):
        if parameters.baselineVolume and parameters.followUpVolume:
            return ""
        return _("Choose a baseline and a follow-up volume")

    def inputs(self, parameters):
        return parameters.baselineVolume, parameters.followUpVolume

    def startRun(self, parameters):
        dates = date_from_text(parameters.baselineDate), date_from_text(parameters.followUpDate)
        chosen = self.ui.outputFolderPathLineEdit.currentPath
        if chosen:
            ensure_report_packages(self.resourcePath("AIFollowUpRequirements.txt"))
        folder = Path(chosen) if chosen else None
        return self.logic.process(parameters.baselineVolume, parameters.followUpVolume, *dates, folder, wait=False)

    def showParameters(self, parameters):
        self._showResult(parameters.changeTable)

    def showNodes(self, nodes, parameters):
        parameters.changeTable = nodes.change_table
        self._showResult(nodes.change_table)
        # What the run itself has to say, such as that its files could not be written, is not left to be found below.
        said = self.ui.statusLabel.text
        self.ui.statusLabel.text = " ".join([said, *(note for note in self._result.notes if note not in said)])

    def cleanup(self):
        self._forgetComparison()
        TaskPanel.cleanup(self)

    def onSceneStartClose(self, caller, event):
        self._forgetComparison()
        TaskPanel.onSceneStartClose(self, caller, event)
        self._showResult(None)

    # Inputs.

    def onBaselineChanged(self, node):
        if self._isChoosing():
            # The volume first: any parameter that is set shows all parameters, which would undo the choice.
            self._parameterNode.baselineVolume = node
            self._parameterNode.baselineDate = _knownDate(node)

    def onFollowUpChanged(self, node):
        if self._isChoosing():
            self._parameterNode.followUpVolume = node
            self._parameterNode.followUpDate = _knownDate(node)

    def _isChoosing(self):
        """Whether a volume was chosen now; when parameters are put on show, the dates that go with them are too."""
        return self._parameterNode is not None and not self._connecting and not self._swapping

    def onSwap(self):
        """Exchange the two visits, with the dates as they were typed."""
        parameters = self._parameterNode
        volumes = parameters.followUpVolume, parameters.baselineVolume
        dates = parameters.followUpDate, parameters.baselineDate
        self._swapping = True
        try:
            parameters.baselineVolume, parameters.followUpVolume = volumes
            parameters.baselineDate, parameters.followUpDate = dates
        finally:
            self._swapping = False

    # Result.

    def onLesion(self, number):
        """Show a lesion in words and in both visits; opens the compare view when it is not open."""
        lesion = next(lesion for lesion in self._result.lesions if lesion.number == number)
        self.ui.lesionLabel.text = lesionWords(lesion)
        try:
            if self._comparison is None:
                self._openComparison()
            self._comparison.jumpTo(number)
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self.ui.statusLabel.text = show_error(error, self._title())

    def onPrevious(self):
        self._lesionTable.step(-1)

    def onNext(self):
        self._lesionTable.step(1)

    def onCompare(self):
        if self._comparison is not None:
            self._comparison.leave()
            self._onComparisonLeft()
            return
        try:
            self._openComparison()
            if self._lesionTable.current is not None:
                self._comparison.jumpTo(self._lesionTable.current)
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self.ui.compareButton.checked = False
            self.ui.statusLabel.text = show_error(error, self._title())

    def onChart(self):
        """Show the growth chart in a layout that has room for one."""
        slicer.modules.plots.logic().ShowChartInLayout(self._result.chart)

    def _openComparison(self):
        self._comparison = VisitComparison(self._result, self._onComparisonLeft)
        self.ui.compareButton.checked = True

    def _onComparisonLeft(self):
        self._comparison = None
        self.ui.compareButton.checked = False

    def _forgetComparison(self):
        if self._comparison is not None:
            self._comparison.forget()
            self._onComparisonLeft()

    def _showResult(self, table):
        """Show what a change table carries; nothing when it is None."""
        result = read_result(table)
        unchanged = result is not None and self._result is not None and result.table is self._result.table
        if self._comparison is not None and not unchanged:
            self._comparison.leave()
            self._onComparisonLeft()
        self._result = result
        lesions = result.lesions if result else ()
        self.ui.resultLabel.text = result.headline if result else _("No result yet")
        self.ui.guidelineLabel.text = guidelineWords(result) if result else ""
        self.ui.notesLabel.text = noteWords(result) if result else ""
        self.ui.lesionLabel.text = _("Choose a lesion to see it at both visits.") if lesions else ""
        self._lesionTable.show(lesions, result.graded[0] if result and result.graded else "")
        self.ui.previousButton.enabled = bool(lesions)
        self.ui.nextButton.enabled = bool(lesions)
        self.ui.compareButton.enabled = result is not None
        self.ui.chartButton.enabled = result is not None and result.chart is not None


def _knownDate(node):
    if node is None:
        return ""
    from AIImagingLogic.scene.volume_info import acquisition_time

    return text_from_date(acquisition_time(node))
