"""The module 'AI Follow-up': two chest CT volumes in, lesions with their change out."""

import importlib.util
import sys
from pathlib import Path

if importlib.util.find_spec("AIImagingLib") is None:
    # Added from the source tree: what the panels share lies in the folder above.
    sys.path.append(str(Path(__file__).resolve().parents[1]))

import slicer
from AIFollowUpLib.logic import AIFollowUpLogic
from AIFollowUpLib.widget import AIFollowUpWidget
from AIImagingLib.logic_package import make_logic_package_importable
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleTest

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
            "Follows lung nodules from one chest CT to a later one: finds and outlines them on both, links them "
            "through deformable registration, measures their change with its uncertainty, and answers with Lung-RADS "
            "and Fleischner, with the reason. Nothing that is in the scene is changed. "
            "Research use; not a medical device."
        )
        self.parent.acknowledgementText = _(
            "Lung-RADS is a work of the American College of Radiology; the Fleischner guideline of the Fleischner "
            "Society. Neither endorses this software."
        )
        make_logic_package_importable()


class AIFollowUpTest(ScriptedLoadableModuleTest):
    """Runs in Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_same_volume_twice_is_refused_and_the_scene_stays_as_it_was()

    def test_same_volume_twice_is_refused_and_the_scene_stays_as_it_was(self):
        import numpy as np

        from AIImagingLogic.records.errors import WrongImageError

        voxels = np.full((20, 20, 20), -800, dtype=np.int16)
        volume = slicer.util.addVolumeFromArray(voxels, name="Chest")
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaises(WrongImageError):
            AIFollowUpLogic().process(volume, volume)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)
