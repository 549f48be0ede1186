"""The module 'AI Follow-up': images of 2 to 20 visits in, lesions with their change out."""

import importlib.util
import sys
from pathlib import Path

if importlib.util.find_spec("AIImagingLib") is None:
    # Added from the source tree: what the panels share lies in the folder above.
    sys.path.append(str(Path(__file__).resolve().parents[1]))

import slicer
from AIFollowUpLib.in_slicer_test import AIFollowUpTest
from AIFollowUpLib.logic import AIFollowUpLogic
from AIFollowUpLib.widget import AIFollowUpWidget
from AIImagingLib.logic_package import make_logic_package_importable
from AIImagingLib.sample_data import register_sample_data
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule

__all__ = ["AIFollowUp", "AIFollowUpLogic", "AIFollowUpTest", "AIFollowUpWidget"]


class AIFollowUp(ScriptedLoadableModule):
    """What Slicer shows of the module in its menus and help."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("AI Follow-up")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "AI Imaging")]
        self.parent.dependencies = []
        self.parent.contributors = ["AI Imaging contributors"]
        self.parent.helpText = _(
            "Follows lesions of a patient through 2 to 20 visits: lung nodules on chest CT, which it finds and "
            "outlines itself, or on any modality what was drawn in the scene or stands in a DICOM report. It links "
            "them through deformable registration, measures their change with its uncertainty, and answers for lung "
            "nodules with Lung-RADS and Fleischner, with the reason. The run is done by another process: Slicer stays "
            "usable, and Cancel stops it at once. Nothing that is in the scene is changed. Research use; "
            "not a medical device."
        )
        self.parent.acknowledgementText = _(
            "Lung-RADS is a work of the American College of Radiology; the Fleischner guideline of the Fleischner "
            "Society. Neither endorses this software."
        )
        make_logic_package_importable()
        slicer.app.connect("startupCompleted()", register_sample_data)
