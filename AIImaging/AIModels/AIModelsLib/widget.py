"""The panel: three tabs, each with a section of its own."""

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from AIModelsLib.environment_section import EnvironmentSection
from AIModelsLib.logic import AIModelsLogic
from AIModelsLib.models_section import ModelsSection
from AIModelsLib.recovered_section import RecoveredSection
from AIModelsLib.store_section import StoreSection


class AIModelsWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel of the module. It has no parameters: nothing here belongs to a scene."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.ui = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/AIModels.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = AIModelsLogic()
        title = _("AI Models")
        self.store = StoreSection(self.ui, self.logic.store, lambda: self.models, title)
        self.models = ModelsSection(self.ui, self.store.showChosen)
        self.environment = EnvironmentSection(self.ui, self.logic, title)
        self.recovered = RecoveredSection(self.ui, self.logic, title, self._showCount)
        # A run whose scene was closed is kept a little later, or at once: the list is read again on entering too.
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.recovered.refresh)

    def cleanup(self):
        self.store.close()
        self.environment.close()
        self.removeObservers()

    def enter(self):
        # Here and not in setup: models come and go by the command line, too.
        self.store.refresh()
        self.recovered.refresh()

    def _showCount(self, count):
        text = _("Recovered results ({count})").format(count=count) if count else _("Recovered results")
        self.ui.tabs.setTabText(2, text)
