"""The buttons of a correction, through the worker: in the segment, under the editor's rules, in one step of undo."""

from __future__ import annotations

import time

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.jobs.service import JobService
from AIImagingLogic.models.builtin.outline_tools.alike import grow_alike
from AIImagingLogic.models.builtin.outline_tools.edge_smoothing import smooth_to_edge
from AIImagingLogic.records.errors import GeometryError, SceneError
from AIImagingLogic.scene.coordinates import ras_from_lps
from AIImagingLogic.scene.editor_rules_editor import open_editor
from AIImagingLogic.scene.editor_rules_lattice import lattice_of, segment_in
from AIImagingLogic.scene.empty_scene import make_scene
from AIImagingLogic.scene.segment_correction_record import corrections_of
from AIImagingLogic.scene.segment_correction_shortcuts import Shortcut
from AIImagingLogic.scene.segment_correction_tool import CorrectionTool
from AIImagingLogic.scene.volumes import volume_node_from_image
from Testing.Python.editor_scene import grid, segmentation_of

pytest.importorskip("slicer")

SHAPE = (30, 60, 80)


@pytest.fixture(scope="module")
def service():
    with JobService() as made:
        yield made


class _Scene:
    """One segment on an oblique grid, and the tool."""

    def __init__(self, service, voxels, mask):
        self.image = grid(voxels.astype(np.float32), spacing=(0.8, 1.0, 2.0))
        self.scene = make_scene()
        self.volume = volume_node_from_image(self.image, self.scene, "MR")
        layers = [(self.image, mask.astype(np.uint8), ("thing",))]
        self.segmentation = segmentation_of(self.scene, self.volume, layers)
        self.editor, self.logic = open_editor(self.segmentation, "thing", self.volume)
        self.errors = []
        arguments = (self.editor, service, self.logic.SaveStateForUndo, lambda edit: None, self.errors.append)
        self.tool = CorrectionTool(*arguments)

    def use(self, shortcut, index=None):
        position = None if index is None else ras_from_lps(self.image.TransformIndexToPhysicalPoint(index))
        self.tool.use(shortcut, position)
        end = time.monotonic() + 60
        while self.tool.waiting and time.monotonic() < end:
            self.tool.poll()
            time.sleep(0.002)
        assert not self.tool.waiting

    def mask(self, segment_id="thing"):
        lattice = lattice_of(self.segmentation)
        return segment_in(self.segmentation, segment_id, lattice, lattice.extent)


def _box(*ranges):
    mask = np.zeros(SHAPE, bool)
    mask[tuple(slice(*each) for each in ranges)] = True
    return mask


def _voxels(thing):
    return np.random.default_rng(0).normal(0, 6, SHAPE) + 100 * thing


@pytest.mark.parametrize(("shortcut", "function"), [(Shortcut.GROW, grow_alike), (Shortcut.SMOOTH, smooth_to_edge)])
def test_a_shortcut_does_in_the_segment_what_its_function_does_to_the_whole(service, shortcut, function):
    thing = _box((8, 22), (15, 45), (20, 50))
    begun = thing & (np.arange(80) < 45)
    scene = _Scene(service, _voxels(thing), begun)
    scene.use(shortcut)
    whole = function(scene.image, grid(begun.astype(np.uint8), spacing=(0.8, 1.0, 2.0)))
    # Sums that run along a row round differently in a box; a voxel on the threshold may fall to the other side.
    assert np.count_nonzero(scene.mask() != (sitk.GetArrayFromImage(whole) > 0)) <= 2
    assert (scene.mask() != begun).any() and not scene.errors
    (recorded,) = corrections_of(scene.segmentation)
    assert recorded.clicks == 1
    scene.logic.Undo()
    np.testing.assert_array_equal(scene.mask(), begun)


def test_slices_between_drawn_ones_are_filled_where_editing_is_allowed(service):
    thing = _box((8, 23), (15, 45), (20, 50))
    drawn = thing & (np.arange(30) % 7 == 1)[:, None, None]
    voxels = _voxels(_box((0, 30), (0, 60), (0, 40)))
    scene = _Scene(service, voxels, drawn)
    scene.editor.SetSourceVolumeIntensityMask(True)
    scene.editor.SetSourceVolumeIntensityMaskRange(50.0, 1000.0)
    scene.use(Shortcut.FILL)
    expected = drawn | (thing & (voxels.astype(np.float32) >= 50))
    np.testing.assert_array_equal(scene.mask(), expected)


def test_what_is_split_off_becomes_a_segment_of_its_own(service):
    two = _box((8, 22), (15, 45), (10, 40)) | _box((10, 20), (22, 38), (50, 70))
    neck = _box((13, 16), (28, 33), (40, 50))
    scene = _Scene(service, _voxels(two | neck), two | neck)
    scene.use(Shortcut.SPLIT, (45, 30, 14))
    assert not scene.errors
    ids = scene.segmentation.GetSegmentation().GetSegmentIDs()
    assert len(ids) == 2 and scene.segmentation.GetSegmentation().GetSegment(ids[1]).GetName() == "thing part"
    first, second = scene.mask(), scene.mask(ids[1])
    np.testing.assert_array_equal(first ^ second, two | neck)
    assert first[15, 30, 12] and second[15, 30, 68]
    scene.logic.Undo()
    assert scene.segmentation.GetSegmentation().GetNumberOfSegments() == 1
    np.testing.assert_array_equal(scene.mask(), two | neck)


def test_what_a_shortcut_cannot_do_is_said_and_the_segment_stays(service):
    thing = _box((8, 22), (15, 45), (20, 50))
    scene = _Scene(service, _voxels(thing), thing)
    scene.use(Shortcut.FILL)
    assert isinstance(scene.errors[0], GeometryError)
    np.testing.assert_array_equal(scene.mask(), thing)
    empty = _Scene(service, _voxels(thing), np.zeros(SHAPE, bool))
    with pytest.raises(SceneError, match="empty"):
        empty.tool.use(Shortcut.GROW)
