"""The module 'AI Classification': an image in, probabilities of classes and a heat map out."""

import importlib.util
import sys
from pathlib import Path

if importlib.util.find_spec("AIImagingLib") is None:
    # Added from the source tree: what the panels share lies in the folder above.
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from AIClassificationLib.in_slicer_test import AIClassificationTest
from AIClassificationLib.logic import AIClassificationLogic
from AIClassificationLib.widget import AIClassificationWidget
from AIImagingLib.logic_package import make_logic_package_importable
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule

__all__ = ["AIClassification", "AIClassificationLogic", "AIClassificationTest", "AIClassificationWidget"]


class AIClassification(ScriptedLoadableModule):
    """What Slicer shows of the module in its menus and help."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("AI Classification")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "AI Imaging")]
        self.parent.dependencies = []
        self.parent.contributors = ["AI Imaging contributors"]
        self.parent.helpText = _(
            "Tells which classes an image shows, with a model that you brought or fetched: a table of probabilities, a "
            "bar chart, and a heat map (Grad-CAM) of where in the image a class is seen. Works on volumes, slice "
            "stacks, radiographs and colour images. The run is done by another process: Slicer stays usable, and "
            "Cancel stops it at once. Nothing that is in the scene is changed. Research use; not a medical device."
        )
        self.parent.acknowledgementText = _("Built on PyTorch, MONAI, SimpleITK and 3D Slicer.")
        make_logic_package_importable()
