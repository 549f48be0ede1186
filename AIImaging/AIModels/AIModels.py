"""The module 'AI Models': models and where they are, what this computer offers them, and results that were kept."""

import importlib.util
import sys
from pathlib import Path

if importlib.util.find_spec("AIImagingLib") is None:
    # Added from the source tree: what the panels share lies in the folder above.
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from AIImagingLib.logic_package import make_logic_package_importable
from AIModelsLib.in_slicer_test import AIModelsTest
from AIModelsLib.logic import AIModelsLogic
from AIModelsLib.widget import AIModelsWidget
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule

__all__ = ["AIModels", "AIModelsLogic", "AIModelsTest", "AIModelsWidget"]


class AIModels(ScriptedLoadableModule):
    """What Slicer shows of the module in its menus and help."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("AI Models")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "AI Imaging")]
        self.parent.dependencies = []
        self.parent.contributors = ["AI Imaging contributors"]
        self.parent.helpText = _(
            "Shows the models that come with AI Imaging and those that can be fetched, with what each is for, its "
            "limits, its licence and what it was tested on. Fetches, imports, checks, packs and deletes them. "
            "Checks whether this computer and its Python are fit for them and explains what is wrong. Lists results "
            "that were kept as files because they could not be added to the scene. "
            "Research use; not a medical device."
        )
        self.parent.acknowledgementText = _("Built on 3D Slicer.")
        make_logic_package_importable()
