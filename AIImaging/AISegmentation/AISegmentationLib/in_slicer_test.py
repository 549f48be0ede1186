"""The test that runs inside Slicer: the same scenarios as without it, on the real application."""

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from AISegmentationLib.logic import AISegmentationLogic


class AISegmentationTest(ScriptedLoadableModuleTest):
    """Runs in Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_body_of_a_box_in_air_is_the_box()
        self.setUp()
        self.test_no_volume_is_refused_and_the_scene_stays_as_it_was()

    def test_body_of_a_box_in_air_is_the_box(self):
        import numpy as np

        voxels = np.full((40, 60, 80), -1000, dtype=np.int16)
        voxels[5:35, 10:50, 15:65] = 40
        volume = slicer.util.addVolumeFromArray(voxels, name="Box")
        volume.SetSpacing(4.0, 4.0, 4.0)
        nodes = AISegmentationLogic().process(volume, "ct-body")
        labels = slicer.util.arrayFromSegmentBinaryLabelmap(
            nodes.segmentation, nodes.segmentation.GetSegmentation().GetNthSegmentID(0), volume
        )
        truth = voxels > 0
        dice = 2 * np.count_nonzero((labels > 0) & truth) / (np.count_nonzero(labels) + np.count_nonzero(truth))
        self.assertGreater(dice, 0.95)

    def test_no_volume_is_refused_and_the_scene_stays_as_it_was(self):
        from AIImagingLogic.records.errors import SceneError

        nodes = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaises(SceneError):
            AISegmentationLogic().process(None)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)
