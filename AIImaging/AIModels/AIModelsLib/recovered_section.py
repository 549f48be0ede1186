"""The third tab: results that were kept as files; load one into the scene, or delete it."""

import qt
import slicer
from AIImagingLib.error_display import show_error
from slicer.i18n import tr as _


class RecoveredSection:
    """Lists the recovery folder.

    Parameters
    ----------
    ui : the widgets of the panel: recoveredTable, loadButton, deleteButton, recoveredLabel
    logic : AIModelsLogic
    title : str
        Of the module, for message boxes.
    onCount : callable
        Told how many there are.
    """

    def __init__(self, ui, logic, title, onCount):
        self._ui = ui
        self._logic = logic
        self._title = title
        self._onCount = onCount
        self._results = ()
        titles = [_("Result"), _("When"), _("Why it was kept")]
        ui.recoveredTable.setColumnCount(len(titles))
        ui.recoveredTable.setHorizontalHeaderLabels(titles)
        ui.recoveredTable.connect("itemSelectionChanged()", self._onChosen)
        ui.loadButton.connect("clicked(bool)", self.onLoad)
        ui.deleteButton.connect("clicked(bool)", self.onDelete)

    def refresh(self, caller=None, event=None):
        """Read the folder again."""
        from AIImagingLogic.jobs.recovery import recovered

        chosen = self._chosen()
        self._results = recovered()
        table = self._ui.recoveredTable
        table.setRowCount(len(self._results))
        for row, result in enumerate(self._results):
            when = result.when.strftime("%Y-%m-%d %H:%M") if result.when else ""
            for column, text in enumerate((result.title or result.path.name, when, _why(result))):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(text)
                table.setItem(row, column, item)
        if self._results:
            table.resizeColumnsToContents()
        table.clearSelection()
        rows = [row for row, result in enumerate(self._results) if chosen and result.path == chosen.path]
        if rows:
            table.selectRow(rows[0])
        self._ui.recoveredLabel.text = "" if self._results else _("There are none: every result reached its scene.")
        self._onCount(len(self._results))
        self._showWhatCanBegin()

    def onLoad(self):
        result = self._chosen()
        if result is None:
            return
        try:
            with slicer.util.WaitCursor():
                loaded = self._logic.loadRecovered(result.path)
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self._ui.recoveredLabel.text = show_error(error, self._title)
            return
        said = _("'{title}' was added to the scene. The file is still there.").format(title=result.title)
        self._ui.recoveredLabel.text = " ".join((said, *loaded.notes))

    def onDelete(self):
        from AIImagingLogic.jobs.recovery import discard

        result = self._chosen()
        if result is None:
            return
        question = _("Delete the kept result '{title}'? This cannot be undone.").format(title=result.title)
        if not slicer.util.confirmOkCancelDisplay(question, windowTitle=self._title):
            return
        try:
            discard(result.path)
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self._ui.recoveredLabel.text = show_error(error, self._title)
            return
        self.refresh()

    def _chosen(self):
        row = self._ui.recoveredTable.currentRow()
        if row < 0 or row >= len(self._results) or not self._ui.recoveredTable.selectedItems():
            return None
        return self._results[row]

    def _onChosen(self):
        chosen = self._chosen()
        if chosen is not None:
            # The column is too narrow for most reasons.
            self._ui.recoveredLabel.text = _why(chosen)
        self._showWhatCanBegin()

    def _showWhatCanBegin(self):
        chosen = self._chosen()
        self._ui.loadButton.enabled = chosen is not None and not chosen.problem
        self._ui.deleteButton.enabled = chosen is not None


def _why(result):
    """Return why a result was kept, or what is wrong with its file, as a sentence."""
    text = _("Damaged: {problem}").format(problem=result.problem) if result.problem else result.reason
    return text[:1].upper() + text[1:]
