"""The panel: choose the visits, run, go through the lesions with both visits in view, read what guidelines say."""

from pathlib import Path

from AIImagingLib.error_display import show_error
from AIImagingLib.task_panel import TaskPanel
from slicer.i18n import tr as _

from AIFollowUpLib.cohort_section import CohortSection
from AIFollowUpLib.dates import date_from_text
from AIFollowUpLib.lesion_choice import LesionChoice
from AIFollowUpLib.lesion_table import FILTERS, LesionTable
from AIFollowUpLib.logic import AIFollowUpLogic
from AIFollowUpLib.report_packages import ensure_report_packages
from AIFollowUpLib.result_editor import ResultEditor
from AIFollowUpLib.result_words import guidelineWords, lesionWords, noteWords
from AIFollowUpLib.stored_result import read_result
from AIFollowUpLib.visit_comparison import MODES, VisitComparison
from AIFollowUpLib.visits_list import FEWEST_VISITS, VisitsList, loaded_visits


class AIFollowUpWidget(TaskPanel):
    """The panel of the module; what it shares with the other task panels is in `TaskPanel`."""

    def makeLogic(self):
        return AIFollowUpLogic()

    def setupPanel(self):
        self._result = None
        self._comparison = None
        self._visits = VisitsList(self.ui.visitsWidget, self.ui.orderLabel, self.onVisits)
        self._lesionTable = LesionTable(self.ui.lesionTable, self.onLesion)
        self._editor = ResultEditor(self.ui, self._lesionTable, self._title, self.onResultChanged)
        for text, _shows in FILTERS:
            self.ui.filterComboBox.addItem(text)
        self.ui.filterComboBox.connect("activated(int)", self._lesionTable.filterBy)
        for text in (_("found here: lung nodules on chest CT"), _("given for each visit; any modality")):
            self.ui.lesionsComboBox.addItem(text)
        self.ui.lesionsComboBox.connect("activated(int)", self.onLesionsGiven)
        self.ui.addVisitButton.connect("clicked(bool)", self.onAddVisit)
        self.ui.addAllButton.connect("clicked(bool)", self.onAddAll)
        self.ui.previousButton.connect("clicked(bool)", self.onPrevious)
        self.ui.nextButton.connect("clicked(bool)", self.onNext)
        self.ui.compareButton.connect("clicked(bool)", self.onCompare)
        self.ui.signOffButton.connect("clicked(bool)", self.onSignOff)
        self._cohort = CohortSection(self.ui, self.logic, self._title, self._rows.add, self.onCohortRead)
        self.ui.linkCheckBox.connect("toggled(bool)", self.onLink)
        for mode in MODES:
            self.ui.overlayComboBox.addItem(mode[1])
        self.ui.overlayComboBox.connect("activated(int)", self.onOverlay)

    def missingInput(self, parameters):
        if len(_chosen(parameters)) < FEWEST_VISITS:
            return _("Choose a baseline and a follow-up volume")
        if parameters.lesionsGiven and not all(choice.complete for choice in self._lesions(parameters)):
            return _("Choose the lesions of each visit, or 'none seen'")
        return ""

    def inputs(self, parameters):
        volumes = tuple(node for node, _date in _chosen(parameters))
        if not parameters.lesionsGiven:
            return volumes
        return (*volumes, *self._lesions(parameters), parameters.lungNodules, parameters.wholeSegments)

    def _lesions(self, parameters):
        """Return the LesionChoice of each chosen volume."""
        choices = self._visits.lesions
        return [choice for node, choice in zip(parameters.visits, choices) if node is not None]

    def startRun(self, parameters):
        chosen = _chosen(parameters)
        dates = [date_from_text(date) for _node, date in chosen]
        path = self.ui.outputFolderPathLineEdit.currentPath
        if path:
            ensure_report_packages(self.resourcePath("AIFollowUpRequirements.txt"))
        folder = Path(path) if path else None
        return self.logic.process(
            *(node for node, _date in chosen),
            dates=dates,
            outputFolder=folder,
            lesions=self._lesions(parameters) if parameters.lesionsGiven else None,
            lungNodules=parameters.lungNodules,
            wholeSegments=parameters.wholeSegments,
            wait=False,
        )

    def showParameters(self, parameters):
        self._visits.show(list(zip(parameters.visits, parameters.visitDates)))
        self._showLesionsGiven(parameters)
        self._showResult(parameters.changeTable)
        self._cohort.show(parameters.cohortTable)

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
        self._visits.forgetLesions()
        self._cohort.show(None)
        self._showResult(None)

    # Inputs.

    def onVisits(self):
        """Keep what was chosen; when parameters are put on show, they are kept already."""
        if self._parameterNode is not None and not self._connecting:
            visits = self._visits.visits
            self._parameterNode.visits = [node for node, _date in visits]
            self._parameterNode.visitDates = [date for _node, date in visits]
            if self._parameterNode.lesionsGiven:
                choices = self._visits.lesions
                self._parameterNode.lesionSources = [choice.source for choice in choices]
                self._parameterNode.lesionNodes = [list(choice.nodes) for choice in choices]
                # A report's path is not among the parameters.
                self._showWhetherApplies()

    def onLesionsGiven(self, index):
        """Lesions are found here, or given for each visit: then what was drawn on the volumes is proposed."""
        if self._parameterNode is not None:
            self._parameterNode.lesionsGiven = bool(index)
            self._showLesionsGiven(self._parameterNode)
            self.onVisits()

    def _showLesionsGiven(self, parameters):
        given = parameters.lesionsGiven
        kept = zip(parameters.visits, parameters.lesionSources, parameters.lesionNodes)
        reports = {node: choice.report for (node, _date), choice in zip(self._visits.visits, self._visits.lesions)}
        choices = [
            (volume, LesionChoice(source, tuple(node for node in nodes if node is not None), reports.get(volume, "")))
            for volume, source, nodes in kept
            if volume is not None
        ]
        self._visits.showLesions(given, choices)
        self.ui.lesionsComboBox.setCurrentIndex(int(given))
        self.ui.nodulesCheckBox.visible = given
        self.ui.segmentsCheckBox.visible = given

    def onAddVisit(self):
        self._visits.addRow()

    def onAddAll(self):
        """Add the volumes of the patient that are in the scene."""
        try:
            chosen = [node for node, _date in self._visits.visits if node is not None]
            self._visits.add(loaded_visits(chosen, self._parameterNode.lesionsGiven))
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self.ui.statusLabel.text = show_error(error, self._title())

    # Result.

    def onLesion(self, number):
        """Show a lesion in words and in both visits; opens the compare view when it is not open."""
        lesion = next(lesion for lesion in self._result.lesions if lesion.number == number)
        self.ui.lesionLabel.text = lesionWords(lesion, self._result.titles)
        try:
            if self._comparison is None:
                self._openComparison()
            self._comparison.jumpTo(number)
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self.ui.statusLabel.text = show_error(error, self._title())

    def onCohortRead(self, table):
        """Keep which cohort is on show."""
        (self._parameterNode or self.logic.getParameterNode()).cohortTable = table

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

    def onLink(self, on):
        if self._comparison is not None:
            self._comparison.link(on)

    def onSignOff(self):
        """Mark the change table as reviewed; with an output folder, write its report and tables there."""
        try:
            path = self.ui.outputFolderPathLineEdit.currentPath
            if path:
                ensure_report_packages(self.resourcePath("AIFollowUpRequirements.txt"))
            kept = self._editor.kept
            who, when = kept.sign_off(self.ui.reviewerLineEdit.text.strip())
            if path:
                run = self.logic.writeSignedOff(kept.table, kept.timeline, who, when, Path(path))
                self._rows.add(run)
                run.on_finish(self._onSignedOffWritten)
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self.ui.statusLabel.text = show_error(error, self._title())
        self._showResult(self._result.table)

    def _onSignedOffWritten(self, run):
        if self.ui is not None:
            said = run.nodes.notes[-1] if run.error is None else show_error(run.error, self._title())
            self.ui.statusLabel.text = said

    def onResultChanged(self):
        """Show what a correction or another choice of visits made of the result, at the lesion that was shown."""
        before, result = self._result, read_result(self._result.table)
        self._lesionTable.update(result.lesions)
        comparing = self._comparison is not None
        if comparing and result != before:
            self._comparison.leave()
            self._onComparisonLeft()
        self._showResult(result.table)
        current = self._lesionTable.current
        if comparing and current is not None:
            self.onLesion(current)

    def onOverlay(self, index):
        """Show the later visit in another way; opens the compare view when it is not open."""
        try:
            if self._comparison is None:
                self._openComparison()
                self.ui.overlayComboBox.setCurrentIndex(index)
                if self._lesionTable.current is not None:
                    self._comparison.jumpTo(self._lesionTable.current)
            self._comparison.overlay(MODES[index][0])
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self.ui.overlayComboBox.setCurrentIndex(0)
            self.ui.statusLabel.text = show_error(error, self._title())

    def _openComparison(self):
        self.ui.overlayComboBox.setCurrentIndex(0)
        self._comparison = VisitComparison(self._result, self._onComparisonLeft, self.ui.linkCheckBox.checked)
        self.ui.compareButton.checked = True
        self.ui.linkCheckBox.enabled = self._comparison.canLink

    def _onComparisonLeft(self):
        self._comparison = None
        self.ui.compareButton.checked = False
        self.ui.linkCheckBox.enabled = True
        self.ui.overlayComboBox.setCurrentIndex(0)

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
        self.ui.guidelineLabel.visible = bool(self.ui.guidelineLabel.text)
        self.ui.notesLabel.text = noteWords(result) if result else ""
        if unchanged:
            self._lesionTable.update(lesions)
        else:
            self._lesionTable.show(lesions, result.graded[0] if result and result.graded else "")
        self._editor.show(result)
        current = next((lesion for lesion in lesions if lesion.number == self._lesionTable.current), None)
        hint = _("Choose a lesion to see it at both visits.") if lesions else ""
        self.ui.lesionLabel.text = hint if current is None else lesionWords(current, result.titles)
        self.ui.filterComboBox.enabled = result is not None
        self.ui.previousButton.enabled = bool(lesions)
        self.ui.nextButton.enabled = bool(lesions)
        self.ui.compareButton.enabled = result is not None
        self.ui.overlayComboBox.enabled = result is not None


def _chosen(parameters):
    """Return (volume, date as typed) of the rows with a volume."""
    return [entry for entry in zip(parameters.visits, parameters.visitDates) if entry[0] is not None]
