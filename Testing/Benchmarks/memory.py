"""The memory forecast beside what a run really took, and runs that are given too little memory.

Each run is a process of its own. Resident memory is counted: the forecast error is that of the peak of the process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from Testing.Benchmarks.inference import class_dice
from Testing.Benchmarks.reporting import Figures, run_as_command


@dataclass(frozen=True)
class Case:
    """One model and volume. `window` and `size` are in voxels, `size` along i, j, k."""

    architecture: str
    features: int
    classes: int
    window: int
    size: tuple[int, int, int]
    spacing_mm: float
    backend: str


CASES = (
    Case("unet", 16, 2, 96, (256, 256, 150), 2.0, "torch"),
    Case("unet", 16, 14, 96, (256, 256, 150), 2.0, "torch"),
    Case("unet", 16, 14, 96, (256, 256, 150), 2.0, "openvino"),
    Case("unet", 8, 40, 64, (256, 256, 100), 1.5, "torch"),
    Case("unet", 8, 4, 64, (400, 400, 100), 2.0, "openvino"),
    Case("basic", 16, 3, 96, (200, 200, 120), 2.0, "torch"),
    Case("basic", 16, 3, 96, (200, 200, 120), 2.0, "openvino"),
    Case("basic", 8, 20, 64, (300, 300, 120), 2.0, "torch"),
    Case("segres", 8, 5, 64, (256, 256, 150), 2.0, "torch"),
    Case("segres", 8, 5, 64, (256, 256, 150), 2.0, "openvino"),
)


def case_network(case: Case) -> Any:
    """Return the network with random weights, always the same."""
    import torch
    from monai.networks import nets

    torch.manual_seed(11)
    width = case.features
    if case.architecture == "unet":
        channels = (width, 2 * width, 4 * width, 8 * width)
        module = nets.UNet(3, 1, case.classes, channels, (2, 2, 2), num_res_units=2, norm="batch")
    elif case.architecture == "basic":
        features = (width, width, 2 * width, 4 * width, 8 * width, width)
        module = nets.BasicUNet(3, 1, case.classes, features)
    else:
        module = nets.SegResNet(3, width, 1, case.classes)
    return module.eval()


def measured_run(case: Case, budget: int | None, labels: Path | None) -> dict[str, Any]:
    """Run here and return peak, forecast and idle memory (bytes) and the notes."""
    from AIImagingLogic.inference import engine
    from AIImagingLogic.inference.intensity import ScaleRange
    from AIImagingLogic.inference.network import EngineSettings, Network
    from AIImagingLogic.inference.recipe import NetworkRecipe
    from AIImagingLogic.records.peak_memory import PeakMemory
    from AIImagingLogic.records.progress import Progress
    from Testing.Benchmarks.inference_runner import resident_peak_gb

    noise = np.random.default_rng(1).normal(0.0, 1.0, case.size[::-1]).astype(np.float32)
    image = sitk.Cast(sitk.RecursiveGaussian(sitk.GetImageFromArray(noise), 3.0) * 3000, sitk.sitkInt16)
    del noise
    network = Network(case_network(case))
    # What a warm worker has loaded before a run begins.
    if case.backend == "openvino":
        import openvino  # noqa: F401
    recipe = NetworkRecipe(
        1,
        case.classes,
        tuple(range(case.classes)),
        axes="RAS",
        spacing_mm=(case.spacing_mm,) * 3,
        intensity=((ScaleRange(-1000, 1000),),),
        window=(case.window,) * 3,
        overlap=0.25,
    )
    settings = EngineSettings(backend=case.backend, device="cpu", memory_budget_bytes=budget)  # type: ignore[arg-type]
    idle = PeakMemory().gigabytes * 1e9
    forecast = engine.forecast_run([image], [network], recipe, settings)
    output = engine.run_network([image], [network], recipe, settings, Progress())
    if labels is not None:
        np.save(labels, sitk.GetArrayViewFromImage(output.labels))
    return {
        "idle": idle,
        "forecast": idle + forecast.total,
        "parts": asdict(forecast),
        "peak": resident_peak_gb() * 1e9,
        "notes": output.notes,
    }


def run(tell: Callable[[str], None], numbers: Sequence[int] = ()) -> tuple[Figures, Mapping[str, Any]]:
    """Return the worst error of the forecast and what the ladder did with half of the memory.

    `numbers`: of the cases; none: all.
    """
    cases = {number: CASES[number] for number in numbers or range(len(CASES))}
    errors, dices, over = [], [], []
    # Share of voxels with another label, of runs by what their notes promise: the same labels, or all but for rounding.
    streamed: list[float] = []
    rounded: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, case in cases.items():
            whole, spared = Path(folder) / "whole.npy", Path(folder) / "spared.npy"
            full = _in_process(number, None, whole)
            errors.append(abs(full["forecast"] - full["peak"]) / full["peak"])
            budget = int((full["idle"] + full["forecast"]) / 2)
            less = _in_process(number, budget, spared)
            dices.append(min(class_dice(np.load(whole), np.load(spared), case.classes)))
            over.append(less["peak"] / budget)
            if not any("windows of" in note for note in less["notes"]):
                only_streams = not any("but for rounding" in note for note in less["notes"])
                differing = float(np.mean(np.load(whole) != np.load(spared)))
                (streamed if only_streams else rounded).append(differing)
                tell(f"{'streamed' if only_streams else 'rounded'}: {differing:.2e} of voxels differ")
            tell(f"{full}\n  {less}")
            tell(f"{number}: {case}\n  error {errors[-1]:.3f}, dice {dices[-1]:.4f}, peak over budget {over[-1]:.2f}")
    figures: Figures = {
        "forecast_error_worst": max(errors),
        "ladder_finished_share": len(dices) / len(cases),
        "worst_class_dice": min(dices),
        "streamed_only_runs": len(streamed),
        "streamed_only_labels_equal": not any(streamed) if streamed else None,
        "rounding_only_runs": len(rounded),
        "rounding_only_voxels_differing_worst": max(rounded, default=None),
        "peak_over_budget_worst": max(over),
    }
    return figures, {"cases": [asdict(case) for case in cases.values()], "weights": "random"}


def _in_process(number: int, budget: int | None, labels: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "Testing.Benchmarks.memory", "--case", str(number), "--labels", str(labels)]
    command += ["--budget", str(budget)] if budget else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"Case {number}: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Run all cases, or one in this process."""
    if "--case" not in sys.argv:
        # Some cases alone, as --cases 1,5,8: what is left of the line is every benchmark's own.
        chosen: list[int] = []
        if "--cases" in sys.argv:
            at = sys.argv.index("--cases")
            chosen = [int(number) for number in sys.argv[at + 1].split(",")]
            del sys.argv[at : at + 2]
        run_as_command("memory", partial(run, numbers=chosen))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", type=int, required=True)
    parser.add_argument("--budget", type=int)
    parser.add_argument("--labels", type=Path)
    options = parser.parse_args()
    print(json.dumps(measured_run(CASES[options.case], options.budget, options.labels)))


if __name__ == "__main__":
    main()
