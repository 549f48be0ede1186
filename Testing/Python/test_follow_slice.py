"""One slice redrawn: the slices beside it follow where the image shows the same, and only there."""

from __future__ import annotations

import time

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.records.errors import GeometryError, SceneError
from AIImagingLogic.tasks.follow_slice import follow_slice, lines_through

SHAPE = (24, 44, 52)
SPACING = (0.9, 1.0, 2.2)
BODY = np.s_[3:21, 12:32, 8:30]
LOBE = np.s_[8:16, 16:27, 30:44]
REDRAWN = 11
DIRECTION = (0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.0, -1.0, 0.0)


def _flags(*boxes):
    flags = np.zeros(SHAPE, bool)
    for box in boxes:
        flags[box] = True
    return flags


def _image(bright):
    voxels = np.random.default_rng(3).normal(0, 6, SHAPE) + 80 * bright
    image = sitk.GetImageFromArray(voxels.astype(np.float32))
    image.SetSpacing(SPACING)
    image.SetDirection(DIRECTION)
    image.SetOrigin((-30.0, 12.0, 55.0))
    return image


def _like(flags, image):
    mask = sitk.GetImageFromArray(flags.astype(np.uint8))
    mask.CopyInformation(image)
    return mask


def _followed(image, mask, drawn):
    slice_image = sitk.GetImageFromArray(drawn[None].astype(np.uint8))
    result = follow_slice(image, describe(image), _like(mask, image), slice_image, 2, REDRAWN)
    assert result.GetDirection() == image.GetDirection() and result.GetOrigin() == image.GetOrigin()
    return sitk.GetArrayFromImage(result) > 0


def test_what_a_slice_gains_its_neighbours_gain_as_far_as_the_image_shows_it():
    whole, outline = _flags(BODY, LOBE), _flags(BODY)
    found = _followed(_image(whole), outline, whole[REDRAWN])
    np.testing.assert_array_equal(found[REDRAWN], whole[REDRAWN])
    lobe = _flags(LOBE)
    assert (found & lobe).sum() > 0.9 * lobe.sum()
    # Above and below the lobe the image is dark: these slices stay.
    beside = ~whole
    assert (found & beside).sum() < 0.06 * lobe.sum()
    assert (found & outline).sum() > 0.99 * outline.sum()


def test_what_a_slice_loses_its_neighbours_lose_as_far_as_the_image_shows_it():
    outline, body = _flags(BODY, LOBE), _flags(BODY)
    found = _followed(_image(body), outline, body[REDRAWN])
    np.testing.assert_array_equal(found[REDRAWN], body[REDRAWN])
    lobe = _flags(LOBE)
    assert (found & lobe).sum() < 0.1 * lobe.sum()
    assert (found & body).sum() > 0.97 * body.sum()


def test_an_unsteady_line_changes_its_own_slice_only():
    outline = _flags(BODY)
    drawn = outline[REDRAWN].copy()
    drawn[11, 8:30] = True
    drawn[15:20, 29] = False
    found = _followed(_image(outline), outline, drawn)
    outline[REDRAWN] = drawn
    np.testing.assert_array_equal(found, outline)


def test_lines_run_through_all_of_a_part_and_leave_none():
    part = np.zeros((30, 40), bool)
    part[2:26, 3:12] = True
    part[2:8, 3:36] = True
    part[20:26, 3:36] = True
    for line in lines_through(part):
        for start, end in zip(line[:-1], line[1:], strict=True):
            places = np.rint(start + np.linspace(0, 1, 90)[:, None] * (end - start)).astype(int)
            assert part[tuple(places.T)].all()
    ends = np.concatenate(lines_through(part))
    assert np.ptp(ends[:, 0]) >= 20 and ends[:, 1].max() == 35


def test_a_slice_that_the_image_does_not_have_is_refused():
    image = _image(_flags(BODY))
    drawn = sitk.Image(52, 44, 1, sitk.sitkUInt8)
    with pytest.raises(GeometryError, match="no slice 24"):
        follow_slice(image, describe(image), _like(_flags(BODY), image), drawn, 2, 24)


def test_in_the_editor_a_line_in_a_slice_becomes_the_segment_there_and_one_step_of_undo():
    pytest.importorskip("slicer")
    from AIImagingLogic.jobs.service import JobService
    from AIImagingLogic.scene.coordinates import ras_from_lps
    from AIImagingLogic.scene.editor_rules_editor import open_editor
    from AIImagingLogic.scene.editor_rules_lattice import lattice_of, segment_in
    from AIImagingLogic.scene.empty_scene import make_scene
    from AIImagingLogic.scene.segment_correction_tool import CorrectionTool
    from AIImagingLogic.scene.volumes import volume_node_from_image
    from Testing.Python.editor_scene import segmentation_of

    whole, outline = _flags(BODY, LOBE), _flags(BODY)
    image, scene = _image(whole), make_scene()
    volume = volume_node_from_image(image, scene, "MR")
    node = segmentation_of(scene, volume, [(image, outline.astype(np.uint8), ("thing",))])
    editor, logic = open_editor(node, "thing", volume)

    def mask():
        lattice = lattice_of(node)
        return segment_in(node, "thing", lattice, lattice.extent)

    def world(*indices):
        return [ras_from_lps(image.TransformContinuousIndexToPhysicalPoint(index)) for index in indices]

    z = float(REDRAWN)
    corners = [(7.5, 11.5), (29.5, 11.5), (29.5, 15.5), (43.5, 15.5), (43.5, 26.5), (29.5, 26.5), (29.5, 31.5)]
    line = world(*[(i, j, z) for i, j in [*corners, (7.5, 31.5)]])
    with JobService() as service:
        errors = []
        tool = CorrectionTool(editor, service, logic.SaveStateForUndo, lambda edit: None, errors.append)
        with pytest.raises(SceneError, match="across the slices"):
            tool.redraw_slice(world((7.5, 11.5, 4.0), (29.5, 11.5, 9.0), (29.5, 31.5, 15.0)))
        tool.redraw_slice(line)
        end = time.monotonic() + 100
        while tool.waiting and time.monotonic() < end:
            tool.poll()
            time.sleep(0.005)
        assert not tool.waiting and not errors
    np.testing.assert_array_equal(mask()[REDRAWN], whole[REDRAWN])
    assert (mask() & _flags(LOBE)).sum() > 0.9 * _flags(LOBE).sum()
    logic.Undo()
    np.testing.assert_array_equal(mask(), outline)
