"""Our registration across modalities beside its peers, turn by turn on real images with known fields between them."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from Testing.Benchmarks.registration_method import PEERS, THREADS
from Testing.Benchmarks.registration_pairs import AMPLITUDES_MM, KINDS, Kind, known_pair
from Testing.Benchmarks.registration_runs import FinishedRuns, Run
from Testing.Benchmarks.reporting import Figures, answer, shared_data

_ROOT = Path(__file__).resolve().parents[2]
_PEER_PYTHON = _ROOT / ".venv-peers" / "bin" / "python"
# A peer beats us on a kind of pair when it is faster and better by more than this.
_BETTER_MM = 0.1
_QUICK = 2
_SECONDS = 3600
# The middle one first: what is finished early is typical.
_ORDER = (2, 0, 4, 1, 3)


def registered(method: str, folder: Path, targets: np.ndarray, preset: str) -> Run:
    """Return seconds, memory and mean target error of one method on the pair in `folder`."""
    python = sys.executable if method == "ours" else str(_PEER_PYTHON)
    command = [python, "-m", "Testing.Benchmarks.registration_method", method, str(folder), "--preset", preset]
    threads = {name: str(THREADS) for name in ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")}
    done = subprocess.run(
        command, cwd=_ROOT, env={**os.environ, **threads}, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"{method} failed ({done.returncode}): {done.stderr.strip().splitlines()[-1:]}")
    run: Run = json.loads(done.stdout.strip().splitlines()[-1])
    run["error_mm"] = float(np.linalg.norm(np.load(folder / "found.npy") - targets, axis=1).mean())
    return run


def measure(
    kinds: Sequence[Kind],
    numbers: Sequence[int],
    methods: Sequence[str],
    finished: FinishedRuns,
    tell: Callable[[str], None],
) -> None:
    """Add the runs that are missing: the methods in turn on each pair, one deformation of all kinds, then the next."""
    for number in sorted(numbers, key=_ORDER.index):
        for kind in kinds:
            amplitude = AMPLITUDES_MM[number]
            missing = [method for method in methods if finished.of(kind.name, amplitude, method) is None]
            if not missing:
                continue
            pair = known_pair(shared_data(), kind, number)
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                sitk.WriteImage(pair.fixed, str(folder / "fixed.mha"))
                sitk.WriteImage(pair.moving, str(folder / "moving.mha"))
                np.save(folder / "points.npy", pair.points)
                start = float(np.linalg.norm(pair.points - pair.targets, axis=1).mean())
                tell(f"{kind.name}, {amplitude:.0f} mm: {start:.2f} mm at the start")
                for method in missing:
                    run = registered(method, folder, pair.targets, kind.preset)
                    finished.add(kind.name, amplitude, method, {**run, "start_mm": start})
                    tell(
                        f"  {method}: {run['error_mm']:.2f} mm, {run['seconds']:.1f} s "
                        f"({run['cpu_seconds']:.1f} s of processor), {run['peak_gb']:.2f} GB"
                    )


def figures_of(runs: Mapping[str, Mapping[str, list[Run]]]) -> Figures:
    """Return means by kind, how often a peer beats us, and our ratios to convexAdam (of means over all pairs)."""

    def mean(kind: str, method: str, figure: str) -> float:
        return statistics.fmean(run[figure] for run in runs[kind][method])

    def ratio(figure: str) -> float:
        total = {
            method: sum(run[figure] for kind in runs.values() for run in kind[method])
            for method in ("ours", "convexAdam")
        }
        return total["ours"] / total["convexAdam"]

    methods = list(next(iter(runs.values())))
    peers = [method for method in methods if method != "ours"]
    beaten = [
        f"{peer}, {kind}"
        for kind in runs
        for peer in peers
        if mean(kind, peer, "seconds") < mean(kind, "ours", "seconds")
        and mean(kind, peer, "error_mm") < mean(kind, "ours", "error_mm") - _BETTER_MM
    ]
    figures: Figures = {
        "target_error_mm": {kind: {method: mean(kind, method, "error_mm") for method in methods} for kind in runs},
        "seconds": {kind: {method: mean(kind, method, "seconds") for method in methods} for kind in runs},
        "beaten_by": len(beaten),
        "beaten_by_whom": beaten,
        "start_mm": {kind: mean(kind, "ours", "start_mm") for kind in runs},
        "folding_share": max(run["folding_share"] for kind in runs.values() for run in kind["ours"]),
    }
    if "convexAdam" in methods:
        figures["error_ratio"] = ratio("error_mm")
        figures["time_ratio"] = ratio("seconds")
        figures["processor_time_ratio"] = ratio("cpu_seconds")
        figures["peak_memory_ratio"] = ratio("peak_gb")
    return figures


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Benchmarks.registration", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    parser.add_argument("--quick", action="store_true", help="one deformation a kind, for trying")
    parser.add_argument("--kind", action="append", choices=[kind.name for kind in KINDS], help="only this kind of pair")
    parser.add_argument("--method", action="append", choices=list(PEERS), help="only this peer beside ours")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="finished runs are kept there, and not run again")
    parser.add_argument("--figures-only", action="store_true", help="run nothing: figures of what --keep holds")
    arguments = parser.parse_args()
    if not _PEER_PYTHON.exists() and not arguments.figures_only:
        raise SystemExit("The peers are not installed: run 'make peers' first.")
    kinds = [kind for kind in KINDS if not arguments.kind or kind.name in arguments.kind]
    numbers = [_QUICK] if arguments.quick else list(range(len(AMPLITUDES_MM)))
    methods = ["ours", *(arguments.method or PEERS)]
    tell: Callable[[str], None] = (lambda line: None) if arguments.json else lambda line: print(line, flush=True)
    finished = FinishedRuns(arguments.keep)
    if not arguments.figures_only:
        measure(kinds, numbers, methods, finished, tell)
    amplitudes = [AMPLITUDES_MM[number] for number in numbers]
    runs = finished.complete([kind.name for kind in kinds], amplitudes, methods)
    if not runs:
        raise SystemExit("No pair has been finished by all methods.")
    inputs = {
        "kinds": {kind.name: {"moving": kind.moving, "fixed": kind.fixed, "averaged": kind.factors} for kind in kinds},
        "deformations_mm": amplitudes,
        "pairs": {kind: len(of_kind["ours"]) for kind, of_kind in runs.items()},
        "intensities": "gamma 0.75-1.3, shading 15%, noise 2%",
        "threads": THREADS,
    }
    print(answer("registration", figures_of(runs), inputs))


if __name__ == "__main__":
    main()
