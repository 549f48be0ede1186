"""The module 'AI Segmentation': a volume in, organs outlined and measured out."""

import importlib.util
import sys
from pathlib import Path

if importlib.util.find_spec("AIImagingLib") is None:
    # Added from the source tree: what the panels share lies in the folder above.
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from AIImagingLib.logic_package import make_logic_package_importable
from AISegmentationLib.in_slicer_test import AISegmentationTest
from AISegmentationLib.logic import AISegmentationLogic
from AISegmentationLib.widget import AISegmentationWidget
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule

__all__ = ["AISegmentation", "AISegmentationLogic", "AISegmentationTest", "AISegmentationWidget"]


class AISegmentation(ScriptedLoadableModule):
    """What Slicer shows of the module in its menus and help."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("AI Segmentation")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "AI Imaging")]
        self.parent.dependencies = []
        self.parent.contributors = ["AI Imaging contributors"]
        self.parent.helpText = _(
            "Outlines organs on a volume and measures each: a new segmentation, with terminology and the name of the "
            "algorithm on every segment, and a table of volumes and densities. The run is done by another process: "
            "Slicer stays usable, and Cancel stops it at once. Nothing that is in the scene is changed. "
            "Research use; not a medical device."
        )
        self.parent.acknowledgementText = _("Built on SimpleITK and 3D Slicer.")
        make_logic_package_importable()
