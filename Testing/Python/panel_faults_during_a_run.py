"""What can go wrong while a panel's run is under way, and what must come of it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from held_jobs import GatedService
from panel_setting import PanelSetting


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
    workers = _worker_pids(setting.service)
    assert workers and all(map(_is_alive, workers))
    setting.host.quit()
    assert run.finished and isinstance(run.error, Cancelled) and setting.snapshot() == before
    _wait_for(lambda: not any(map(_is_alive, workers)), "A worker outlived the application.")


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


def _assert_kept(run: Any, reason: str) -> None:
    from AIImagingLogic.jobs import recovery

    assert run.finished and run.nodes is None and reason in run.outcome
    assert run.kept_at is not None and str(run.kept_at) in run.outcome
    (entry,) = recovery.recovered()
    assert entry.path == run.kept_at and not entry.problem
    recovery.load_recovered(entry.path)


def _assert_unique_names(nodes: list[Any]) -> None:
    names = [node.GetName() for node in nodes]
    assert len(nodes) > 1 and len(set(names)) == len(names), names


def _edit(volume: Any) -> None:
    from vtk.util.numpy_support import vtk_to_numpy

    scalars = volume.GetImageData().GetPointData().GetScalars()
    vtk_to_numpy(scalars)[:10] += 1
    scalars.Modified()


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
    _wait_for(lambda: not service._running, "The job did not end.")


def _wait_for(is_so: Callable[[], bool], else_say: str) -> None:
    end = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < end, else_say
        time.sleep(0.005)
