"""The panel: choose an image and a model, run, read the probabilities, see where a class was seen."""

import slicer
from AIImagingLib.error_display import show_error
from AIImagingLib.measurements_table import MeasurementsTable
from AIImagingLib.task_panel import TaskPanel
from slicer.i18n import tr as _

from AIClassificationLib.classifier_picker import ClassifierPicker
from AIClassificationLib.logic import AIClassificationLogic


class AIClassificationWidget(TaskPanel):
    """The panel of the module; what it shares with the other task panels is in `TaskPanel`."""

    def makeLogic(self):
        return AIClassificationLogic()

    def setupPanel(self):
        self._picker = ClassifierPicker(
            self.ui.modelComboBox, self.ui.classComboBox, self.ui.modelCardLabel, self.onChosen
        )
        self._probabilities = MeasurementsTable(self.ui.probabilityTableView)
        self.ui.heatMapButton.connect("clicked(bool)", self.onHeatMap)
        self.ui.chartButton.connect("clicked(bool)", self.onChart)

    def missingInput(self, parameters):
        if not self._picker.modelId:
            return _("Get or import a classification model first")
        return "" if parameters.inputVolume else _("Choose a volume")

    def inputs(self, parameters):
        return parameters.inputVolume, self._picker.modelId, self._picker.explainedClass

    def startRun(self, parameters):
        volume, model, explained = self.inputs(parameters)
        return self.logic.process(volume, model, explained, wait=False)

    def showParameters(self, parameters):
        # A model may have come since the panel was last open.
        self._picker.refresh()
        self._picker.choose(parameters.modelId, parameters.explainedClass)
        self._showResult(parameters)

    def showNodes(self, nodes, parameters):
        parameters.probabilityTable = nodes.table
        parameters.probabilityChart = nodes.chart
        parameters.heatMap = nodes.heat_map
        self._showResult(parameters)

    def onChosen(self):
        if self._parameterNode is not None and not self._connecting:
            model, explained = self._picker.modelId, self._picker.explainedClass
            self._parameterNode.modelId = model
            self._parameterNode.explainedClass = explained
            self._showWhetherApplies()

    def onHeatMap(self):
        """Lay the heat map over its image in all slice views, or give the views back what they showed before."""
        from AIImagingLogic.scene.heat_map_display import hide_heat_map, is_shown, show_heat_map

        heat_map = self._parameterNode.heatMap
        try:
            if is_shown(heat_map):
                hide_heat_map(heat_map)
            else:
                show_heat_map(heat_map, self._parameterNode.inputVolume)
        # The last stop before the user: one line, and the log holds the rest.
        except Exception as error:  # noqa: BLE001
            self.ui.statusLabel.text = show_error(error, self._title())
        self._showResult(self._parameterNode)

    def onChart(self):
        """Show the bar chart in a layout that has room for one."""
        slicer.modules.plots.logic().ShowChartInLayout(self._parameterNode.probabilityChart)

    def _showResult(self, parameters):
        table, heat_map = parameters.probabilityTable, parameters.heatMap
        self._probabilities.show(table)
        self.ui.resultLabel.text = _resultWords(table) if table else _("No result yet")
        shown = False
        if heat_map:
            from AIImagingLogic.scene.heat_map_display import is_shown

            shown = is_shown(heat_map)
        self.ui.heatMapButton.enabled = bool(heat_map)
        self.ui.heatMapButton.text = _("Hide heat map") if shown else _("Show heat map")
        self.ui.chartButton.enabled = bool(parameters.probabilityChart)


def _resultWords(table):
    """Return the most probable class of a table of probabilities, and what is known of their calibration."""
    from AIImagingLogic.scene.probability_chart import most_probable

    name, percent, calibration = most_probable(table)
    return _("Most probable: {name}, {percent:.1f} %. Probabilities: {calibration}.").format(
        name=name, percent=percent, calibration=calibration
    )
