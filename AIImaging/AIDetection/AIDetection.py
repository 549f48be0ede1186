"""The module 'AI Detection': a chest CT in, lung nodules found, measured and reviewed."""

import importlib.util
import sys
from pathlib import Path

if importlib.util.find_spec("AIImagingLib") is None:
    # Added from the source tree: what the panels share lies in the folder above.
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from AIDetectionLib.in_slicer_test import AIDetectionTest
from AIDetectionLib.logic import AIDetectionLogic
from AIDetectionLib.widget import AIDetectionWidget
from AIImagingLib.logic_package import make_logic_package_importable
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule

__all__ = ["AIDetection", "AIDetectionLogic", "AIDetectionTest", "AIDetectionWidget"]


class AIDetection(ScriptedLoadableModule):
    """What Slicer shows of the module in its menus and help."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("AI Detection")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "AI Imaging")]
        self.parent.dependencies = []
        self.parent.contributors = ["AI Imaging contributors"]
        self.parent.helpText = _(
            "Finds lung nodules on a chest CT, outlines and measures each, and goes through them with you: accept, "
            "reject, correct. The run is done by another process: Slicer stays usable, and Cancel stops it at once. "
            "Nothing that is in the scene is changed. Research use; not a medical device."
        )
        self.parent.acknowledgementText = _("Built on SimpleITK and 3D Slicer.")
        make_logic_package_importable()
