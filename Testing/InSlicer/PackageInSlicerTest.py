"""Inside Slicer: the package that computes is beside the modules, and its data is with it."""

import unittest


class PackageInSlicerTest(unittest.TestCase):
    """Runs in Slicer's own Python, in the build tree or an installed extension."""

    def test_package_and_data_are_found(self):
        from AIImagingLogic.records.coding import concept
        from AIImagingLogic.records.resources import resource_path

        self.assertEqual(concept("lung-nodule").name, "Lung nodule")
        self.assertTrue(resource_path("report/follow_up.html.j2").is_file())

    def test_no_deep_learning_package_is_imported_by_opening_the_module(self):
        import sys

        import slicer

        slicer.util.selectModule("AIFollowUp")
        self.assertNotIn("torch", sys.modules)
