"""Order of the queue, progress, and the time that is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from AIImagingLogic.jobs.handle import JobHandle, JobState
from AIImagingLogic.jobs.job import Job
from AIImagingLogic.jobs.service import JobService
from AIImagingLogic.jobs.time_left import TimeLeft
from AIImagingLogic.jobs.worker_progress import ProgressMessages


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobService]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIIMAGING_LOG_FOLDER", str(tmp_path_factory.mktemp("logs")))
        with JobService(allowed=("Testing.Python",)) as made:
            yield made


def submit(service: JobService, function: str, **arguments: Any) -> JobHandle:
    return service.submit(Job(function, f"Testing.Python.job_functions:{function}", arguments))


def test_jobs_run_in_the_order_they_were_submitted(service: JobService, tmp_path: Path) -> None:
    handles = [submit(service, "steps", count=count, seconds=0.001, folder=str(tmp_path)) for count in (6, 2, 4)]
    assert service.handles == tuple(handles)
    assert {handle.state for handle in handles} == {JobState.QUEUED}
    for handle in handles:
        handle.wait(60)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-6", "1-2", "2-4"]
    assert service.handles == ()


def test_two_workers_run_two_jobs_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIIMAGING_LOG_FOLDER", str(tmp_path))
    with JobService(workers=2, allowed=("Testing.Python",)) as service:
        first, second = (submit(service, "steps", count=100_000, seconds=0.005) for _ in range(2))
        while not (first.stage == second.stage == "First half"):
            service.poll()
        first.cancel()
        assert second.state is JobState.RUNNING
        assert submit(service, "echo", number=1).wait(60) == {"number": 1}


def test_progress_only_goes_forward_and_ends_whole(service: JobService) -> None:
    handle = submit(service, "steps", count=200, seconds=0.002)
    seen: list[tuple[JobState, float, str]] = []
    handle.on_change(lambda handle: seen.append((handle.state, handle.fraction, handle.stage)))
    handle.wait(60)
    fractions = [fraction for _, fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert seen[0][0] is JobState.RUNNING
    assert seen[-1][0] is JobState.DONE
    assert {"First half", "Second half"} <= {stage for _, _, stage in seen}
    assert 3 < len(seen) < 60  # of 200 reports
    assert handle.memory_gb is not None
    assert handle.memory_gb > 0.02


def test_nothing_changes_but_when_the_caller_polls(service: JobService) -> None:
    other = submit(service, "echo")
    handle = submit(service, "echo", number=1)
    other._keeper._news.wait(30)  # type: ignore[attr-defined]  # something has happened by now
    assert handle.state is JobState.QUEUED
    with pytest.raises(RuntimeError, match="not ended"):
        handle.result()
    handle.wait(60)
    assert handle.state is JobState.DONE


def test_waiting_ends_when_the_time_is_up(service: JobService) -> None:
    handle = submit(service, "steps", count=100_000, seconds=0.01)
    with pytest.raises(TimeoutError):
        handle.wait(0.01)
    handle.cancel()


def test_the_time_left_is_what_remains_at_the_pace_so_far() -> None:
    left = TimeLeft(began=100.0)
    assert left.update(0.01, 100.5) is None
    assert left.update(0.1, 102.0) == pytest.approx(18.0)
    assert left.update(0.2, 104.0) == pytest.approx(16.0)
    # A stall makes the estimate grow, but smoothly: 0.3 of the way from 12 (4 s later) to 32.
    assert left.update(0.2, 108.0) == pytest.approx(12.0 + 0.3 * (32.0 - 12.0))
    assert left.update(1.0, 109.0) == 0.0


def test_of_too_many_reports_the_first_and_the_last_are_sent() -> None:
    sent: list[tuple[float, str]] = []
    messages = ProgressMessages(lambda fraction, message: sent.append((fraction, message)))
    for index in range(10_001):
        messages.report(index / 10_000, f"Step {index}")
    messages.end()
    assert sent[0] == (0.0, "Step 0")
    assert sent[-1] == (1.0, "Step 10000")
    assert len(sent) < 1000
