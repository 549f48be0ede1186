"""Job functions that wait at a gate before they do what a panel's job does, so that a test chooses the moment.

The functions are made when a worker asks for them: `gated_name` says under which name. They run in the real worker
process of the real service; only the wait is added.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from AIImagingLogic.jobs.handle import JobHandle
from AIImagingLogic.jobs.job import Job
from AIImagingLogic.jobs.service import JobService

GATE = "AIIMAGING_TEST_GATE"
STAGE = "Held at the gate"


def gated_name(function: str) -> str:
    """Return ``held_jobs:...`` for ``package.module:function``."""
    return f"{__name__}:" + function.replace(".", "__dot__").replace(":", "__colon__")


def __getattr__(name: str) -> Callable[..., Any]:
    if "__colon__" not in name:
        raise AttributeError(name)
    module, function = name.replace("__dot__", ".").split("__colon__")
    original = getattr(import_module(module), function)

    @functools.wraps(original)
    def held(**arguments: Any) -> Any:
        gate = Path(os.environ[GATE])
        while gate.exists():
            arguments["progress"].report(0.0, STAGE)
            arguments["progress"].check_cancelled()
            time.sleep(0.005)
        return original(**arguments)

    return held


class GatedService(JobService):
    """A job service whose jobs wait, in the worker, as long as its gate is closed.

    Parameters
    ----------
    folder : where the gate, a file, is
    """

    def __init__(self, folder: Path, **settings: Any) -> None:
        self._gate = folder / "gate"
        # The worker inherits it.
        os.environ[GATE] = str(self._gate)
        super().__init__(allowed=("AIImagingLogic", __name__), **settings)

    def hold(self) -> None:
        """Close the gate."""
        self._gate.touch()

    def let_go(self) -> None:
        """Open the gate."""
        self._gate.unlink(missing_ok=True)

    def submit(self, job: Job) -> JobHandle:
        """Submit the job with the wait before it."""
        return super().submit(dataclasses.replace(job, function=gated_name(job.function)))
