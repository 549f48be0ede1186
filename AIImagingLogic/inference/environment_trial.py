"""Packages loaded for trial in a process of their own, with a time limit, and what their failures mean."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from AIImagingLogic.inference.environment_names import without_names
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.resources import load_resource

_PROBE = Path(__file__).with_name("environment_probe.py")
_LOOK_EVERY_S = 0.03
# The process ends itself at its limit; this much later it is ended from here.
_GRACE_S = 5.0
_TAIL = 4000
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Trial:
    """How loading a package went.

    Attributes
    ----------
    package : its name
    outcome : ``works``, ``fails``, ``hangs`` or ``crashes``
    stage : where it stopped, such as ``loading``
    reason : what it said, or the signal that ended it; without the user's name
    answer : what the trial found out, such as torch's CUDA version
    """

    package: str
    outcome: str
    stage: str
    reason: str
    answer: Mapping[str, Any]


@dataclass(frozen=True)
class Explanation:
    """Why a package does not load, and what to do."""

    code: str
    why: str
    advice: str


def python_program() -> str:
    """Return the program that runs Python scripts: in Slicer it is PythonSlicer, not the application."""
    return shutil.which("PythonSlicer") or sys.executable


def try_package(
    package: str, module: str, search_path: Sequence[str], limit_s: float, progress: Progress | None = None
) -> Trial:
    """Load `module` in a process of its own, which ends after `limit_s` seconds at the latest.

    Raises
    ------
    Cancelled
        The user cancelled; the process is gone.
    """
    with tempfile.TemporaryDirectory(prefix="aiimaging-trial-", ignore_cleanup_errors=True) as folder:
        answer_file, request_file = Path(folder, "answer.json"), Path(folder, "request.json")
        request = {
            "module": module,
            "package": package,
            "search_path": list(search_path),
            "answer": str(answer_file),
            "limit_s": limit_s,
        }
        request_file.write_text(json.dumps(request), encoding="utf-8")
        with (Path(folder) / "messages").open("w+b") as messages:
            code = _run([python_program(), str(_PROBE), str(request_file)], messages, limit_s, progress)
            messages.seek(0, os.SEEK_END)
            messages.seek(max(0, messages.tell() - _TAIL))
            said = messages.read().decode("utf-8", errors="replace")
        answer = json.loads(answer_file.read_text(encoding="utf-8")) if answer_file.is_file() else {}
    return _trial(package, code, answer, said)


def explain(trial: Trial) -> Explanation:
    """Return what a failed trial means."""
    for entry in load_resource("environment/import_failures.json"):
        if re.search(entry["pattern"], trial.reason):
            return Explanation(entry["code"], entry["why"], entry["advice"])
    if trial.outcome == "hangs":
        why = "A run that needs it would never begin. A network drive or a virus scanner can be the cause."
        return Explanation(
            "hangs", why, "Restart the computer and check again. If it stays: Install the package again."
        )
    if trial.outcome == "crashes" and "SIGILL" in trial.reason:
        why = "It uses instructions that this computer's processor does not have."
        return Explanation("processor-too-old", why, "Install an older version of the package.")
    why = "Whatever needs it fails; AI Imaging runs such work in a process of its own, so Slicer itself is safe."
    return Explanation("not-loadable", why, "Install the package again.")


def _run(command: list[str], messages: Any, limit_s: float, progress: Progress | None) -> int | None:
    """Return the exit code, None when the process had to be ended."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=messages,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    deadline = time.monotonic() + limit_s + _GRACE_S
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(_LOOK_EVERY_S)
            if progress is not None:
                progress.check_cancelled()
        return None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _trial(package: str, code: int | None, answer: Mapping[str, Any], said: str) -> Trial:
    stage = str(answer.get("stage", "starting Python"))
    if stage == "done":
        # What a package does while its process ends, after its work, harms no run.
        return Trial(package, "works", stage, "", answer)
    if answer.get("error"):
        return Trial(
            package, "fails", stage, without_names(" ".join(str(answer["error"]).split()))[:_LONGEST_REASON], answer
        )
    # faulthandler says so when it ends a process that passed its limit.
    if code is None or "Timeout (" in said:
        return Trial(package, "hangs", stage, "It was still busy when its time was up.", answer)
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")
    return Trial(package, "crashes", stage, without_names(f"{_ending(code)} {last}".strip())[:_LONGEST_REASON], answer)


def _ending(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"ended by {signal.Signals(-code).name}."
    return f"ended with code {code & 0xFFFFFFFF:#x}." if code < 0 or code > 255 else f"ended with code {code}."
