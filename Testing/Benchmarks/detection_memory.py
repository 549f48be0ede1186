"""One window of a ResNet-50 RetinaNet on the CPU: forecast and real memory, and time, for each way of sparing memory.

The weights are random: what is measured does not depend on them. Each way is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from AIImagingLogic.inference.arrangement import Arrangement
from AIImagingLogic.models.retinanet.architecture import RetinaNetArchitecture
from Testing.Benchmarks.reporting import Figures, run_as_command

# As in MONAI's lung nodule bundle.
ARCHITECTURE = RetinaNetArchitecture("bottleneck", (3, 4, 6, 3), 1, 1, 3, (1, 2), (7, 7, 7), (2, 2, 1))
WINDOW = (192, 192, 80)
WAYS = {
    "at_once": Arrangement("cpu"),
    "in_parts": Arrangement("cpu", in_parts=True),
    "few_slices": Arrangement("cpu", in_parts=True, frugal=True),
    "on_disk": Arrangement("cpu", in_parts=True, frugal=True, values_on_disk=True),
}


def measured(way: str, window: tuple[int, int, int]) -> dict[str, Any]:
    """Run a window here; return forecast and peak of the process (GB), seconds, and some of the values."""
    import torch

    from AIImagingLogic.inference.activation_memory import activation_memory
    from AIImagingLogic.inference.frugal.frugal_check import frugal_memory
    from AIImagingLogic.inference.memory_forecast import network_memory
    from AIImagingLogic.inference.network import EngineSettings, Network
    from AIImagingLogic.inference.predictor import open_predictor
    from AIImagingLogic.models.retinanet.network import build_retinanet
    from AIImagingLogic.records.free_memory import no_memory_kept
    from AIImagingLogic.records.peak_memory import PeakMemory
    from Testing.Benchmarks.inference_runner import resident_peak_gb

    torch.manual_seed(11)
    network, arrangement, shape = Network(build_retinanet(ARCHITECTURE)), WAYS[way], (1, 1, *window)
    idle = PeakMemory().gigabytes
    if arrangement.frugal:
        activations = frugal_memory(network.module, shape, arrangement.values_on_disk)
    else:
        activations = activation_memory(network.module, shape)
    forecast = network_memory([activations], "torch", False, arrangement) / 1e9
    with torch.inference_mode(), no_memory_kept():
        values = torch.rand(shape)
        predictor, notes = open_predictor(network, values, EngineSettings("torch", "cpu"), arrangement)
        began = time.perf_counter()
        found = predictor(values).numpy()[0, ::101]
        seconds = time.perf_counter() - began
    assert not notes, notes
    figures = {"forecast_gb": idle + forecast, "peak_gb": resident_peak_gb(), "seconds": seconds}
    return {**figures, "values": found.astype(float).round(7).tolist()}


def run(
    tell: Callable[[str], None], window: tuple[int, int, int] = WINDOW, ways: tuple[str, ...] = tuple(WAYS)
) -> tuple[Figures, Mapping[str, Any]]:
    """Return forecast, peak and seconds of each way, and how far its values are from those of the first."""
    figures: Figures = {}
    first: np.ndarray | None = None
    for way in ways:
        found = _in_process(way, window)
        values = np.array(found.pop("values"))
        first = values if first is None else first
        found["forecast_error"] = abs(found["forecast_gb"] - found["peak_gb"]) / found["peak_gb"]
        found["largest_difference"] = float(np.abs(values - first).max())
        figures |= {f"{way}_{name}": value for name, value in found.items()}
        tell(f"{way}: {found}")
    figures["forecast_error_worst"] = max(figures[f"{way}_forecast_error"] for way in ways)
    return figures, {"window": window, "network": "RetinaNet, ResNet-50, random weights", "backend": "torch"}


def _in_process(way: str, window: tuple[int, int, int]) -> dict[str, Any]:
    command = [sys.executable, "-m", "Testing.Benchmarks.detection_memory", "--way", way, "--window", *map(str, window)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{way}: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Run all ways, or one in this process; --window gives another window than the published one."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--window", type=int, nargs=3, default=WINDOW)
    options, rest = parser.parse_known_args()
    i, j, k = options.window
    if options.way:
        print(json.dumps(measured(options.way, (i, j, k))))
        return
    sys.argv[1:] = rest
    run_as_command("detection_memory", partial(run, window=(i, j, k)))


if __name__ == "__main__":
    main()
