"""The fault list: what can go wrong around a run of a panel, and what must come of it. The same for every task module.

`FAULTS` names the scenarios; each takes a `PanelSetting` and asserts its outcome. On failure the scene is node by node
as it was. Nothing is mocked: the panel runs in the test host, its jobs in the worker of a real service
(`held_jobs.GatedService`), whose gate only chooses the moment.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from held_jobs import STAGE, GatedService
from scene_snapshot import scene_snapshot

MODULES = Path(__file__).resolve().parents[2] / "AIImaging"


@dataclass(frozen=True)
class PanelModule:
    """A task module under test.

    Attributes
    ----------
    name : of the module, such as ``AISegmentation``
    selectors : names of its volume selectors, in the order of `process`'s arguments
    make_inputs : (scene, name) -> volume nodes, one a selector, on which a run takes seconds; (k, j, i) oblique grids
        are set by `oblique`
    process : (logic, volumes, wait) -> what the logic's `process` returns
    choose_model : chooses, in a panel that was just opened, what the run is to be done with
    """

    name: str
    selectors: tuple[str, ...]
    make_inputs: Callable[[Any, str], list[Any]]
    process: Callable[[Any, list[Any], bool], Any]
    choose_model: Callable[[Any], None] = lambda panel: None


class PanelSetting:
    """A panel with its inputs chosen, and the service that runs its jobs.

    Attributes
    ----------
    host, panel, scene, service : see their classes
    inputs : the chosen volumes
    """

    def __init__(self, host: Any, module: PanelModule, service: GatedService) -> None:
        self.host, self.module, self.service, self.scene = host, module, service, host.scene
        self.panel = host.open_module(MODULES / module.name)
        module.choose_model(self.panel)
        self.inputs = self.add_inputs("CT")
        self.choose(self.inputs)

    def add_inputs(self, name: str) -> list[Any]:
        """Add further inputs to the scene."""
        return self.module.make_inputs(self.scene, name)

    def choose(self, inputs: list[Any]) -> None:
        """Choose volumes in the panel."""
        for selector, node in zip(self.module.selectors, inputs):
            self.panel.choose(selector, node)

    def start(self) -> Any:
        """Click Apply and return the run."""
        before = {id(run) for run in self._runs()}
        self.panel.click("applyButton")
        (run,) = [run for run in self._runs() if id(run) not in before]
        return run

    def start_and_hold(self) -> Any:
        """Start a run; it is in the worker, and goes on when `finish` is called."""
        self.service.hold()
        run = self.start()
        self.host.process_events(until=lambda: run.finished or run.handle.stage == STAGE, timeout=60)
        assert not run.finished, run.outcome
        return run

    def finish(self, run: Any) -> Any:
        """Let a run go on until it has finished."""
        self.service.let_go()
        self.host.process_events(until=lambda: run.finished, timeout=120)
        return run

    def run(self) -> Any:
        """Run to the end, which must be good; return the run."""
        run = self.finish(self.start())
        assert run.error is None, run.outcome
        return run

    def process(self, inputs: list[Any], wait: bool = True) -> Any:
        """Run from Python, without the panel."""
        return self.module.process(self.panel.logic, inputs, wait)

    def snapshot(self) -> dict[str, Any]:
        """Return the scene but for the panel's own parameter node, which holds what is chosen."""
        found = scene_snapshot(self.scene)
        own = {node.GetID() for node in _nodes(self.scene) if node.IsA("vtkMRMLScriptedModuleNode")}
        return {key: value for key, value in found.items() if key not in own}

    def new_nodes(self, before: dict[str, Any]) -> list[Any]:
        """Return the nodes with a name that came since a snapshot, without display and storage nodes."""
        nodes = [node for node in _nodes(self.scene) if node.GetID() not in before]
        return [node for node in nodes if node.IsA("vtkMRMLDisplayableNode") or node.IsA("vtkMRMLTableNode")]

    @property
    def status(self) -> str:
        """What the panel says."""
        return str(self.panel.ui.statusLabel.text)

    @property
    def errors(self) -> list[str]:
        """The errors that were shown."""
        return list(self.host.messages.texts("error"))

    def _runs(self) -> list[Any]:
        return [run for run, _inputs in self.panel.widget._runs]


@contextlib.contextmanager
def panel_setting(module: PanelModule, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PanelSetting]:
    """Give a panel in a host of its own, with a service and a recovery folder of its own; for a fixture."""
    from AIImagingLogic.jobs import service as jobs_service
    from Testing.Host import running

    monkeypatch.setenv("AIIMAGING_RECOVERY_FOLDER", str(folder / "recovered"))
    service = GatedService(folder)
    monkeypatch.setattr(jobs_service, "shared_service", lambda: service)
    try:
        with running() as host:
            yield PanelSetting(host, module, service)
    finally:
        service.let_go()
        service.close()


def scene_closed_during_a_run(setting: PanelSetting) -> None:
    run = setting.start_and_hold()
    setting.host.close_scene()
    other = setting.add_inputs("CT")
    before = setting.snapshot()
    setting.finish(run)
    _assert_kept(run, "its scene was closed")
    assert setting.snapshot() == before and other[0].GetScene() is setting.scene
    assert str(run.kept_at) in setting.status and len(setting.errors) == 1


def input_deleted_during_a_run(setting: PanelSetting) -> None:
    run = setting.start_and_hold()
    setting.scene.RemoveNode(setting.inputs[0])
    before = setting.snapshot()
    setting.finish(run)
    _assert_kept(run, f"'{setting.inputs[0].GetName()}' was removed")
    assert setting.snapshot() == before and str(run.kept_at) in setting.status


def input_edited_during_a_run(setting: PanelSetting) -> None:
    run = setting.start_and_hold()
    _edit(setting.inputs[0])
    before = setting.snapshot()
    setting.finish(run)
    note = f"'{setting.inputs[0].GetName()}' was changed after the run began: the result is of the volume as it was."
    assert run.error is None and run.notes == (note,) and note in setting.status
    marked = [node for node in setting.new_nodes(before) if node.GetAttribute("AIImaging.Kind")]
    assert marked and all(node.GetAttribute("AIImaging.Note") == note for node in marked)
    assert setting.inputs[0].GetAttribute("AIImaging.Note") is None


def output_renamed_then_run_again(setting: PanelSetting) -> None:
    before = setting.snapshot()
    setting.run()
    first = setting.new_nodes(before)
    first[0].SetName("Mine")
    after_first = setting.snapshot()
    setting.run()
    after = setting.snapshot()
    assert first[0].GetName() == "Mine"
    unchanged = {key: value for key, value in after.items() if key in after_first and value[0] != "hierarchy"}
    assert unchanged == {key: value for key, value in after_first.items() if value[0] != "hierarchy"}
    _assert_unique_names(first + setting.new_nodes(after_first))


def recovery_folder_cannot_be_written(setting: PanelSetting) -> None:
    folder = Path(os.environ["AIIMAGING_RECOVERY_FOLDER"])
    folder.write_text("A file where the folder should be.")
    run = setting.start_and_hold()
    setting.scene.RemoveNode(setting.inputs[0])
    before = setting.snapshot()
    setting.finish(run)
    from AIImagingLogic.records.errors import OutputError

    assert isinstance(run.error, OutputError) and run.kept_at is None
    assert "was removed" in setting.status and "could not be kept" in setting.status
    assert setting.snapshot() == before and folder.is_file()


def disk_full_while_a_result_is_kept(setting: PanelSetting) -> None:
    run = setting.start_and_hold()
    setting.scene.RemoveNode(setting.inputs[0])
    before = setting.snapshot()
    with _full_disk("AIImagingLogic.records.json_form", "save_record"):
        setting.finish(run)
    assert "The disk is full" in setting.status and run.kept_at is None
    assert setting.snapshot() == before
    assert list(Path(os.environ["AIIMAGING_RECOVERY_FOLDER"]).iterdir()) == []


def shared_memory_and_disk_full(setting: PanelSetting) -> None:
    before = setting.snapshot()
    with _full_disk("AIImagingLogic.jobs.shared_buffer", "SharedBuffer.write"):
        run = setting.finish(setting.start())
    assert "no space to hand over" in setting.status and len(setting.errors) == 1
    assert run.nodes is None and setting.snapshot() == before
    setting.run()


def worker_killed(setting: PanelSetting) -> None:
    from AIImagingLogic.records.errors import WorkerLost

    before = setting.snapshot()
    run = setting.start_and_hold()
    for pid in _worker_pids(setting.service):
        os.kill(pid, signal.SIGKILL)
    setting.finish(run)
    assert isinstance(run.error, WorkerLost) and len(setting.errors) == 1 and setting.errors[0] == setting.status
    assert setting.snapshot() == before
    setting.run()


def cancelled(setting: PanelSetting) -> None:
    from AIImagingLogic.records.errors import Cancelled

    before = setting.snapshot()
    run = setting.start_and_hold()
    assert setting.panel.ui.applyButton.text == "Cancel"
    setting.panel.click("applyButton")
    setting.host.process_events(until=lambda: run.finished, timeout=30)
    assert isinstance(run.error, Cancelled) and setting.errors == [] and setting.snapshot() == before
    assert setting.panel.ui.applyButton.text == "Apply" and setting.panel.ui.applyButton.enabled


def application_closes_during_a_run(setting: PanelSetting) -> None:
    from AIImagingLogic.records.errors import Cancelled

    before = setting.snapshot()
    run = setting.start_and_hold()
    setting.host.quit()
    assert run.finished and isinstance(run.error, Cancelled) and setting.snapshot() == before
    assert not any(_is_alive(pid) for pid in _worker_pids(setting.service))


def application_closes_with_a_finished_result(setting: PanelSetting) -> None:
    before = setting.snapshot()
    run = setting.start_and_hold()
    setting.service.let_go()
    # Until the result is here, without the panel's poll: what a busy main thread would not have looked at.
    _wait_unpolled(setting.service)
    setting.host.quit()
    _assert_kept(run, "the application was closed")
    assert setting.snapshot() == before


def two_runs_side_by_side(setting: PanelSetting) -> None:
    before = setting.snapshot()
    first = setting.start_and_hold()
    setting.choose(setting.add_inputs("Other CT"))
    assert setting.panel.ui.applyButton.text == "Apply" and setting.panel.ui.applyButton.enabled
    second = setting.start()
    for run in (first, second):
        setting.finish(run)
        assert run.error is None, run.outcome
    _assert_unique_names(setting.new_nodes(before))
    assert setting.panel.ui.applyButton.text == "Apply"


def same_volume_twice_from_python(setting: PanelSetting) -> None:
    before = setting.snapshot()
    runs = [setting.process(setting.inputs, wait=False) for _ in range(2)]
    for run in runs:
        setting.finish(run)
        assert run.error is None, run.outcome
    assert runs[0].nodes is not runs[1].nodes
    _assert_unique_names(setting.new_nodes(before))


def nothing_chosen(setting: PanelSetting) -> None:
    setting.choose([None] * len(setting.module.selectors))
    assert not setting.panel.ui.applyButton.enabled and "Choose" in setting.panel.ui.applyButton.toolTip
    _assert_refused(setting, [None] * len(setting.module.selectors), "chosen")


def labelmap(setting: PanelSetting) -> None:
    node = setting.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
    node.SetAndObserveImageData(setting.inputs[0].GetImageData())
    _assert_not_offered(setting, node)
    _assert_refused(setting, [node, *setting.inputs[1:]], "'Labels' is a labelmap")


def vector_volume(setting: PanelSetting) -> None:
    import vtk

    data = vtk.vtkImageData()
    data.SetDimensions(4, 5, 6)
    data.AllocateScalars(vtk.VTK_SHORT, 3)
    node = setting.scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Colours")
    node.SetAndObserveImageData(data)
    _assert_not_offered(setting, node)
    _assert_refused(setting, [node, *setting.inputs[1:]], "3 values a voxel")


def empty_volume(setting: PanelSetting) -> None:
    node = setting.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    setting.choose([node, *setting.inputs[1:]])
    before = setting.snapshot()
    setting.panel.click("applyButton")
    assert "'Empty' is empty" in setting.status and setting.errors == [setting.status]
    assert setting.snapshot() == before and setting.service.handles == ()


def non_linear_parent(setting: PanelSetting) -> None:
    parent = setting.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Bent")
    setting.inputs[0].SetAndObserveTransformNodeID(parent.GetID())
    before = setting.snapshot()
    setting.panel.click("applyButton")
    assert "non-linear transform 'Bent'" in setting.status and "Harden it first" in setting.status
    assert setting.errors == [setting.status] and setting.service.handles == ()
    assert setting.snapshot() == before


def linear_parent(setting: PanelSetting) -> None:
    import vtk

    parent = setting.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Turned")
    matrix = vtk.vtkMatrix4x4()
    turn = vtk.vtkTransform()
    turn.RotateZ(30)
    turn.Translate(10, 20, 30)
    turn.GetMatrix(matrix)
    parent.SetMatrixTransformToParent(matrix)
    setting.inputs[0].SetAndObserveTransformNodeID(parent.GetID())
    before = setting.snapshot()
    setting.run()
    segmentation = next(node for node in setting.new_nodes(before) if node.IsA("vtkMRMLSegmentationNode"))
    assert segmentation.GetTransformNodeID() == parent.GetID()
    assert _grid_of_labels(segmentation) == pytest.approx(_grid_of_volume(setting.inputs[0]), abs=1e-6)


def oblique_volume(setting: PanelSetting) -> None:
    import vtk

    for node in setting.inputs:
        turn = vtk.vtkTransform()
        turn.RotateX(20)
        turn.RotateZ(15)
        turned = vtk.vtkMatrix4x4()
        node.GetIJKToRASDirectionMatrix(turned)
        vtk.vtkMatrix4x4.Multiply4x4(turn.GetMatrix(), turned, turned)
        node.SetIJKToRASDirectionMatrix(turned)
    before = setting.snapshot()
    setting.run()
    segmentations = [node for node in setting.new_nodes(before) if node.IsA("vtkMRMLSegmentationNode")]
    # The first of them is of the first input.
    assert _grid_of_labels(segmentations[0]) == pytest.approx(_grid_of_volume(setting.inputs[0]), abs=1e-6)


FAULTS: dict[str, Callable[[PanelSetting], None]] = {
    scenario.__name__: scenario
    for scenario in (
        scene_closed_during_a_run,
        input_deleted_during_a_run,
        input_edited_during_a_run,
        output_renamed_then_run_again,
        recovery_folder_cannot_be_written,
        disk_full_while_a_result_is_kept,
        shared_memory_and_disk_full,
        worker_killed,
        cancelled,
        application_closes_during_a_run,
        application_closes_with_a_finished_result,
        two_runs_side_by_side,
        same_volume_twice_from_python,
        nothing_chosen,
        labelmap,
        vector_volume,
        empty_volume,
        non_linear_parent,
        linear_parent,
        oblique_volume,
    )
}


def _assert_kept(run: Any, reason: str) -> None:
    from AIImagingLogic.jobs import recovery

    assert run.finished and run.nodes is None and reason in run.outcome
    assert run.kept_at is not None and str(run.kept_at) in run.outcome
    (entry,) = recovery.recovered()
    assert entry.path == run.kept_at and not entry.problem
    recovery.load_recovered(entry.path)


def _assert_refused(setting: PanelSetting, inputs: list[Any], says: str) -> None:
    from AIImagingLogic.records.errors import SceneError

    before = setting.snapshot()
    with pytest.raises(SceneError, match=says) as caught:
        setting.process(inputs)
    assert "\n" not in str(caught.value)
    assert setting.snapshot() == before and setting.service.handles == ()


def _assert_not_offered(setting: PanelSetting, node: Any) -> None:
    for name in setting.module.selectors:
        with pytest.raises(AssertionError, match="does not offer"):
            setting.panel.choose(name, node)
    setting.choose(setting.inputs)


def _assert_unique_names(nodes: list[Any]) -> None:
    names = [node.GetName() for node in nodes]
    assert len(nodes) > 1 and len(set(names)) == len(names), names


def _nodes(scene: Any) -> list[Any]:
    return [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]


def _edit(volume: Any) -> None:
    from vtk.util.numpy_support import vtk_to_numpy

    scalars = volume.GetImageData().GetPointData().GetScalars()
    vtk_to_numpy(scalars)[:10] += 1
    scalars.Modified()


def _grid_of_volume(volume: Any) -> list[float]:
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return _grid(matrix, volume.GetImageData().GetDimensions())


def _grid_of_labels(segmentation: Any) -> list[float]:
    import vtk

    labels = segmentation.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap")
    matrix = vtk.vtkMatrix4x4()
    labels.GetImageToWorldMatrix(matrix)
    return _grid(matrix, labels.GetDimensions())


def _grid(matrix: Any, size: tuple[int, int, int]) -> list[float]:
    return [matrix.GetElement(row, column) for row in range(3) for column in range(4)] + list(size)


def _worker_pids(service: GatedService) -> list[int]:
    return [line._process.pid for line in service._lines if line._process is not None]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_unpolled(service: GatedService) -> None:
    """Wait, without polling, until the one running job has ended."""
    import time

    end = time.monotonic() + 120
    while service._running:
        assert time.monotonic() < end, "The job did not end."
        time.sleep(0.005)


@contextlib.contextmanager
def _full_disk(module: str, name: str) -> Iterator[None]:
    """Let a function of this process fail as it does when the system has no space left."""

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{module}.{name}", full)
        yield
