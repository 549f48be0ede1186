"""What opening each panel costs above slicer, vtk and numpy, in a fresh process of the test host."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from Testing.Benchmarks.reporting import Figures, compile_extension, run_as_command

MODULES = ("AISegmentation", "AIDetection", "AIClassification", "AIFollowUp", "AIModels")
RUNS = 7
ROOT = Path(__file__).resolve().parents[2]
OPEN = """
import json, sys, time
import numpy, vtk, slicer, slicer.util
from Testing.Host import running
with running() as host:
    host.open_module(sys.argv[1])  # its own first use: Qt's loader of .ui files, fonts
    begin = time.perf_counter()
    host.open_module(sys.argv[2])
    print(json.dumps(1e3 * (time.perf_counter() - begin)))
"""


def run(report: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Time the opening of each module after the example module of the host has been opened in the same process."""
    compile_extension()
    example = ROOT / "Testing" / "Host" / "ExampleModule"
    figures: Figures = {"open_ms": {}}
    for name in MODULES:
        times = []
        for _ in range(RUNS):
            command = [sys.executable, "-c", OPEN, str(example), str(ROOT / "AIImaging" / name)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
            times.append(json.loads(done.stdout.strip().splitlines()[-1]))
        figures["open_ms"][name] = statistics.median(times)
        report(f"{name}: {', '.join(f'{value:.1f}' for value in times)} ms")
    figures["worst_ms"] = max(figures["open_ms"].values())
    return figures, {"runs": RUNS}


if __name__ == "__main__":
    run_as_command("panel_opening", run)
