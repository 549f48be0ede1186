"""A job is cancelled at every stage, soon, and without harm to those that follow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from AIImagingLogic.jobs.handle import JobHandle, JobState
from AIImagingLogic.jobs.job import ImageInput, Job
from AIImagingLogic.jobs.service import JobService
from AIImagingLogic.jobs.shared_buffer import SharedBuffer
from AIImagingLogic.records.errors import Cancelled, JobFailed

PLENTY_S = 20.0
"""Far over what cancelling takes (a second), far under what the jobs take: tells the two apart on any machine."""

IMAGE = ImageInput(np.ones((20, 30, 40), np.int16), (1, 1, 1), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobService]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIIMAGING_LOG_FOLDER", str(tmp_path_factory.mktemp("logs")))
        with JobService(allowed=("Testing.Python",)) as made:
            yield made


def submit(service: JobService, function: str, **arguments: Any) -> JobHandle:
    return service.submit(Job(function, f"Testing.Python.job_functions:{function}", arguments))


def until(service: JobService, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PLENTY_S
    while not condition():
        assert time.monotonic() < end
        service.poll()
        time.sleep(0.001)


def is_cancelled(handle: JobHandle) -> bool:
    handle.cancel()
    with pytest.raises(Cancelled):
        handle.wait(PLENTY_S)
    return handle.state is JobState.CANCELLED


def worker(service: JobService) -> int:
    return int(submit(service, "steps", count=2, seconds=0.0).wait(60)["pid"])


def test_a_job_that_asks_is_cancelled_and_the_worker_stays(service: JobService) -> None:
    before = worker(service)
    handle = submit(service, "steps", count=100_000, seconds=0.01)
    until(service, lambda: handle.stage == "First half")
    assert is_cancelled(handle)
    assert worker(service) == before


@pytest.mark.parametrize(("function", "stage"), [("deaf_in_c", "In C"), ("deaf_in_python", "In Python")])
def test_a_job_that_never_asks_is_cancelled_and_a_new_worker_takes_over(
    service: JobService, function: str, stage: str
) -> None:
    before = worker(service)
    handle = submit(service, function, seconds=600)
    until(service, lambda: handle.stage == stage)
    assert is_cancelled(handle)
    assert worker(service) != before


def test_a_queued_job_is_cancelled_without_disturbing_the_one_that_runs(service: JobService) -> None:
    running = submit(service, "steps", count=40, seconds=0.005)
    queued = submit(service, "threshold", image=IMAGE)
    last = submit(service, "echo", number=2)
    assert is_cancelled(queued)
    assert running.wait(60)["pid"] == worker(service)
    assert last.wait(60) == {"number": 2}


def test_a_job_is_cancelled_while_its_image_is_copied(service: JobService, monkeypatch: pytest.MonkeyPatch) -> None:
    copying, go_on = threading.Event(), threading.Event()
    write = SharedBuffer.write

    def slow(buffer: SharedBuffer, offset: int, data: memoryview) -> None:
        copying.set()
        assert go_on.wait(PLENTY_S)
        write(buffer, offset, data)

    with monkeypatch.context() as patch:
        patch.setattr(SharedBuffer, "write", slow)
        handle = submit(service, "threshold", image=IMAGE)
        assert copying.wait(PLENTY_S)
        assert is_cancelled(handle)
        go_on.set()
    assert submit(service, "threshold", image=IMAGE).wait(60).segments


def test_a_job_is_cancelled_while_its_worker_starts(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIIMAGING_LOG_FOLDER", str(tmp_path))
    with JobService(allowed=("Testing.Python",)) as cold:
        handle = submit(cold, "threshold", image=IMAGE)
        assert is_cancelled(handle)
        assert submit(cold, "echo").wait(60) == {}


def test_a_result_that_comes_after_the_cancellation_is_not_a_result(service: JobService) -> None:
    for _ in range(10):
        handle = submit(service, "same_image", image=IMAGE)
        time.sleep(0.001)  # somewhere between start and end; whichever it hits, cancelled stays cancelled
        assert is_cancelled(handle)


def test_cancelling_what_has_ended_changes_nothing(service: JobService) -> None:
    handle = submit(service, "echo", number=1)
    assert handle.wait(60) == {"number": 1}
    handle.cancel()
    service.poll()
    assert handle.state is JobState.DONE
    assert handle.result() == {"number": 1}


def test_closing_cancels_everything_and_refuses_what_comes_after(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIIMAGING_LOG_FOLDER", str(tmp_path))
    closing = JobService(workers=2, allowed=("Testing.Python",))
    handles = [submit(closing, "steps", count=100_000, seconds=0.01) for _ in range(4)]
    until(closing, lambda: handles[0].stage == handles[1].stage == "First half")
    closing.close()
    closing.close()
    assert {handle.state for handle in handles} == {JobState.CANCELLED}
    assert closing.handles == ()
    with pytest.raises(JobFailed, match="closed"):
        submit(closing, "echo")
    assert list(tmp_path.iterdir()) == []  # logs without a word are not kept
