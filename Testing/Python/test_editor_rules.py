"""Edits in a box obey the settings of the Segment Editor, voxel by voxel, as edits of the whole grid do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.editor_rules import apply_region
from AIImagingLogic.scene.editor_rules_lattice import lattice_of, oriented_box, segment_in
from AIImagingLogic.scene.editor_rules_region import region_of_image
from Testing.Python.editor_scene import OBLIQUE, SHAPE, editor_scene, grid, segmentation_of

pytest.importorskip("slicer")

EVERYWHERE, INSIDE_ALL, INSIDE_VISIBLE, OUTSIDE_ALL, OUTSIDE_VISIBLE, INSIDE_ONE = range(6)
OVERWRITE_ALL, OVERWRITE_VISIBLE, OVERWRITE_NONE = range(3)
RANGE = (-40.0, 60.0)
CROP = (slice(2, 12), slice(1, 13), slice(6, 18))


def _wanted(seed=1):
    """A ragged object in a crop: it takes voxels of every segment, and leaves voxels of the edited one out."""
    return (np.random.default_rng(seed).random(SHAPE)[CROP] < 0.55).astype(np.uint8)


def _crop_image(image, wanted):
    (k, j, i) = (part.start for part in CROP)
    result = sitk.GetImageFromArray(wanted)
    result.SetSpacing(image.GetSpacing())
    result.SetDirection(image.GetDirection())
    result.SetOrigin(image.TransformIndexToPhysicalPoint((i, j, k)))
    return result


def _apply(scene, wanted, save_state=None):
    lattice = lattice_of(scene.segmentation)
    region = region_of_image(_crop_image(scene.image, wanted), scene.volume, scene.segmentation, lattice)
    return apply_region(scene.editor, region, save_state)


def _set(scene, mode, overwrite, intensity):
    scene.editor.SetMaskMode(mode)
    scene.editor.SetMaskSegmentID("beside")
    scene.editor.SetOverwriteMode(overwrite)
    scene.editor.SetSourceVolumeIntensityMaskRange(*RANGE)
    scene.editor.SetSourceVolumeIntensityMask(intensity)


def _expected(before, voxels, wanted, mode, overwrite, intensity):
    """The rule, on arrays of the whole grid."""
    want_inside, want_beside = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    want_inside[CROP], want_beside[CROP] = wanted == 1, wanted == 0
    edited, others = before["edited"], {name: mask for name, mask in before.items() if name != "edited"}
    visible = {name: mask for name, mask in others.items() if name != "hidden"}
    area = {
        EVERYWHERE: np.ones(SHAPE, bool),
        INSIDE_ALL: edited | np.any(list(others.values()), axis=0),
        INSIDE_VISIBLE: edited | np.any(list(visible.values()), axis=0),
        OUTSIDE_ALL: ~np.any(list(others.values()), axis=0),
        OUTSIDE_VISIBLE: ~np.any(list(visible.values()), axis=0),
        INSIDE_ONE: others["beside"],
    }[mode]
    if intensity:
        area = area & (voxels >= RANGE[0]) & (voxels <= RANGE[1])
    add = want_inside & ~edited & area
    remove = want_beside & edited & (area if mode != INSIDE_ONE else True)
    after = {name: mask.copy() for name, mask in before.items()}
    after["edited"] = (edited & ~remove) | add
    for name in {OVERWRITE_ALL: others, OVERWRITE_VISIBLE: visible, OVERWRITE_NONE: {}}[overwrite]:
        after[name] &= ~add
    if mode == INSIDE_ONE:
        after["beside"] |= remove
    return after, int(add.sum()), int(remove.sum())


each_setting = pytest.mark.parametrize(
    ("mode", "overwrite", "intensity"), list(itertools.product(range(6), range(3), (False, True)))
)


@each_setting
def test_an_edit_obeys_editable_area_intensity_mask_and_overwrite_mode(mode, overwrite, intensity):
    scene = editor_scene()
    _set(scene, mode, overwrite, intensity)
    before, wanted = scene.segments(), _wanted()
    expected, added, removed = _expected(
        before, sitk.GetArrayFromImage(scene.image), wanted, mode, overwrite, intensity
    )
    edit = _apply(scene, wanted)
    after = scene.segments()
    assert (edit.added, edit.removed) == (added, removed) and added and removed
    for name, mask in expected.items():
        np.testing.assert_array_equal(after[name], mask, err_msg=name)


@each_setting
def test_an_edit_in_a_box_is_what_the_editor_itself_makes_on_the_whole_grid(mode, overwrite, intensity):
    ours, theirs = editor_scene(seed=4), editor_scene(seed=4)
    wanted = _wanted(5)
    for scene in (ours, theirs):
        _set(scene, mode, overwrite, intensity)
    _apply(ours, wanted)
    logic, lattice, edited = theirs.logic, lattice_of(theirs.segmentation), theirs.segments()["edited"]
    for value, how in ((0, logic.ModificationModeRemove), (1, logic.ModificationModeAdd)):
        # What is in the segment already is not painted again: another segment that overlaps it there stays.
        whole = np.zeros(SHAPE, np.uint8)
        whole[CROP] = (wanted == value) & (edited[CROP] != value)
        modifier = oriented_box(lattice, lattice.extent, whole)
        logic.ModifySegmentByLabelmap(theirs.segmentation, "edited", modifier, how, True, False)
    after = theirs.segments()
    for name, mask in ours.segments().items():
        np.testing.assert_array_equal(mask, after[name], err_msg=name)


def test_an_edit_is_one_step_of_undo_and_redo():
    scene = editor_scene()
    before = scene.segments()
    edit = _apply(scene, _wanted(), scene.logic.SaveStateForUndo)
    after = scene.segments()
    assert edit.added and edit.removed
    scene.logic.Undo()
    assert not scene.logic.CanUndo()
    for name, mask in scene.segments().items():
        np.testing.assert_array_equal(mask, before[name], err_msg=name)
    scene.logic.Redo()
    for name, mask in scene.segments().items():
        np.testing.assert_array_equal(mask, after[name], err_msg=name)


def test_an_edit_that_changes_nothing_saves_no_state():
    scene = editor_scene()
    _set(scene, OUTSIDE_ALL, OVERWRITE_ALL, True)
    scene.editor.SetSourceVolumeIntensityMaskRange(5000.0, 6000.0)
    before = scene.segments()
    assert _apply(scene, _wanted(), scene.logic.SaveStateForUndo).added == 0
    assert not scene.logic.CanUndo()
    for name, mask in scene.segments().items():
        np.testing.assert_array_equal(mask, before[name])


def test_segments_that_are_not_overwritten_overlap_on_another_layer():
    scene = editor_scene()
    _set(scene, EVERYWHERE, OVERWRITE_NONE, False)
    layers = scene.segmentation.GetSegmentation().GetNumberOfLayers("Binary labelmap")
    before = scene.segments()
    _apply(scene, np.ones_like(_wanted()))
    after = scene.segments()
    assert scene.segmentation.GetSegmentation().GetNumberOfLayers("Binary labelmap") == layers + 1
    assert (after["edited"] & after["beside"]).sum() == before["beside"][CROP].sum() > 0


def test_a_crop_that_reaches_out_of_a_cropped_reference_geometry_ends_at_its_border():
    scene = editor_scene()
    cropped = sitk.RegionOfInterest(scene.image, (7, 9, 8), (5, 2, 3))
    labels = np.zeros((8, 9, 7), np.uint8)
    labels[1:5, 1:5, 1:4] = 1
    small = _volume_of(scene, cropped)
    segmentation = segmentation_of(scene.scene, small, [(cropped, labels, ("edited",))])
    scene.editor.SetAndObserveSegmentationNode(segmentation)
    scene.editor.SetSelectedSegmentID("edited")
    scene.segmentation, scene.ids = segmentation, ("edited",)
    wanted = _wanted()
    whole = np.zeros(SHAPE, np.uint8)
    whole[3:11, 2:11, 5:12] = labels
    whole[CROP] = wanted
    _apply(scene, wanted)
    np.testing.assert_array_equal(scene.segments()["edited"], whole[3:11, 2:11, 5:12] == 1)


def _volume_of(scene, image):
    from AIImagingLogic.scene.volumes import volume_node_from_image

    return volume_node_from_image(image, scene.scene, "Cropped")


def _transform(scene, matrix):
    from AIImagingLogic.scene.coordinates import vtk_matrix

    node = scene.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetMatrixTransformToParent(vtk_matrix(matrix))
    return node.GetID()


@pytest.mark.parametrize("intensity", [False, True])
def test_a_segmentation_under_another_transform_is_edited_where_the_result_is_seen(intensity):
    scene = editor_scene(direction=np.eye(3).ravel().tolist(), spacing=(1.0, 1.0, 1.0))
    _set(scene, EVERYWHERE, OVERWRITE_NONE, intensity)
    # The segmentation is carried by (2, -1, 3) voxels of RAS (1 mm each) against the volume, and both by a rotation.
    moved = np.eye(4)
    moved[:3, 3] = (2.0, -1.0, 3.0)
    turned = np.array([[0.0, -1.0, 0.0, 5.0], [1.0, 0.0, 0.0, 6.0], [0.0, 0.0, 1.0, 7.0], [0.0, 0.0, 0.0, 1.0]])
    scene.volume.SetAndObserveTransformNodeID(_transform(scene, turned))
    scene.segmentation.SetAndObserveTransformNodeID(_transform(scene, turned @ moved))
    before, wanted = scene.segments()["edited"], _wanted()
    _apply(scene, wanted)
    # An image of ones on axes of LPS: i runs against R and j against A.
    shift = {2: 2, 1: -1, 0: -3}
    placed = np.full(SHAPE, 2, np.uint8)
    placed[CROP] = wanted
    voxels = sitk.GetArrayFromImage(scene.image).astype(float)
    for axis, steps in shift.items():
        placed = _shifted(placed, steps, axis, 2)
        voxels = _shifted(voxels, steps, axis, np.nan)
    allowed = (voxels >= RANGE[0]) & (voxels <= RANGE[1]) if intensity else np.ones(SHAPE, bool)
    expected = np.where((placed == 1) & allowed, True, np.where((placed == 0) & allowed, False, before))
    np.testing.assert_array_equal(scene.segments()["edited"], expected)


def _shifted(voxels, steps, axis, fill):
    result = np.roll(voxels, steps, axis)
    index = [slice(None)] * 3
    index[axis] = slice(0, steps) if steps > 0 else slice(steps, None)
    result[tuple(index)] = fill
    return result


def test_a_result_on_another_grid_lands_on_the_nearest_voxels():
    scene = editor_scene()
    # Twice as fine along i, turned about and permuted: the same object in the scene.
    wanted = _wanted()
    fine = np.repeat(wanted, 2, axis=2)
    crop = _crop_image(scene.image, wanted)
    spacing = list(crop.GetSpacing())
    first = np.array(crop.GetOrigin()) - np.array(crop.GetDirection()).reshape(3, 3)[:, 0] * spacing[0] / 4
    fine_image = grid(fine, crop.GetDirection(), (spacing[0] / 2, *spacing[1:]), first.tolist())
    turned = sitk.PermuteAxes(sitk.Flip(fine_image, (True, False, True)), (2, 0, 1))
    assert turned.GetDirection() != fine_image.GetDirection()
    lattice = lattice_of(scene.segmentation)
    region = region_of_image(turned, scene.volume, scene.segmentation, lattice)
    exact = region_of_image(crop, scene.volume, scene.segmentation, lattice)
    full, whole = np.full(SHAPE, 2, np.uint8), np.full(SHAPE, 2, np.uint8)
    for target, source in ((full, region), (whole, exact)):
        i0, i1, j0, j1, k0, k1 = source.extent
        target[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1] = source.voxels
    np.testing.assert_array_equal(full, whole)


def test_without_a_linear_way_between_volume_and_segmentation_nothing_is_edited():
    scene = editor_scene()
    warp = scene.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    scene.segmentation.SetAndObserveTransformNodeID(warp.GetID())
    before = segment_in(scene.segmentation, "edited", lattice_of(scene.segmentation), (0, 19, 0, 16, 0, 13))
    with pytest.raises(SceneError, match="not linear"):
        _apply(scene, _wanted())
    np.testing.assert_array_equal(scene.segments()["edited"], before)


def test_the_phantom_is_oblique():
    assert np.allclose(np.linalg.det(np.reshape(OBLIQUE, (3, 3))), 1.0)
