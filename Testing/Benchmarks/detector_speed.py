"""How long the nodule detector takes on a CT of 512 x 512 x 300, in what memory, and beside plain MONAI inference.

The network of both is the same, on the same lungs and grid; each run is a process of its own, turn by turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.images.phantoms.chest_pair import demo_recipe, make_chest_pair
from AIImagingLogic.images.phantoms.scanner_noise import scanner_noise
from AIImagingLogic.models.builtin.ct_lung_nodules_net import CTLungNodulesNet, shipped_runner
from AIImagingLogic.models.builtin.nodule_network.lung_grid import lungs_on_grid, network_input
from AIImagingLogic.models.catalogue import load_model, model_card
from AIImagingLogic.records.progress import Progress
from Testing.Benchmarks.inference_runner import resident_peak_gb
from Testing.Benchmarks.reporting import Figures, answer

SIZE = (512, 512, 300)
TURNS = 3
_COARSE_MM = (1.4, 2.0)
_NOISE_HU = 20.0
_WINDOW, _OVERLAP = 96, 0.25
OURS, MONAI = "ours", "monai"


def run(tell: Callable[[str], None], turns: int = TURNS) -> tuple[Figures, Mapping[str, Any]]:
    """Return medians of `turns` runs of each."""
    told: dict[str, list[dict[str, float]]] = {OURS: [], MONAI: []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chest.mha"
        sitk.WriteImage(large_chest(), str(path))
        for turn in range(turns):
            for who in (OURS, MONAI):
                command = [sys.executable, "-m", "Testing.Benchmarks.detector_speed", "--child", who, str(path)]
                output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                told[who].append(json.loads(output.strip().splitlines()[-1]))
                tell(f"turn {turn + 1}, {who}: {told[who][-1]}")

    def median(who: str, name: str) -> float:
        return statistics.median(each[name] for each in told[who])

    figures: Figures = {
        "seconds": median(OURS, "seconds"),
        "lungs_seconds": median(OURS, "lungs_seconds"),
        "network_seconds": median(OURS, "network_seconds"),
        "peak_gb": max(each["peak_gb"] for each in told[OURS]),
        "monai_network_seconds": median(MONAI, "network_seconds"),
        "monai_peak_gb": max(each["peak_gb"] for each in told[MONAI]),
        "ratio_to_monai": median(OURS, "network_seconds") / median(MONAI, "network_seconds"),
    }
    return figures, {"size": SIZE, "turns": turns, "monai_window": _WINDOW, "monai_overlap": _OVERLAP}


def large_chest() -> sitk.Image:
    """Return the demo chest on `SIZE` voxels: made coarsely, since only its size matters here, and given noise."""
    coarse = make_chest_pair(demo_recipe().coarser(*_COARSE_MM)).baseline
    extent_mm = np.array(coarse.GetSize()) * coarse.GetSpacing()
    spacing = extent_mm / np.array(SIZE)
    image = sitk.Resample(
        coarse,
        SIZE,
        sitk.Transform(),
        sitk.sitkLinear,
        coarse.GetOrigin(),
        spacing.tolist(),
        coarse.GetDirection(),
        -1000.0,
        sitk.sitkFloat32,
    )
    voxels = sitk.GetArrayFromImage(image)
    voxels += scanner_noise(voxels.shape, spacing, _NOISE_HU, np.random.default_rng(4))
    result = sitk.GetImageFromArray(np.clip(np.rint(voxels), -1024, 3071).astype(np.int16))
    result.CopyInformation(image)
    return result


def detect_once(path: Path) -> dict[str, float]:
    """Return seconds and memory of lungs and detector, from the image in memory to the marks."""
    image = sitk.ReadImage(str(path))
    info = describe(image, modality="CT", intensity_unit="HU")
    runner = _TimedRunner()
    detector = CTLungNodulesNet(model_card("ct-lung-nodules-net"), runner=runner)
    began = time.perf_counter()
    organs = load_model("ct-lungs").segment(image, info, Progress())
    lungs = time.perf_counter()
    marks = detector.detect(image, info, organs, Progress())
    ended = time.perf_counter()
    return {
        "seconds": ended - began,
        "lungs_seconds": lungs - began,
        "network_seconds": runner.seconds,
        "peak_gb": resident_peak_gb(),
        "marks": len(marks),
    }


def monai_once(path: Path) -> dict[str, float]:
    """Return seconds and memory of MONAI's sliding window over the same lungs with the same network."""
    import torch
    from monai.inferers import sliding_window_inference

    image = sitk.ReadImage(str(path))
    info = describe(image, modality="CT", intensity_unit="HU")
    grid = lungs_on_grid(image, load_model("ct-lungs").segment(image, info, Progress()))
    assert grid is not None
    module = shipped_runner().module
    volume = torch.from_numpy(network_input(grid.hu))[None, None]
    began = time.perf_counter()
    with torch.inference_mode():
        sliding_window_inference(volume, (_WINDOW,) * 3, 1, module, _OVERLAP)
    return {"network_seconds": time.perf_counter() - began, "peak_gb": resident_peak_gb()}


class _TimedRunner:
    """The shipped runner, and how long it took."""

    def __init__(self) -> None:
        self._runner = shipped_runner()
        self.seconds = 0.0

    def outputs(self, hu: Any, progress: Progress) -> Any:
        began = time.perf_counter()
        given = self._runner.outputs(hu, progress)
        self.seconds += time.perf_counter() - began
        return given


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Benchmarks.detector_speed", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--child", nargs=2, metavar=("WHO", "IMAGE"), help="one run, for the benchmark itself")
    arguments = parser.parse_args()
    if arguments.child:
        who, path = arguments.child
        print(json.dumps((detect_once if who == OURS else monai_once)(Path(path))))
        return
    tell = (lambda line: None) if arguments.json else lambda line: print(line, flush=True)
    print(answer("detector_speed", *run(tell, arguments.turns)))


if __name__ == "__main__":
    main()
