"""The test that runs inside Slicer: the same scenarios as without it, on the real application."""

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from AIFollowUpLib.logic import AIFollowUpLogic


class AIFollowUpTest(ScriptedLoadableModuleTest):
    """Runs in Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_same_volume_twice_is_refused_and_the_scene_stays_as_it_was()
        self.setUp()
        self.test_nodule_that_grew_in_the_phantom_is_followed_and_shown_at_both_visits()

    def test_same_volume_twice_is_refused_and_the_scene_stays_as_it_was(self):
        import numpy as np

        from AIImagingLogic.records.errors import WrongImageError

        voxels = np.full((20, 20, 20), -800, dtype=np.int16)
        volume = slicer.util.addVolumeFromArray(voxels, name="Chest")
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaises(WrongImageError):
            AIFollowUpLogic().process(volume, volume)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)

    def test_nodule_that_grew_in_the_phantom_is_followed_and_shown_at_both_visits(self):
        from AIImagingLib.chest_phantom import make_chest_phantom

        from AIFollowUpLib.stored_result import read_result

        nodes = AIFollowUpLogic().process(*make_chest_phantom().wait())
        growing = [lesion for lesion in read_result(nodes.change_table).lesions if lesion.words["growth"] == "growing"]
        self.assertTrue(growing)
        slicer.util.selectModule("AIFollowUp")
        panel = slicer.modules.AIFollowUpWidget
        panel._parameterNode.changeTable = nodes.change_table
        panel._showResult(nodes.change_table)
        panel.onLesion(growing[0].number)
        self.assertTrue(panel.ui.compareButton.checked)
        layout = slicer.app.layoutManager()
        for name in ("BaselineAxial", "FollowUpAxial"):
            self.assertIsNotNone(layout.sliceWidget(name))
