"""The part of the panel for cohorts: reads the saved results of many patients, shows waterfall and spider plot."""

import slicer
from AIImagingLib.error_display import show_error
from slicer.i18n import tr as _

_WATERFALL, _SPIDER = "AIImaging.Waterfall", "AIImaging.Spider"
_RULES = (
    ("recist-1.1", "RECIST 1.1"),
    ("irecist", "iRECIST"),
    ("percist-1.0", "PERCIST 1.0"),
    ("lugano-ct", _("Lugano, CT")),
)


class CohortSection:
    """Connects the widgets of the section.

    Parameters
    ----------
    ui : widgets by name
    logic : AIFollowUpLogic
    title : callable
        The module's title, for messages.
    onStarted : callable
        Told a run that was started.
    onRead : callable
        Told the table of a cohort that came into the scene.
    """

    def __init__(self, ui, logic, title, onStarted, onRead):
        self._ui = ui
        self._logic = logic
        self._title = title
        self._onStarted = onStarted
        self._onRead = onRead
        self._table = None
        for _rules, text in _RULES:
            ui.cohortRulesComboBox.addItem(text)
        ui.cohortReadButton.connect("clicked(bool)", self.onRead)
        ui.waterfallButton.connect("clicked(bool)", lambda checked: self._showChart(_WATERFALL))
        ui.spiderButton.connect("clicked(bool)", lambda checked: self._showChart(_SPIDER))
        self.show(None)

    def show(self, table):
        """Offer the plots of a cohort's table, None for none."""
        self._table = table
        for button, role in ((self._ui.waterfallButton, _WATERFALL), (self._ui.spiderButton, _SPIDER)):
            button.enabled = table is not None and table.GetNodeReference(role) is not None

    def onRead(self):
        """Read the folder in the other process."""
        try:
            rules = _RULES[self._ui.cohortRulesComboBox.currentIndex][0]
            folder = self._ui.cohortFolderPathLineEdit.currentPath
            run = self._logic.readCohort(folder, rules, self._ui.anonymousCheckBox.checked, wait=False)
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self._ui.cohortLabel.text = show_error(error, self._title())
            return
        self._ui.cohortLabel.text = ""
        self._onStarted(run)
        run.on_finish(self._onFinished)

    def _onFinished(self, run):
        if run.nodes is None:
            self._ui.cohortLabel.text = show_error(run.error, self._title())
            return
        nodes = run.nodes
        for chart, role in ((nodes.waterfall, _WATERFALL), (nodes.spider, _SPIDER)):
            if chart is not None:
                nodes.table.SetNodeReferenceID(role, chart.GetID())
        count = nodes.table.GetNumberOfRows()
        read = _("1 patient read.") if count == 1 else _("{count} patients read.").format(count=count)
        self._ui.cohortLabel.text = " ".join([read, *nodes.notes])
        self._onRead(nodes.table)
        self.show(nodes.table)
        self._showChart(_WATERFALL if nodes.waterfall is not None else _SPIDER)

    def _showChart(self, role):
        chart = self._table.GetNodeReference(role)
        if chart is not None:
            slicer.modules.plots.logic().ShowChartInLayout(chart)
