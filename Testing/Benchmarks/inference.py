"""Our engine beside MONAI's own pipeline, and beside the network's own time.

``--peer monai`` runs both on a chest CT of 512 x 512 x 300 voxels, each run in a process of its own, turn by turn.
``--peer nnunet`` runs a model of nnU-Net v2 by us and by nnU-Net's own predictor.
``--limit`` compares a run with the time that the network itself takes, and that with what the processor can do.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from Testing.Benchmarks.inference_network import CLASS_COUNTS, OVERLAP, SPACING_MM, WINDOW, trained_weights
from Testing.Benchmarks.inference_nnunet import against_nnunet
from Testing.Benchmarks.reporting import Figures, answer, shared_data

SIZE = (512, 512, 300)
TURNS = 3
_CT = "chest_ct/lidc0314_ct_whole_1p6mm.nii.gz"
_BACKENDS = ("openvino", "torch")


def resampled_ct(size: Sequence[int], path: Path) -> None:
    """Write the real CT resampled to `size` voxels with the same field of view."""
    image = sitk.ReadImage(str(shared_data() / _CT))
    spacing = [count * step / new for count, step, new in zip(image.GetSize(), image.GetSpacing(), size)]
    resample = sitk.ResampleImageFilter()
    resample.SetReferenceImage(image)
    resample.SetSize([int(count) for count in size])
    resample.SetOutputSpacing(spacing)
    resample.SetInterpolator(sitk.sitkLinear)
    resample.UseNearestNeighborExtrapolatorOn()
    sitk.WriteImage(resample.Execute(image), str(path))


def one_run(who: str, classes: int, image: Path, labels: Path, *more: str) -> dict[str, Any]:
    """Run in a process of its own and return what it says of itself."""
    command = [sys.executable, "-m", "Testing.Benchmarks.inference_runner", who, str(classes), str(image), str(labels)]
    done = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{who}, {classes} classes: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def class_dice(first: NDArray[Any], second: NDArray[Any], classes: int) -> list[float]:
    """Return the Dice overlap of each class that is in either."""
    pairs = np.bincount(first.ravel().astype(np.int64) * classes + second.ravel(), minlength=classes**2)
    table = pairs.reshape(classes, classes)
    sums = table.sum(0) + table.sum(1)
    return [2.0 * float(table[each, each] / sums[each]) for each in range(classes) if sums[each]]


def against_monai(tell: Callable[[str], None], size: Sequence[int], turns: int) -> tuple[Figures, Mapping[str, Any]]:
    """Return ratios of time and memory, and the overlap of labels, the worse of all class counts."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "ct.nii.gz"
        resampled_ct(size, image)
        for classes in CLASS_COUNTS:
            trained_weights(classes)
            # Compiles and fills the cache; told apart, as a user meets it once a model.
            first = one_run("openvino", classes, image, Path(folder) / "first.npy")
            tell(f"{classes} classes, first run: {first}")
            runs: dict[str, list[dict[str, Any]]] = {who: [] for who in ("monai", *_BACKENDS)}
            for _ in range(turns):
                for who, found in runs.items():
                    found.append(one_run(who, classes, image, Path(folder) / f"{who}.npy"))
                    tell(f"{classes} classes, {who}: {found[-1]}")
            figures.update(_compared(runs, first, classes, Path(folder)))
    for name in ("time_ratio", "peak_memory_ratio"):
        figures[name] = max(figures[f"{name}_openvino_{classes}"] for classes in CLASS_COUNTS)
    figures["worst_class_dice"] = min(
        figures[f"worst_class_dice_{backend}_{classes}"] for classes in CLASS_COUNTS for backend in _BACKENDS
    )
    inputs = {"ct": _CT, "size": list(size), "classes": list(CLASS_COUNTS), "turns": turns, **_setting()}
    return figures, inputs


def _compared(runs: Mapping[str, Sequence[Any]], first: Mapping[str, Any], classes: int, folder: Path) -> Figures:
    def middle(who: str, what: str) -> float:
        return statistics.median(run[what] for run in runs[who])

    figures: Figures = {
        f"monai_s_{classes}": middle("monai", "seconds"),
        f"monai_peak_gb_{classes}": middle("monai", "peak_gb"),
        f"first_run_time_ratio_{classes}": first["seconds"] / middle("monai", "seconds"),
    }
    peer = np.load(folder / "monai.npy")
    for backend in _BACKENDS:
        # Turn by turn: other work on the machine then weighs on both.
        pairs = zip(runs[backend], runs["monai"])
        figures[f"time_ratio_{backend}_{classes}"] = statistics.median(a["seconds"] / b["seconds"] for a, b in pairs)
        figures[f"peak_memory_ratio_{backend}_{classes}"] = middle(backend, "peak_gb") / middle("monai", "peak_gb")
        figures[f"s_{backend}_{classes}"] = middle(backend, "seconds")
        figures[f"peak_gb_{backend}_{classes}"] = middle(backend, "peak_gb")
        ours = np.load(folder / f"{backend}.npy")
        figures[f"worst_class_dice_{backend}_{classes}"] = min(class_dice(ours, peer, classes))
    return figures


def limit(tell: Callable[[str], None], size: Sequence[int], turns: int) -> tuple[Figures, Mapping[str, Any]]:
    """Return how much longer a run takes than its network alone, whose arithmetic stands beside the processor's.

    In a run the network computes while other things are done; so it is timed by itself, after each run, on as many
    windows.
    """
    classes = CLASS_COUNTS[-1]
    gflop = window_gflop(classes)
    with tempfile.TemporaryDirectory() as folder:
        image, labels = Path(folder) / "ct.nii.gz", Path(folder) / "labels.npy"
        resampled_ct(size, image)
        one_run("openvino", classes, image, labels)
        runs = [one_run("openvino", classes, image, labels, "--alone") for _ in range(turns)]
    for run in runs:
        tell(str(run))
    peaks = [machine_peak_gflops() for _ in range(3)]
    figures: Figures = {
        "wall_over_network_time": statistics.median(run["engine_seconds"] / run["alone_seconds"] for run in runs),
        "with_reading_over_network_time": statistics.median(run["seconds"] / run["alone_seconds"] for run in runs),
        "network_s": statistics.median(run["alone_seconds"] for run in runs),
        "network_gflops": statistics.median(run["windows"] * gflop / run["alone_seconds"] for run in runs),
        "machine_peak_gflops": max(peaks),
    }
    return figures, {"ct": _CT, "size": list(size), "classes": classes, "turns": turns, **_setting()}


def window_gflop(classes: int) -> float:
    """Return the arithmetic of one window, 1e9 operations (a multiplication and an addition are two)."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from Testing.Benchmarks.inference_network import network_module

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network_module(classes).eval()(torch.zeros(1, 1, *WINDOW))
    return counter.get_total_flops() / 1e9


def machine_peak_gflops(size: int = 3072) -> float:
    """Return what all cores reach in a large matrix product in single precision."""
    import torch

    first, second = torch.rand(size, size), torch.rand(size, size)
    first @ second
    began = time.perf_counter()
    first @ second
    return 2 * size**3 / (time.perf_counter() - began) / 1e9


def _setting() -> dict[str, Any]:
    packages = {name: metadata.version(name) for name in ("torch", "monai", "openvino")}
    network = "monai UNet (16, 32, 64, 128, 256), 2 residual units, batch norm"
    layout = {"window": WINDOW, "overlap": OVERLAP, "spacing_mm": SPACING_MM}
    return {"network": network, **layout, **packages, "load_average": os.getloadavg()[0]}


def main() -> None:
    """Run one of the comparisons and print its JSON line."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Benchmarks.inference", description=__doc__)
    parser.add_argument("--peer", choices=["monai", "nnunet"], default="monai")
    parser.add_argument("--limit", action="store_true")
    parser.add_argument("--size", type=int, nargs=3, default=SIZE, metavar="VOXELS")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--no-mirroring", action="store_true", help="leave nnU-Net's mirrored runs out")
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    options = parser.parse_args()
    nnunet = partial(against_nnunet, mirroring=not options.no_mirroring)
    peers: dict[str, Callable[..., Any]] = {"monai": against_monai, "nnunet": nnunet}
    compare = limit if options.limit else peers[options.peer]
    tell = (lambda line: None) if options.json else (lambda line: print(line, flush=True))
    figures, inputs = compare(tell, options.size, options.turns)
    print(answer("inference", figures, inputs))


if __name__ == "__main__":
    main()
