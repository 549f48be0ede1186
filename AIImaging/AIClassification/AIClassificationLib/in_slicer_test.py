"""The test that runs inside Slicer: what needs no model, on the real application."""

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from AIClassificationLib.logic import AIClassificationLogic


class AIClassificationTest(ScriptedLoadableModuleTest):
    """Runs in Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_result_has_table_chart_and_heat_map_over_its_volume()
        self.setUp()
        self.test_no_volume_is_refused_and_the_scene_stays_as_it_was()

    def test_result_has_table_chart_and_heat_map_over_its_volume(self):
        import numpy as np

        from AIImagingLogic.records.classification import Classification
        from AIImagingLogic.records.coding import Code, CodedConcept
        from AIImagingLogic.scene.classification_results import add_classification_result
        from AIImagingLogic.scene.heat_map_display import hide_heat_map, is_shown, show_heat_map
        from AIImagingLogic.scene.volumes import image_from_volume_node

        volume = slicer.util.addVolumeFromArray(np.random.default_rng(0).random((4, 8, 9)), name="Image")
        code = Code("404684003", "SCT", "Clinical finding")
        classes = tuple(CodedConcept(name, name, code, code, None, (200, 80, 40)) for name in ("One", "Two"))
        result = Classification(
            classes, (0.25, 0.75), 0.5, "not calibrated", image_from_volume_node(volume), explained="Two"
        )
        nodes = add_classification_result(result, volume, slicer.mrmlScene)
        self.assertEqual(nodes.table.GetTable().GetNumberOfRows(), 2)
        show_heat_map(nodes.heat_map, volume)
        self.assertTrue(is_shown(nodes.heat_map))
        slicer.modules.plots.logic().ShowChartInLayout(nodes.chart)
        hide_heat_map(nodes.heat_map)
        self.assertFalse(is_shown(nodes.heat_map))

    def test_no_volume_is_refused_and_the_scene_stays_as_it_was(self):
        from AIImagingLogic.records.errors import SceneError

        nodes = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaises(SceneError):
            AIClassificationLogic().process(None, "any")
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)
