"""The test that runs inside Slicer, on its real Python and packages."""

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from AIModelsLib.logic import AIModelsLogic


class AIModelsTest(ScriptedLoadableModuleTest):
    """Runs in Slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_packages_that_come_with_slicer_are_found_sound()

    def test_packages_that_come_with_slicer_are_found_sound(self):
        report = AIModelsLogic().checkEnvironment(wait=True)
        self.assertEqual(report.host, "3D Slicer")
        self.assertTrue(report.probed)
        needed = ("numpy", "scipy", "SimpleITK", "pydicom", "highdicom")
        problems = [finding.what for finding in report.findings if finding.severity.value == "problem"]
        self.assertEqual([what for what in problems if any(name in what for name in needed)], [])
