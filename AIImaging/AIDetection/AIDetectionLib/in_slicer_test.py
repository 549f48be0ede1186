"""The test that runs inside Slicer: the same scenarios as without it, on the real application."""

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from AIDetectionLib.logic import AIDetectionLogic


class AIDetectionTest(ScriptedLoadableModuleTest):
    """Runs in Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_ball_in_a_lung_is_found_where_it_is_and_its_review_is_kept()
        self.setUp()
        self.test_no_volume_is_refused_and_the_scene_stays_as_it_was()

    def test_ball_in_a_lung_is_found_where_it_is_and_its_review_is_kept(self):
        import numpy as np

        volume = _chest_with_a_ball()
        logic = AIDetectionLogic()
        nodes = logic.process(volume)
        self.assertEqual(nodes.points.GetNumberOfControlPoints(), 1)
        found = np.zeros(3)
        nodes.points.GetNthControlPointPositionWorld(0, found)
        # A third of the diameter, as the detector is judged.
        self.assertLess(np.linalg.norm(found - np.array(_BALL_RAS_MM)), 4.0)
        view = logic.findingView(nodes)
        view.set_review(view.uids[0], "accepted")
        self.assertEqual(logic.findingView(nodes.points).review(view.uids[0]), "accepted")

    def test_no_volume_is_refused_and_the_scene_stays_as_it_was(self):
        from AIImagingLogic.records.errors import SceneError

        nodes = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaises(SceneError):
            AIDetectionLogic().process(None)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)


_SPACING_MM = 2.0
_BALL_RAS_MM = (90.0, 110.0, 110.0)


def _chest_with_a_ball():
    """Return a volume with two lungs of air in a body, and a ball of 12 mm in one."""
    import numpy as np

    i, j, k = np.meshgrid(*(np.arange(size) * _SPACING_MM for size in (160, 110, 110)), indexing="ij")
    voxels = np.full(i.shape, -1000.0)
    voxels[((i - 160) / 150) ** 2 + ((j - 110) / 100) ** 2 < 1] = 40
    for middle in (90, 230):
        voxels[((i - middle) / 50) ** 2 + ((j - 110) / 70) ** 2 + ((k - 110) / 95) ** 2 < 1] = -860
    apart = np.sqrt(sum((axis - place) ** 2 for axis, place in zip((i, j, k), _BALL_RAS_MM)))
    voxels += (apart < 6) * 880.0
    voxels += np.random.default_rng(5).normal(0, 20, voxels.shape)
    volume = slicer.util.addVolumeFromArray(voxels.transpose(2, 1, 0).astype(np.int16), name="Chest with a ball")
    volume.SetSpacing(_SPACING_MM, _SPACING_MM, _SPACING_MM)
    return volume
