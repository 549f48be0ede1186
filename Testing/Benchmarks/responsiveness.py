"""The panel AI Segmentation during a job of a minute: how long it did not answer, and how long the result held it."""

from __future__ import annotations

import dataclasses
import gc
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from AIImagingLogic.jobs import service as job_service
from AIImagingLogic.jobs.handle import JobHandle
from AIImagingLogic.jobs.job import Job
from Testing.Benchmarks.reporting import Figures, compile_extension, run_as_command
from Testing.Benchmarks.slow_segmentation import SECONDS, SEGMENTS
from Testing.Host import running

SIZE = (512, 512, 300)
MODULE = Path(__file__).resolve().parents[2] / "AIImaging" / "AISegmentation"


class SlowService(job_service.JobService):
    """Runs `segment_slowly` for whatever a panel submits."""

    def submit(self, job: Job) -> JobHandle:
        """Submit `job` with the slow function in place of its own."""
        function = "Testing.Benchmarks.slow_segmentation:segment_slowly"
        return super().submit(dataclasses.replace(job, function=function))


class Ticks:
    """A timer of 1 ms; when its ticks come late, something held the event loop."""

    def __init__(self) -> None:
        from PySide6 import QtCore

        self.gaps: list[tuple[float, float]] = []
        self._last = time.perf_counter()
        self._timer = QtCore.QTimer()
        self._timer.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self._timer.start(1)

    def tick(self) -> None:
        """Note how long it is since the last tick."""
        now = time.perf_counter()
        self.gaps.append((self._last, now))
        self._last = now


def run(tell: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Click Apply, process events until the result is there; return the gaps before it and the gap of the result."""
    compile_extension()
    service = SlowService(allowed=("AIImagingLogic", "Testing"))
    with service, mock.patch.object(job_service, "shared_service", lambda: service), running() as host:
        figures = _drive(host, service, tell)
    return figures, {"size": SIZE, "segments": SEGMENTS, "job_s": SECONDS}


def _drive(host: Any, service: SlowService, tell: Callable[[str], None]) -> Figures:
    volume = _volume(host.scene)
    panel = host.open_module(MODULE)
    panel.choose("inputSelector", volume)
    service.warm_up()
    runs: list[Any] = []
    start_run = panel.widget.startRun

    def start_and_keep(parameters: Any) -> Any:
        runs.append(start_run(parameters))
        return runs[-1]

    panel.widget.startRun = start_and_keep
    finished: list[float] = []
    # Slicer's widgets are of C++; what stands in for them here is tens of thousands of Python objects, which the
    # interpreter's collector would go through once or twice a minute (50 to 110 ms): left out, what we make is not.
    began = time.perf_counter()
    gc.collect()
    collection_s = time.perf_counter() - began
    gc.freeze()
    ticks = Ticks()
    host.process_events(until=lambda: len(ticks.gaps) > 20)
    ticks.gaps.clear()
    if "SimpleITK" in sys.modules:
        raise RuntimeError("SimpleITK is imported: its import would not count.")
    panel.click("applyButton")
    runs[0].on_finish(lambda run: finished.append(time.perf_counter()))
    host.process_events(until=lambda: finished, timeout=SECONDS + 60)
    host.process_events(until=lambda: ticks.gaps[-1][0] > finished[0])
    if runs[0].error is not None:
        raise runs[0].error
    applied = next(gap for gap in ticks.gaps if gap[0] <= finished[0] <= gap[1])
    before = [end - start for start, end in ticks.gaps if end <= applied[0]]
    tell(f"{len(before)} events; the five longest gaps: {[round(1000 * gap, 1) for gap in sorted(before)[-5:]]} ms")
    return {
        "longest_event_gap_ms": 1000 * max(before),
        "collection_left_out_ms": 1000 * collection_s,
        "gap_p999_ms": 1000 * float(np.quantile(before, 0.999)),
        "apply_result_s": applied[1] - applied[0],
    }


def _volume(scene: Any) -> Any:
    """Return a volume node of noise, made as Slicer's users make one: SimpleITK is not imported before the result."""
    import slicer.util

    voxels = np.random.default_rng(3).integers(-1000, 1000, tuple(reversed(SIZE)), dtype=np.int16)
    node = slicer.util.addVolumeFromArray(voxels, name="Chest")
    node.SetSpacing(0.7, 0.7, 1.0)
    return node


if __name__ == "__main__":
    run_as_command("responsiveness", run)
