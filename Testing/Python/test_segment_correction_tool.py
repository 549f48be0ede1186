"""Prompts through the worker into a segment: one image sent, the last answer applied, a lost worker told all again."""

from __future__ import annotations

import time

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.jobs.service import JobService
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.scene.coordinates import ras_from_lps
from AIImagingLogic.scene.segment_correction_prompts import click
from AIImagingLogic.scene.segment_correction_record import corrections_of
from AIImagingLogic.scene.segment_correction_tool import CorrectionTool
from Testing.Python.ball_corrections import DIES_AT_MM, FAILS_AT_MM, ball_crop
from Testing.Python.editor_scene import SHAPE, editor_scene

pytest.importorskip("slicer")

FUNCTIONS = "Testing.Python.ball_corrections"


class _Session:
    """A scene, its tool, and what the tool said."""

    def __init__(self, service):
        self.scene = editor_scene()
        self.applied, self.errors = [], []
        self.tool = CorrectionTool(
            self.scene.editor,
            service,
            self.scene.logic.SaveStateForUndo,
            self.applied.append,
            self.errors.append,
            functions=FUNCTIONS,
        )

    def point(self, *index):
        return self.scene.image.TransformIndexToPhysicalPoint(index)

    def click(self, *index, inside=True):
        self.tool.show(click(self.scene.volume, ras_from_lps(self.point(*index)), inside))

    def settle(self):
        end = time.monotonic() + 60
        while self.tool.waiting and time.monotonic() < end:
            self.tool.poll()
            time.sleep(0.002)
        assert not self.tool.waiting
        assert not self.errors

    def edited(self):
        return self.scene.segments()["edited"]

    def expected(self, before, inside, outside=()):
        mask = sitk.GetImageFromArray(before.astype(np.uint8))
        mask.CopyInformation(self.scene.image)
        points = [[self.point(*index) for index in chosen] for chosen in (inside, outside)]
        crop = ball_crop(self.scene.image, mask, *points)
        return sitk.GetArrayFromImage(sitk.Paste(mask, crop, crop.GetSize(), [0, 0, 0], _index(mask, crop))) > 0


def _index(image, crop):
    return image.TransformPhysicalPointToIndex(crop.GetOrigin())


@pytest.fixture(scope="module")
def service():
    with JobService(allowed=("Testing.Python",)) as made:
        yield made


@pytest.fixture
def session(service):
    return _Session(service)


def test_clicks_add_and_remove_until_they_are_accepted(session):
    before = session.edited()
    session.tool.prepare()
    session.click(13, 9, 7)
    session.settle()
    session.click(5, 4, 4, inside=False)
    session.settle()
    np.testing.assert_array_equal(session.edited(), session.expected(before, [(13, 9, 7)], [(5, 4, 4)]))
    recorded = session.tool.accept()
    assert recorded.clicks == 2 and recorded.added_ml > 0 and recorded.removed_ml > 0
    assert corrections_of(session.scene.segmentation) == (recorded,)
    corrected = session.edited()
    session.click(14, 13, 10)
    session.settle()
    np.testing.assert_array_equal(session.edited(), session.expected(corrected, [(14, 13, 10)]))
    assert session.tool.shown == 1


def test_the_last_prompt_can_be_taken_back_and_all_dropped(session):
    before = session.edited()
    session.click(13, 9, 7)
    session.click(5, 4, 4, inside=False)
    session.settle()
    session.tool.take_back()
    session.settle()
    np.testing.assert_array_equal(session.edited(), session.expected(before, [(13, 9, 7)]))
    session.tool.drop()
    np.testing.assert_array_equal(session.edited(), before)
    assert session.tool.shown == 0 and session.tool.accept() is None


def test_of_quick_clicks_only_the_last_answer_is_applied(session):
    before = session.edited()
    for index in ((13, 9, 7), (14, 12, 9), (4, 13, 3)):
        session.click(*index)
    session.settle()
    assert len(session.applied) == 1
    np.testing.assert_array_equal(session.edited(), session.expected(before, [(13, 9, 7), (14, 12, 9), (4, 13, 3)]))


def test_after_undo_the_next_click_begins_with_the_outline_as_it_is(session):
    before = session.edited()
    session.click(13, 9, 7)
    session.settle()
    session.scene.logic.Undo()
    session.click(4, 13, 3)
    session.settle()
    np.testing.assert_array_equal(session.edited(), session.expected(before, [(4, 13, 3)]))


def test_an_answer_that_comes_after_another_edit_is_not_applied(session):
    session.click(13, 9, 7)
    session.scene.editor.SetSelectedSegmentID("beside")
    before = session.scene.segments()
    session.settle()
    for name, mask in session.scene.segments().items():
        np.testing.assert_array_equal(mask, before[name])


def test_the_image_is_sent_once_and_again_when_it_was_changed(session, monkeypatch):
    sent = []
    submit = session.tool._line._service.submit

    def counted(job):
        sent.append(job.function.rpartition(":")[2])
        return submit(job)

    monkeypatch.setattr(session.tool._line._service, "submit", counted)
    session.tool.prepare()
    for index in ((13, 9, 7), (4, 13, 3)):
        session.click(*index)
        session.settle()
    session.tool.accept()
    session.click(5, 5, 5, inside=False)
    session.settle()
    assert sent == ["keep_image", "open_session", "refine", "refine", "open_session", "refine"]
    session.scene.volume.GetImageData().Modified()
    session.click(6, 6, 6, inside=False)
    session.settle()
    assert sent[6:] == ["keep_image", "open_session", "refine"]


def test_a_worker_that_died_is_told_all_again(session, tmp_path, monkeypatch):
    monkeypatch.setenv("BALL_DIED", str(tmp_path / "died"))
    before = session.edited()
    with JobService(allowed=("Testing.Python",)) as service:
        mortal = _Session(service)
        mortal.click(13, 9, 7)
        mortal.settle()
        mortal.tool.show(Prompts(outside_mm=(DIES_AT_MM,)))
        end = time.monotonic() + 60
        while mortal.tool.waiting and time.monotonic() < end:
            mortal.tool.poll()
            time.sleep(0.002)
        assert (tmp_path / "died").exists() and len(mortal.errors) == 1
        mortal.click(4, 13, 3)
        mortal.errors.clear()
        mortal.settle()
        np.testing.assert_array_equal(mortal.edited(), mortal.expected(before, [(13, 9, 7), (4, 13, 3)]))


def test_an_error_of_the_model_is_told_and_what_caused_it_is_forgotten(session):
    before = session.edited()
    session.tool.show(Prompts(outside_mm=(FAILS_AT_MM,)))
    end = time.monotonic() + 60
    while session.tool.waiting and time.monotonic() < end:
        session.tool.poll()
        time.sleep(0.002)
    assert "The ball burst." in str(session.errors[0])
    np.testing.assert_array_equal(session.edited(), before)
    session.errors.clear()
    session.click(13, 9, 7)
    session.settle()
    np.testing.assert_array_equal(session.edited(), session.expected(before, [(13, 9, 7)]))


def test_what_cannot_be_corrected_is_said_at_once(session):
    session.scene.editor.SetAndObserveSourceVolumeNode(None)
    with pytest.raises(SceneError, match="source volume"):
        session.tool.prepare()
    session.scene.editor.SetAndObserveSourceVolumeNode(session.scene.volume)
    session.scene.editor.SetSelectedSegmentID("")
    with pytest.raises(SceneError, match="No segment is selected"):
        session.click(1, 1, 1)
    assert session.edited().shape == SHAPE
