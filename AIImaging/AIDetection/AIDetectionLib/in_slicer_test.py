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
        self.test_second_reader_of_a_study_sees_the_ai_after_the_lock_and_the_marks_are_on_file()
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

    def test_second_reader_of_a_study_sees_the_ai_after_the_lock_and_the_marks_are_on_file(self):
        import tempfile
        from pathlib import Path

        with tempfile.TemporaryDirectory() as folder:
            desk = AIDetectionLogic().readingDesk(slicer.mrmlScene, _study(Path(folder)), "R1")
            desk.open()
            self.assertIsNone(desk.nodes.ai)
            # As a click in a view does.
            desk.nodes.marks.AddControlPoint(-1.0, -2.0, 3.0)
            desk.rate("M1", 70.0)
            desk.lock()
            self.assertEqual(desk.nodes.ai.GetNthControlPointPosition(0), (-4.0, -5.0, 6.0))
            desk.refuse("A1")
            desk.finish()
            desk.close()
            (reading,) = desk.recorder.finished
            self.assertEqual([mark.position_mm for mark in reading.alone_marks], [(1.0, 2.0, 3.0)])

    def test_no_volume_is_refused_and_the_scene_stays_as_it_was(self):
        from AIImagingLogic.records.errors import SceneError

        nodes = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaises(SceneError):
            AIDetectionLogic().process(None)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)


def _study(folder):
    """Plan a study of one small image with one AI mark; return its file."""
    import json

    import numpy as np
    import SimpleITK as sitk

    from AIImagingLogic.evaluation.reading_folder import write_study_folder
    from AIImagingLogic.evaluation.reading_manifest import read_manifest

    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((10, 10, 10), np.int16)), str(folder / "C1.nrrd"))
    marks = "seriesuid,coordX,coordY,coordZ,probability\nC1,4,5,6,0.9\n"
    (folder / "ai.csv").write_text(marks, encoding="utf-8")
    case = {"case": "C1", "image": "C1.nrrd", "findings": "ai.csv"}
    manifest = {"seed": 1, "readers": ["R1"], "modes": ["second-reader"], "cases": [case]}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    write_study_folder(read_manifest(folder / "manifest.json"), folder, folder / "study")
    return folder / "study" / "study.json"


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
