"""All bundles of a checkout of the MONAI Model Zoo, with random weights: which run untrusted, and which trusted.

The checkout is given by ``--path`` or $AIIMAGING_MODEL_ZOO; without it the benchmark is skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from AIImagingLogic.models.formats.bundle_parts import bundle_config_file, find_parts
from AIImagingLogic.models.formats.bundle_task import bundle_task
from AIImagingLogic.records.errors import ModelError
from Testing.Benchmarks.reporting import Figures, answer

SECONDS = 420.0
TASKS = ("segment", "classify", "detect")
_VARIABLE = "AIIMAGING_MODEL_ZOO"


def run(tell: Callable[[str], None], path: Path, names: list[str]) -> tuple[Figures, Mapping[str, Any]]:
    """Run each bundle in a process of its own; return the shares that run, and why the others do not."""
    folders = [path / "models"] if (path / "models").is_dir() else [path]
    bundles = sorted(item for folder in folders for item in folder.iterdir() if bundle_config_file(item))
    rows: dict[str, dict[str, Any]] = {}
    left_out = []
    for bundle in bundles:
        if names and bundle.name not in names:
            continue
        if _task(bundle) not in TASKS:
            left_out.append(bundle.name)
            continue
        rows[bundle.name] = row = _row(bundle)
        tell(json.dumps({bundle.name: row}))
    count = max(len(rows), 1)
    figures: Figures = {
        "untrusted_share": sum(row["untrusted"] == "ran" for row in rows.values()) / count,
        "trusted_share": sum(row["trusted"] == "ran" for row in rows.values()) / count,
        "bundles": len(rows),
        "untrusted_not_run": {name: row["untrusted"] for name, row in rows.items() if row["untrusted"] != "ran"},
        "trusted_not_run": {name: row["trusted"] for name, row in rows.items() if row["trusted"] != "ran"},
        "of_other_tasks": left_out,
    }
    return figures, {"seconds_limit": SECONDS, "ran": rows}


def _task(bundle: Path) -> str:
    try:
        return bundle_task(find_parts(bundle))
    except ModelError:
        # Generative bundles describe several networks, none of which stands alone.
        return "other"


def _row(bundle: Path) -> dict[str, Any]:
    """Return what became of a bundle: ``ran``, or the reason why not."""
    command = [sys.executable, "-m", "Testing.Benchmarks.zoo_bundle", str(bundle)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return {"untrusted": f"not done after {SECONDS:g} s", "trusted": f"not done after {SECONDS:g} s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if lines:
        found: dict[str, Any] = json.loads(lines[-1])
        return found
    said = done.stderr.strip().splitlines()[-1:] or [f"the process ended with {done.returncode}"]
    return {"untrusted": f"failed: {said[0][:300]}", "trusted": f"failed: {said[0][:300]}"}


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Benchmarks.zoo", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    parser.add_argument("--path", type=Path, default=os.environ.get(_VARIABLE), help="the checkout of the Model Zoo")
    parser.add_argument("names", nargs="*", help="bundles; all unless given")
    arguments = parser.parse_args()
    if arguments.path is None or not arguments.path.is_dir():
        print(answer("zoo", {"skipped": f"no checkout of the Model Zoo: give --path or ${_VARIABLE}"}, {}))
        return
    tell = (lambda line: None) if arguments.json else (lambda line: print(line, flush=True))
    figures, inputs = run(tell, arguments.path, arguments.names)
    print(answer("zoo", figures, inputs))


if __name__ == "__main__":
    main()
