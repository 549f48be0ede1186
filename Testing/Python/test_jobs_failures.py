"""A job that fails or dies ends with one clear line, and the next job runs as if nothing had happened."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.jobs import buffer_pool
from AIImagingLogic.jobs.handle import JobHandle, JobState
from AIImagingLogic.jobs.job import ImageInput, Job
from AIImagingLogic.jobs.service import JobService
from AIImagingLogic.jobs.shared_buffer import SharedBuffer
from AIImagingLogic.records.errors import (
    AIImagingError,
    GeometryError,
    JobFailed,
    OutOfMemory,
    OutputError,
    WorkerLost,
    WrongImageError,
)

ROOT = Path(__file__).resolve().parents[2]
IMAGE = ImageInput(np.ones((20, 30, 40), np.int16), (1, 1, 1), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
FAILURES: list[tuple[str, type[AIImagingError], str]] = [
    ("geometry", GeometryError, "Slices are missing. Load all of them."),
    ("unknown class", WrongImageError, "It is a photograph. Choose a CT."),
    ("unexpected", JobFailed, "Unexpected ZeroDivisionError: by nothing."),
    ("no memory", OutOfMemory, "memory is not enough"),
    ("bad_alloc", OutOfMemory, "memory is not enough"),
    ("exit", JobFailed, "SystemExit"),
    ("_exit", WorkerLost, "ended itself with code 7 during 'Starting'"),
    ("segfault", WorkerLost, "SIGSEGV"),
    ("sigkill", WorkerLost, "SIGKILL"),
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobService]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIIMAGING_LOG_FOLDER", str(tmp_path_factory.mktemp("logs")))
        with JobService(allowed=("Testing.Python",)) as made:
            yield made


def job(function: str, **arguments: Any) -> Job:
    return Job(function, f"Testing.Python.job_functions:{function}", arguments)


def runs_well(service: JobService) -> bool:
    result = service.submit(job("threshold", image=IMAGE)).wait(60)
    return bool(sitk.GetArrayViewFromImage(result.image).all())


def until(service: JobService, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        service.poll()
        time.sleep(0.001)


@pytest.mark.parametrize(("kind", "expected", "words"), FAILURES, ids=[failure[0] for failure in FAILURES])
def test_each_way_to_fail_is_one_clear_line_and_the_next_job_runs(
    service: JobService, kind: str, expected: type[AIImagingError], words: str
) -> None:
    failing, following = service.submit(job("fail", kind=kind, image=IMAGE)), service.submit(job("echo", number=1))
    with pytest.raises(AIImagingError) as caught:
        failing.wait(60)
    assert type(caught.value) is expected
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert failing.state is JobState.FAILED
    assert following.wait(60) == {"number": 1}
    assert runs_well(service)


def test_the_traceback_of_an_unforeseen_error_is_in_the_log_that_the_line_names(service: JobService) -> None:
    handle = service.submit(job("fail", kind="unexpected"))
    with pytest.raises(JobFailed) as caught:
        handle.wait(60)
    log = Path(caught.value.advice.split("'")[1])
    assert "by nothing" in log.read_text()
    assert "job_functions.py" in caught.value.details


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_worker_killed_from_outside_is_told_with_the_stage_it_was_in(service: JobService) -> None:
    handle = service.submit(job("steps", count=1000, seconds=0.01))
    until(service, lambda: handle.stage == "First half")
    service.poll()
    for pid in children_of(os.getpid()):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(WorkerLost, match=r"SIGKILL \(Killed\) during 'First half'"):
        handle.wait(30)
    assert runs_well(service)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_job_that_a_dead_worker_never_began_runs_in_the_next_one(service: JobService) -> None:
    assert runs_well(service)
    workers = children_of(os.getpid())
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    handle = service.submit(job("threshold", image=IMAGE))
    until(service, lambda: handle.state is JobState.RUNNING)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    assert sitk.GetArrayViewFromImage(handle.wait(60).image).all()


def test_no_space_for_the_image_anywhere_is_a_clear_error(service: JobService, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    voxels = np.ones((64, 512, 512), np.uint8)  # larger than any buffer that is kept
    image = ImageInput(voxels, (1, 1, 1), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    with monkeypatch.context() as patch:
        patch.setattr(SharedBuffer, "write", full)
        with pytest.raises(OutputError, match="no space"):
            service.submit(job("threshold", image=image)).wait(60)
    assert runs_well(service)


def test_the_temporary_folder_is_taken_when_shared_memory_is_full(
    service: JobService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write = SharedBuffer.write
    folders = []

    def full_in_memory(buffer: SharedBuffer, offset: int, data: memoryview) -> None:
        folders.append(buffer.folder)
        if buffer.folder != tmp_path:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(buffer, offset, data)

    monkeypatch.setattr(buffer_pool, "buffer_folders", lambda: (Path("/dev/shm"), tmp_path))
    monkeypatch.setattr(SharedBuffer, "write", full_in_memory)
    assert runs_well(service)
    assert tmp_path in folders
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are a Unix thing")
def test_no_space_for_the_result_is_a_clear_error() -> None:
    """The limit on the size of files stands in for full memory: the image fits, the wider result does not."""
    code = """
import resource, sys
import numpy as np
from AIImagingLogic.jobs.job import ImageInput, Job
from AIImagingLogic.jobs.service import JobService
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
image = ImageInput(np.ones((64, 128, 128), np.int16), (1, 1, 1), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
with JobService(allowed=("Testing.Python",)) as service:
    for function in ("heat_map", "threshold"):
        try:
            service.submit(Job(function, f"Testing.Python.job_functions:{function}", {"image": image})).wait(60)
            print("fine")
        except Exception as error:
            print(type(error).__name__, error)
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = run.stdout.splitlines()
    assert lines[0].startswith("OutputError There is no space"), run
    assert lines[1:] == ["fine"]


def test_a_python_that_is_not_there_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIIMAGING_LOG_FOLDER", str(tmp_path))
    with (
        JobService(python="/nowhere/python", allowed=("Testing.Python",)) as broken,
        pytest.raises(WorkerLost, match="could not be started"),
    ):
        broken.submit(job("echo")).wait(30)


def test_a_worker_that_ends_at_its_start_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIIMAGING_LOG_FOLDER", str(tmp_path))
    with JobService(python="/bin/false", allowed=("Testing.Python",)) as broken:
        for _ in range(2):
            with pytest.raises(WorkerLost, match="code 1 during 'Starting'"):
                broken.submit(job("echo")).wait(30)


def test_the_fault_of_a_listener_reaches_the_caller_and_stops_no_other_listener(service: JobService) -> None:
    def faulty(handle: JobHandle) -> None:
        raise ValueError("a listener's own fault")

    heard: list[str] = []
    handle = service.submit(job("echo"))
    handle.on_change(faulty)
    handle.on_change(lambda handle: heard.append(handle.stage))
    with pytest.raises(ValueError, match="own fault"):
        handle.wait(60)
    while not handle.state.ended:
        with pytest.raises(ValueError, match="own fault"):
            handle.wait(60)
    assert heard[-1] == "Done"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("function", ["deaf_in_c", "child"])
def test_when_the_application_is_killed_its_workers_and_what_they_started_are_gone(function: str) -> None:
    """The application dies by SIGKILL, so that nothing of it can clean up; C code in the worker holds its lock."""
    code = f"""
import sys, time
import numpy as np
from AIImagingLogic.jobs.job import ImageInput, Job
from AIImagingLogic.jobs.service import JobService
service = JobService(allowed=("Testing.Python",))
image = ImageInput(np.ones((20, 30, 40), np.int16), (1, 1, 1), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
service.submit(Job("Before", "Testing.Python.job_functions:threshold", {{"image": image}})).wait(60)
handle = service.submit(Job("Long", "Testing.Python.job_functions:{function}", {{"seconds": 60}}))
while not handle.fraction > 0:
    service.poll()
    time.sleep(0.01)
print("running", flush=True)
time.sleep(60)
"""
    memory_before = shared_memory_files()
    application = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert application.stdout is not None
    assert application.stdout.readline() == "running\n"
    family = descendants_of(application.pid)
    assert len(family) >= (3 if function == "child" else 2)  # worker, guard, what the worker started
    application.kill()
    application.wait()
    application.stdout.close()
    end = time.monotonic() + 20
    while alive := [pid for pid in family if is_alive(pid)]:
        assert time.monotonic() < end, alive
        time.sleep(0.01)
    assert shared_memory_files() == memory_before


def processes() -> dict[int, tuple[int, str]]:
    """Return parent and state of every process."""
    table = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # ended meanwhile
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            table[int(path.parent.name)] = (int(parent), state)
    return table


def children_of(parent: int) -> list[int]:
    return [pid for pid, (its_parent, _) in processes().items() if its_parent == parent and is_worker(pid)]


def is_worker(pid: int) -> bool:
    try:
        return b"jobs.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def descendants_of(parent: int) -> list[int]:
    table = processes()
    found = [pid for pid, (its_parent, _) in table.items() if its_parent == parent]
    return found + [pid for child in found for pid, (its_parent, _) in table.items() if its_parent == child]


def is_alive(pid: int) -> bool:
    entry = processes().get(pid)
    return entry is not None and not entry[1].startswith("Z")


def shared_memory_files() -> set[str]:
    memory = Path("/dev/shm")
    return {path.name for path in memory.iterdir() if "aiimaging" in path.name} if memory.is_dir() else set()
