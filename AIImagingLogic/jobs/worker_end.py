"""What to tell when a worker ended on its own."""

from __future__ import annotations

import signal
from pathlib import Path

from AIImagingLogic.jobs.error_form import out_of_memory, says_out_of_memory
from AIImagingLogic.records.errors import JobFailed, WorkerLost


def memory_kills() -> int | None:
    """Return how often this system killed a process for want of memory since it started; None where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def lost_worker(code: int | None, stage: str, tail: str, log: Path, kills_before: int | None) -> JobFailed:
    """Return the error for a worker that ended during `stage`.

    Parameters
    ----------
    code : exit code as `subprocess` gives it, negative for a signal; None when it is not known
    tail : the last lines of its log
    kills_before : `memory_kills` when the job began
    """
    if code is not None and 128 < code < 160:
        code = 128 - code  # as a launcher in between tells of a signal
    killed = code == -9
    if says_out_of_memory(tail) or (killed and kills_before is not None and (memory_kills() or 0) > kills_before):
        error: JobFailed = out_of_memory()
    else:
        error = WorkerLost(
            f"The worker process {_manner(code)} during '{stage}'.",
            f"Run again; if it happens again, report it with the log file '{log}'.",
        )
    error.details = tail
    return error


def _manner(code: int | None) -> str:
    if code is None:
        return "was lost"
    if code >= 0:
        return f"ended itself with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was ended by {name} ({signal.strsignal(-code)})" if name != f"signal {-code}" else f"was ended by {name}"
