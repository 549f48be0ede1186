"""The one form of a benchmark's answer: a JSON line with figures, inputs, versions and machine."""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

Figures = dict[str, Any]


def shared_data() -> Path:
    """Return the folder of real images: $AIIMAGING_SHARED_DATA, else ../shared/data; end here when it is not there."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("AIIMAGING_SHARED_DATA", default))
    if not folder.is_dir():
        raise SystemExit(f"The real images are not at '{folder}'. Set AIIMAGING_SHARED_DATA.")
    return folder


def compile_extension() -> None:
    """Write the bytecode of the extension, as its first use does: what is timed is a later use."""
    root = Path(__file__).resolve().parents[2]
    for folder in ("AIImaging", "AIImagingLogic", "Testing"):
        compileall.compile_dir(root / folder, quiet=2)


def answer(benchmark: str, figures: Figures, inputs: Mapping[str, Any]) -> str:
    """Return the JSON line of a benchmark."""
    versions = {"python": platform.python_version()}
    for package in ("aiimaging", "numpy", "scipy", "SimpleITK", "slicer-core"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    machine = {"cores": os.cpu_count(), "processor": platform.processor() or platform.machine()}
    return json.dumps(
        {
            "benchmark": benchmark,
            "figures": _rounded(figures),
            "inputs": dict(inputs),
            "versions": versions,
            "machine": machine,
        }
    )


def run_as_command(benchmark: str, run: Callable[[Callable[[str], None]], tuple[Figures, Mapping[str, Any]]]) -> None:
    """Run a benchmark from the command line: details on standard error; --json leaves the details out.

    `run` gets a function that tells a line of detail, and returns figures and inputs.
    """
    parser = argparse.ArgumentParser(prog=f"python -m Testing.Benchmarks.{benchmark}")
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    arguments = parser.parse_args()
    figures, inputs = run((lambda line: None) if arguments.json else lambda line: print(line, flush=True))
    print(answer(benchmark, figures, inputs))


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value
