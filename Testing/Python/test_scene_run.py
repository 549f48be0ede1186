"""Every way in which a run can end, and that the scene is node by node as it was whenever nothing was added.

The job service is a stand-in with the real job handle, so that each end can be brought about at a chosen moment;
`test_scene_run_with_worker.py` goes through the real one.
"""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from scene_snapshot import scene_snapshot

from AIImagingLogic.jobs import recovery
from AIImagingLogic.jobs.handle import Happening, JobHandle, JobState
from AIImagingLogic.jobs.job import Job
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import AIImagingError, Cancelled, OutputError, SceneError, WorkerLost
from AIImagingLogic.records.segmentation import Segment, Segmentation

slicer = pytest.importorskip("slicer")

from AIImagingLogic.scene.empty_scene import make_scene  # noqa: E402
from AIImagingLogic.scene.job_inputs import image_input  # noqa: E402
from AIImagingLogic.scene.scene_run import SceneRun  # noqa: E402
from AIImagingLogic.scene.segmentation_results import add_segmentation_result  # noqa: E402
from AIImagingLogic.scene.volumes import volume_node_from_image  # noqa: E402


class _Handle(JobHandle):
    """A handle whose result is handed to it."""

    answer: Any = None

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class _Service:
    """Ends jobs when the test says so; what happened is told in `poll`, as the real service does."""

    def __init__(self) -> None:
        self._waiting: list[tuple[_Handle, Happening]] = []
        self.copied: list[Any] = []

    def submit(self, job: Job) -> _Handle:
        handle = _Handle(1, job, self)  # type: ignore[arg-type]
        self.copied = [given.array().copy() for given in job.arguments.values()]
        return handle

    def cancel(self, handle: _Handle) -> None:
        self.end(handle, JobState.CANCELLED, error=Cancelled())

    def end(self, handle: Any, state: JobState, answer: Any = None, error: AIImagingError | None = None) -> None:
        handle.answer = answer
        self._waiting.append((handle, Happening(0.0, state=state, error=error)))

    def poll(self) -> None:
        waiting, self._waiting = self._waiting, []
        for handle, happening in waiting:
            for callback in handle.apply(happening):
                callback(handle)


class _Setting:
    """A scene with a CT under a transform and a study, and a run on it."""

    def __init__(self) -> None:
        self.scene = make_scene()
        self.image = sitk.GetImageFromArray(np.zeros((4, 5, 6), np.int16))
        self.volume = volume_node_from_image(self.image, self.scene, "CT")
        self.shift = self.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Shift")
        self.volume.SetAndObserveTransformNodeID(self.shift.GetID())
        self.hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)
        self.study = self.hierarchy.CreateStudyItem(self.hierarchy.GetSceneItemID(), "Study")
        self.hierarchy.CreateItem(self.study, self.volume)
        self.service = _Service()
        self.before = scene_snapshot(self.scene)

    def run(self, apply: Any = None) -> SceneRun:
        volume, scene = self.volume, self.scene
        job = Job("Lungs of 'CT'", "package.module:function", {"image": image_input(volume)})
        return SceneRun(
            self.service,  # type: ignore[arg-type]
            scene,
            job,
            [volume],
            apply or (lambda result: add_segmentation_result(result, volume, scene)),
        )

    def result(self) -> Segmentation:
        labels = np.zeros((4, 5, 6), np.uint8)
        labels[1, 2, 3] = 1
        image = sitk.GetImageFromArray(labels)
        image.CopyInformation(self.image)
        return Segmentation(image, (Segment(1, "Left lung", concept("lung-left"), (1, 2, 3)),))

    def end(self, run: SceneRun, state: JobState = JobState.DONE, **arguments: Any) -> SceneRun:
        if state is JobState.DONE:
            arguments.setdefault("answer", self.result())
        self.service.end(run.handle, state, **arguments)
        self.service.poll()
        return run

    @property
    def unchanged(self) -> bool:
        return scene_snapshot(self.scene) == self.before


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> _Setting:
    monkeypatch.setenv("AIIMAGING_RECOVERY_FOLDER", str(tmp_path / "recovered"))
    return _Setting()


def _kept(run: SceneRun) -> Segmentation:
    assert run.kept_at is not None and str(run.kept_at) in run.outcome
    assert run.finished and run.nodes is None and isinstance(run.error, SceneError)
    (entry,) = recovery.recovered()
    assert entry.path == run.kept_at and entry.title == "Lungs of 'CT'"
    record = recovery.load_recovered(entry.path)
    assert isinstance(record, Segmentation) and sitk.GetArrayFromImage(record.image)[1, 2, 3] == 1
    return record


def test_result_becomes_nodes_beside_their_volume_under_its_transform(setting: _Setting) -> None:
    told = []
    run = setting.run()
    run.on_finish(told.append)
    setting.end(run)
    assert told == [run] and run.finished and run.error is None and run.notes == ()
    node = run.nodes.segmentation  # type: ignore[union-attr]
    assert run.wait() is run.nodes and "added" in run.outcome
    assert node.GetTransformNodeID() == setting.shift.GetID()
    item = setting.hierarchy.GetItemByDataNode(node)
    assert setting.hierarchy.GetItemParent(item) == setting.study
    old = {key: value for key, value in scene_snapshot(setting.scene).items() if key in setting.before}
    del old[setting.hierarchy.GetID()], setting.before[setting.hierarchy.GetID()]
    assert old == setting.before


def test_cancelled_run_adds_nothing(setting: _Setting) -> None:
    run = setting.run()
    run.cancel()
    with pytest.raises(Cancelled):
        run.wait(timeout=5)
    assert setting.unchanged and run.kept_at is None


def test_lost_worker_adds_nothing_and_says_so_and_the_next_run_is_fine(setting: _Setting) -> None:
    run = setting.run()
    setting.end(run, JobState.FAILED, error=WorkerLost("The worker was killed (signal 9) while segmenting.", "Again."))
    assert run.outcome == "The worker was killed (signal 9) while segmenting. Again." and setting.unchanged
    with pytest.raises(WorkerLost):
        run.wait()
    assert setting.end(setting.run()).nodes is not None


def test_result_that_cannot_be_read_adds_nothing_and_does_not_stop_the_service(setting: _Setting) -> None:
    run = setting.end(setting.run(), answer=ValueError("half a record"))
    assert isinstance(run.error, SceneError) and "half a record" in run.outcome and setting.unchanged


def test_result_of_a_closed_scene_is_kept_and_never_touches_the_next_one(setting: _Setting) -> None:
    run = setting.run()
    setting.scene.Clear(False)
    other = volume_node_from_image(setting.image, setting.scene, "CT")
    before = scene_snapshot(setting.scene)
    setting.end(run)
    assert "its scene was closed" in run.outcome
    _kept(run)
    assert scene_snapshot(setting.scene) == before and other.GetScene() is not None


def test_result_of_a_removed_volume_is_kept(setting: _Setting) -> None:
    run = setting.run()
    setting.scene.RemoveNode(setting.volume)
    before = scene_snapshot(setting.scene)
    setting.end(run)
    assert "'CT' was removed" in run.outcome
    _kept(run)
    assert scene_snapshot(setting.scene) == before


def test_finished_result_is_kept_when_the_application_closes(setting: _Setting) -> None:
    run = setting.run()
    setting.service.end(run.handle, JobState.DONE, answer=setting.result())
    run.application_closes()
    assert "the application was closed" in run.outcome
    _kept(run)
    assert setting.unchanged


def test_run_under_way_is_cancelled_when_the_application_closes(setting: _Setting) -> None:
    run = setting.run()
    run.application_closes()
    setting.service.poll()
    assert isinstance(run.error, Cancelled) and setting.unchanged and recovery.recovered() == ()


def test_result_that_cannot_be_applied_leaves_no_node_and_is_kept(setting: _Setting) -> None:
    def half(result: Any) -> Any:
        add_segmentation_result(result, setting.volume, setting.scene)
        setting.scene.AddNewNodeByClass("vtkMRMLTableNode", "Half")
        raise RuntimeError("no more")

    run = setting.end(setting.run(half))
    assert "RuntimeError: no more" in run.outcome
    _kept(run)
    assert setting.unchanged


def test_full_disk_is_said_and_nothing_is_half_written(setting: _Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> Path:
        raise OutputError("The disk is full.", "Free some space.")

    monkeypatch.setattr(recovery, "keep", full)
    run = setting.run()
    setting.scene.RemoveNode(setting.volume)
    before = scene_snapshot(setting.scene)
    setting.end(run)
    assert isinstance(run.error, OutputError) and run.kept_at is None
    assert "'CT' was removed" in run.outcome and "The disk is full. Free some space." in run.outcome
    assert scene_snapshot(setting.scene) == before


def _edit(volume: Any) -> None:
    from vtkmodules.util.numpy_support import vtk_to_numpy

    scalars = volume.GetImageData().GetPointData().GetScalars()
    vtk_to_numpy(scalars)[:] = 100
    scalars.Modified()


def test_result_of_a_volume_edited_meanwhile_is_applied_with_a_note(setting: _Setting) -> None:
    run = setting.run()
    _edit(setting.volume)
    setting.end(run)
    note = "'CT' was changed after the run began: the result is of the volume as it was."
    assert run.notes == (note,) and note in run.outcome
    assert run.nodes.segmentation.GetAttribute("AIImaging.Note") == note  # type: ignore[union-attr]
    assert setting.volume.GetAttribute("AIImaging.Note") is None


def test_volume_edited_before_its_voxels_were_copied_is_no_reason_for_a_note(setting: _Setting) -> None:
    run = setting.run()
    _edit(setting.volume)
    run.handle.job.arguments["image"].array()  # as the service does when it begins the copy again
    setting.end(run)
    assert run.notes == ()


def test_result_of_a_volume_with_new_voxels_or_geometry_says_so(setting: _Setting) -> None:
    run = setting.run()
    import vtk

    data = vtk.vtkImageData()
    data.DeepCopy(setting.volume.GetImageData())
    setting.volume.SetAndObserveImageData(data)
    setting.volume.SetSpacing(2, 2, 2)
    setting.end(run)
    assert len(run.notes) == 2 and "geometry of 'CT'" in run.notes[1]


def test_result_goes_under_the_transform_that_its_volume_is_under_by_now(setting: _Setting) -> None:
    run = setting.run()
    other = setting.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Other")
    setting.volume.SetAndObserveTransformNodeID(other.GetID())
    setting.end(run)
    assert run.nodes.segmentation.GetTransformNodeID() == other.GetID()  # type: ignore[union-attr]
    assert "under another transform" in run.notes[0]


def test_same_job_twice_gives_two_results_with_names_of_their_own_and_a_renamed_one_stays(setting: _Setting) -> None:
    first = setting.end(setting.run()).nodes.segmentation  # type: ignore[union-attr]
    second = setting.end(setting.run()).nodes.segmentation  # type: ignore[union-attr]
    assert (first.GetName(), second.GetName()) == ("CT segmentation", "CT segmentation 2")
    first.SetName("Mine")
    content = first.GetSegmentation().GetMTime()
    third = setting.end(setting.run()).nodes.segmentation  # type: ignore[union-attr]
    assert (first.GetName(), third.GetName()) == ("Mine", "CT segmentation")
    assert first.GetSegmentation().GetMTime() == content


def test_finished_run_holds_neither_scene_nor_voxels(setting: _Setting) -> None:
    run = setting.end(setting.run())
    assert not setting.scene.HasObserver(setting.scene.StartCloseEvent)
    scene, data = weakref.ref(setting.scene), weakref.ref(setting.volume.GetImageData())
    run.nodes = None
    service = setting.service
    setting.__dict__.clear()
    gc.collect()
    assert scene() is None and data() is None
    assert run.finished and service.copied


def test_run_that_takes_longer_than_its_caller_waits_goes_on(setting: _Setting) -> None:
    run = setting.run()
    with pytest.raises(TimeoutError):
        run.wait(timeout=0)
    setting.end(run)
    assert run.nodes is not None
