"""Peak resident memory of a stretch of code, sampled, so that nested stretches do not disturb each other."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

_SAMPLE_SECONDS = 0.02


class PeakMemory:
    """The largest resident memory seen so far, in GB (1e9 bytes)."""

    def __init__(self) -> None:
        self.gigabytes = _resident_gigabytes()

    def sample(self) -> None:
        """Look once."""
        self.gigabytes = max(self.gigabytes, _resident_gigabytes())


@contextlib.contextmanager
def measured_peak() -> Iterator[PeakMemory]:
    """Sample the resident memory of this process every 20 ms until the block ends."""
    peak = PeakMemory()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            peak.sample()

    watcher = threading.Thread(target=watch, name="aiimaging-peak-memory", daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()
        peak.sample()


def _resident_gigabytes() -> float:
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        import resource

        return pages * resource.getpagesize() / 1e9
    if sys.platform == "win32":
        return 0.0  # not known without a further package; 0 is shown as 'not measured'
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9
