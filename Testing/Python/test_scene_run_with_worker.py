"""Runs through the real job service: from a volume node to segmentation nodes, in another process."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from scene_snapshot import scene_snapshot

from AIImagingLogic.jobs.job import Job
from AIImagingLogic.jobs.recovery import load_recovered, recovered
from AIImagingLogic.jobs.service import JobService
from AIImagingLogic.records.errors import Cancelled, SceneError, WorkerLost

slicer = pytest.importorskip("slicer")

from AIImagingLogic.scene.empty_scene import make_scene  # noqa: E402
from AIImagingLogic.scene.job_inputs import image_input  # noqa: E402
from AIImagingLogic.scene.recovered_results import add_recovered  # noqa: E402
from AIImagingLogic.scene.scene_run import SceneRun  # noqa: E402
from AIImagingLogic.scene.segmentation_results import add_segmentation_result  # noqa: E402
from AIImagingLogic.scene.volumes import volume_node_from_image  # noqa: E402

FUNCTIONS = "Testing.Python.job_functions"
TURN = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
SECONDS = 60.0


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobService]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIIMAGING_LOG_FOLDER", str(tmp_path_factory.mktemp("logs")))
        with JobService(allowed=("Testing.Python",)) as made:
            yield made


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setenv("AIIMAGING_RECOVERY_FOLDER", str(tmp_path / "recovered"))
    return make_scene()


def _volume(scene: Any) -> Any:
    values = np.random.default_rng(1).integers(-100, 100, (7, 8, 9)).astype(np.int16)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((0.7, 1.1, 2.5))
    image.SetOrigin((10.0, -20.0, 30.0))
    image.SetDirection(TURN.ravel().tolist())
    return volume_node_from_image(image, scene, "CT")


def _start(service: JobService, scene: Any, volume: Any, function: str = "threshold", **arguments: Any) -> SceneRun:
    if function == "threshold":
        arguments["image"] = image_input(volume)
    job = Job("Bright parts of 'CT'", f"{FUNCTIONS}:{function}", arguments)
    return SceneRun(service, scene, job, [volume], lambda result: add_segmentation_result(result, volume, scene))


def _labels(node: Any) -> np.ndarray:
    from vtkmodules.util.numpy_support import vtk_to_numpy

    data = node.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap")
    return vtk_to_numpy(data.GetPointData().GetScalars()).reshape(data.GetDimensions()[::-1])


def _voxels(volume: Any) -> np.ndarray:
    from vtkmodules.util.numpy_support import vtk_to_numpy

    data = volume.GetImageData()
    return vtk_to_numpy(data.GetPointData().GetScalars()).reshape(data.GetDimensions()[::-1])


def test_oblique_volume_comes_back_as_a_segmentation_of_its_own_voxels(service: JobService, scene: Any) -> None:
    volume = _volume(scene)
    node = _start(service, scene, volume).wait(SECONDS).segmentation
    assert np.array_equal(_labels(node), _voxels(volume) > 0)
    labels = node.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap")
    assert np.allclose(labels.GetSpacing(), volume.GetSpacing()) and np.allclose(labels.GetOrigin(), volume.GetOrigin())


def test_cancelled_and_killed_runs_leave_the_scene_as_it_was_and_the_next_is_fine(
    service: JobService, scene: Any
) -> None:
    volume = _volume(scene)
    before = scene_snapshot(scene)
    run = _start(service, scene, volume, "steps", count=2000, seconds=0.01)
    run.cancel()
    with pytest.raises(Cancelled):
        run.wait(SECONDS)
    killed = _start(service, scene, volume, "fail", kind="_exit")
    with pytest.raises(WorkerLost):
        killed.wait(SECONDS)
    assert scene_snapshot(scene) == before
    assert _start(service, scene, volume).wait(SECONDS).segmentation.GetScene() is scene


def test_result_of_a_closed_scene_is_kept_and_comes_back(service: JobService, scene: Any) -> None:
    run = _start(service, scene, _volume(scene))
    scene.Clear(False)
    with pytest.raises(SceneError, match="its scene was closed"):
        run.wait(SECONDS)
    (entry,) = recovered()
    assert entry.path == run.kept_at and entry.reason == "Its scene was closed during the run."
    volume = _volume(scene)
    # The job that made it tells nothing of its input: it stands alone.
    found = add_recovered(load_recovered(entry.path), scene, [volume])
    assert "not loaded" in found.notes[0]
    assert np.array_equal(_labels(found.nodes.segmentation), _voxels(volume) > 0)


def test_service_holds_no_voxels_of_a_finished_run(service: JobService, scene: Any) -> None:
    volume = _volume(scene)
    run = _start(service, scene, volume)
    run.wait(SECONDS)
    data = weakref.ref(volume.GetImageData())
    scene.RemoveNode(volume)
    run.nodes = None
    del volume
    gc.collect()
    assert data() is None and run.finished
