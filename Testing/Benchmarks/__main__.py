"""Run every benchmark, or those named, each in a process of its own, and print a table of the figures."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

from rich.console import Console
from rich.table import Table

_BENCHMARKS = (
    "apply_result",
    "attacks",
    "click_latency",
    "clicks",
    "criteria",
    "demo_truth",
    "detection_memory",
    "detector",
    "detector_real",
    "detector_speed",
    "dicom_roundtrip",
    "findings_roundtrip",
    "findings_scale",
    "finetune",
    "followup_speed",
    "froc_oracle",
    "geometry",
    "haemorrhage",
    "inference",
    "interactive",
    "jobs",
    "lesion_change",
    "memory",
    "multi_view",
    "panel_opening",
    "real_ct",
    "real_models",
    "registration",
    "registration_lesions",
    "responsiveness",
    "timelines",
    "uncertainty",
    "zoo",
)


def main() -> int:
    """Run them; return 1 when one of them failed to run. A missed target is a figure, not a failure."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(_BENCHMARKS))
    names = parser.parse_args().names or _BENCHMARKS
    if unknown := set(names) - set(_BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    table = Table("Benchmark", "Figure", "Value")
    failed = 0
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", f"Testing.Benchmarks.{name}", "--json"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            failed = 1
            table.add_row(name, "failed", run.stderr.strip().splitlines()[-1] if run.stderr.strip() else "")
            continue
        line = run.stdout.strip().splitlines()[-1]
        print(line, flush=True)
        for figure, value in json.loads(line)["figures"].items():
            table.add_row(name, figure, json.dumps(value))
    Console().print(table)
    return failed


if __name__ == "__main__":
    sys.exit(main())
