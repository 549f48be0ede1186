"""The job service: what a job costs beyond its own work, how soon it stops, and what 20 kills of the worker leave."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: F401 - loaded before the clock runs: an application pays for it once

from AIImagingLogic.images.info import describe
from AIImagingLogic.jobs.handle import JobHandle
from AIImagingLogic.jobs.job import ImageInput, Job
from AIImagingLogic.jobs.record_form import image_reader  # noqa: F401 - likewise
from AIImagingLogic.jobs.service import JobService
from AIImagingLogic.records.errors import AIImagingError
from Testing.Benchmarks.reporting import Figures, run_as_command

SHAPE = (300, 512, 512)
REPEATS = 9
KILLS = 20
_TASKS = "Testing.Benchmarks.job_tasks"


def run(tell: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Return the figures."""
    voxels = np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(np.int16)
    with JobService(allowed=(_TASKS,)) as service:
        figures: Figures = {}
        _finished(service, Job("Warm", f"{_TASKS}:nothing"))
        figures["submit_to_progress_ms"] = statistics.median(_to_progress_ms(service) for _ in range(REPEATS))
        first = _roundtrip_ms(service, voxels, {"facts": {"modality": "CT"}})
        figures["first_roundtrip_ms"], figures["first_decode_ms"] = first
        image = sitk.GetImageFromArray(voxels)
        ready = {"info": describe(image, "CT").to_json()}
        for _ in range(2):
            _roundtrip_ms(service, voxels, ready)
        trips = [_roundtrip_ms(service, voxels, ready) for _ in range(REPEATS)]
        tell(f"overhead and of it decoding: {[(round(trip[0]), round(trip[1])) for trip in trips]} ms")
        figures["roundtrip_overhead_ms"] = statistics.median(trip[0] for trip in trips)
        figures["decode_ms"] = statistics.median(trip[1] for trip in trips)
        figures["roundtrip_overhead_least_ms"] = min(trip[0] for trip in trips)
        cancels = _cancel_seconds(service, voxels)
        tell(f"cancel {cancels}")
        figures["cancel_s"] = max(cancels.values())
        figures["cancel_by_stage_s"] = cancels
    figures.update(_kills(voxels[:60], tell))
    return figures, {"shape": SHAPE, "voxels": "int16 in, uint8 out", "kills": KILLS}


def _image(voxels: Any, **more: Any) -> ImageInput:
    return ImageInput(voxels, (0.7, 0.7, 1.0), (0.0, 0.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1), **more)


def _finished(service: JobService, job: Job) -> Any:
    return service.submit(job).wait(120)


def _to_progress_ms(service: JobService) -> float:
    """Return the time from submitting to the first progress that comes from the worker."""
    began = time.perf_counter()
    handle = service.submit(Job("Nothing", f"{_TASKS}:nothing"))
    _wait_for(service, lambda: handle.memory_gb is not None or handle.state.ended)
    milliseconds = (time.perf_counter() - began) * 1e3
    handle.wait(60)
    return milliseconds


def _roundtrip_ms(service: JobService, voxels: Any, known: Mapping[str, Any]) -> tuple[float, float]:
    """Return what a round trip costs beyond the task's own work, submit to decoded result, and of it the decoding.

    Decoding makes the SimpleITK image of the result, whose voxels are in shared memory when the job has ended.
    """
    began = time.perf_counter()
    handle = service.submit(Job("Threshold", f"{_TASKS}:threshold", {"image": _image(voxels, **known)}))
    service.wait_for(handle, 120)
    ended = time.perf_counter()
    result = handle.result()
    decoded = time.perf_counter()
    own = float(result.provenance.parameters["seconds"])
    return (decoded - began - own) * 1e3, (decoded - ended) * 1e3


def _wait_for(service: JobService, condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("The benchmark waited in vain.")
        service.poll()
        time.sleep(0.0005)


def _cancel_seconds(service: JobService, voxels: Any) -> dict[str, float]:
    """Return the seconds from `cancel` to the state cancelled, by what the job was doing."""

    def at(stage: str) -> Callable[[JobHandle], bool]:
        return lambda handle: handle.stage == stage

    def cancelled(function: str, arguments: Mapping[str, Any], reached: Callable[[JobHandle], bool]) -> float:
        handle = service.submit(Job("Cancel", f"{_TASKS}:{function}", arguments))
        _wait_for(service, lambda: reached(handle))
        began = time.perf_counter()
        handle.cancel()
        _wait_for(service, lambda: handle.state.ended)
        return time.perf_counter() - began

    image = {"image": _image(voxels, facts={})}
    long = {"seconds": 60}
    seconds = {
        "copying": cancelled("heavy_result", image, lambda handle: True),
        "in a Python loop": cancelled("polite", long, at("Working")),
        "sending the result": cancelled("heavy_result", image, at("Sending")),
        "in C": cancelled("deaf", long, at("In C")),
        # After a kill the next worker is still starting.
        "starting the worker": cancelled("polite", long, lambda handle: handle.state == "running"),
    }
    ahead = service.submit(Job("Ahead", f"{_TASKS}:polite", long))
    seconds["queued"] = cancelled("polite", long, lambda handle: True)
    ahead.cancel()
    _wait_for(service, lambda: ahead.state.ended)
    return seconds


def _kills(voxels: Any, tell: Callable[[str], None]) -> Figures:
    """Kill the worker at random moments of a job; return how often the error was clear and the next job went well."""
    chance = random.Random(0)
    clear = fine = 0
    before = _left()
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("threshold", {"image": _image(voxels)}),
        ("heavy_result", {"image": _image(voxels)}),
        ("polite", {"seconds": 5}),
    ]
    with JobService(allowed=(_TASKS,)) as service:
        for number in range(KILLS):
            _finished(service, Job("Warm", f"{_TASKS}:nothing"))
            function, arguments = chance.choice(kinds)
            handle = service.submit(Job("Killed", f"{_TASKS}:{function}", arguments))
            _wait_for(service, lambda handle=handle: handle.memory_gb is not None or handle.state.ended)  # type: ignore[misc]
            end = time.perf_counter() + chance.uniform(0.0, 0.03)
            _wait_for(service, lambda handle=handle, end=end: time.perf_counter() > end or handle.state.ended)  # type: ignore[misc]
            for pid in _workers():
                os.kill(pid, signal.SIGKILL)
            clear += _ended_clearly(handle)
            try:
                _finished(service, Job("Next", f"{_TASKS}:threshold", {"image": _image(voxels)}))
                fine += 1
            except AIImagingError as error:
                tell(f"kill {number}: the next job failed: {error}")
    left = _left()
    tell(f"before {before}, after {left}")
    return {
        "kills": KILLS,
        "clear_errors": clear,
        "next_job_fine": fine,
        "leaks": sum(max(0, left[name] - before[name]) for name in left),
    }


def _ended_clearly(handle: JobHandle) -> bool:
    """Whether the job ended with one clear line, or had its result sent before the kill, whole."""
    try:
        handle.wait(30)
    except AIImagingError as error:
        return bool(error.what) and "\n" not in str(error)
    return True


def _workers() -> list[int]:
    """Return the workers of this process: its children that are not guards."""
    return [pid for pid, kind in _children().items() if kind == "worker"]


def _children() -> dict[int, str]:
    """Return the children of this process, the dead ones that nobody collected included: id to kind."""
    children = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # ended meanwhile
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid():
                command = (path.parent / "cmdline").read_bytes()
                kind = "zombie" if state == "Z" else "worker" if b"jobs.worker" in command else "other"
                children[int(path.parent.name)] = kind
    return children


def _left() -> dict[str, int]:
    """Return what could leak: children, open files, mapped shared memory, files in shared memory."""
    memory = Path("/dev/shm")
    maps = Path("/proc/self/maps").read_text().count("/dev/shm/")
    return {
        "children": len(_children()),
        "open files": len(list(Path("/proc/self/fd").iterdir())),
        "mappings": maps,
        "files": len(list(memory.iterdir())) if memory.is_dir() else 0,
    }


if __name__ == "__main__":
    if not sys.platform.startswith("linux"):
        raise SystemExit("This benchmark looks into /proc, which is there on Linux only.")
    run_as_command("jobs", run)
