"""Our engine beside nnU-Net's own predictor: the same model, image and overlap, without and with mirroring.

The model is trained with nnU-Net itself, in its own environment (``make peers``), on chest phantoms, once. Each run
is in a process of its own, turn by turn. nnU-Net predicts in one process, which is its way with least memory.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from Testing.Benchmarks.inference_network import SPACING_MM, cache_folder
from Testing.Benchmarks.inference_nnunet_peer import DATASET, FEATURES, PATCH, folders
from Testing.Benchmarks.inference_runner import resident_peak_gb
from Testing.Benchmarks.reporting import Figures

CLASSES = ("background", "lung", "tissue", "bone")
STEPS = 120
_CASES = 2
_BACKENDS = ("openvino", "torch")
_ROOT = Path(__file__).resolve().parents[2]
_PEER_PYTHON = _ROOT / ".venv-peers" / "bin" / "python"


def against_nnunet(
    tell: Callable[[str], None], size: Sequence[int], turns: int, mirroring: bool = True, steps: int = STEPS
) -> tuple[Figures, Mapping[str, Any]]:
    """Return ratios of time and memory, and the overlap of labels, the worse of without and with mirroring.

    The ratio of memory is the one of the whole image, where that was run.

    Parameters
    ----------
    tell : is told of every run
    size : voxels of the image
    turns : runs of each without mirroring; 0: only with it
    mirroring : whether to run with it too, each once, on the middle quarter of the slices
    steps : of the training
    """
    from Testing.Benchmarks.inference import resampled_ct

    model = trained_model(steps, tell)
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        image, quarter = Path(folder) / "ct.nii.gz", Path(folder) / "quarter.nii.gz"
        resampled_ct(size, image)
        _write_middle_quarter(image, quarter)
        first = _one_run("openvino", model, quarter, Path(folder) / "first.npy", False)
        tell(f"openvino, first run, a quarter: {first}")
        kinds = [kind for kind, asked in (("plain", turns), ("mirrored", mirroring)) if asked]
        for kind in kinds:
            mirrored = kind == "mirrored"
            runs: dict[str, list[dict[str, Any]]] = {who: [] for who in ("nnunet", *_BACKENDS)}
            # A mirrored run takes the network eight times a window: once, on a quarter, tells enough.
            for _ in range(1 if mirrored else turns):
                for who, found in runs.items():
                    given = quarter if mirrored else image
                    found.append(_one_run(who, model, given, Path(folder) / f"{who}.npy", mirrored))
                    tell(f"{kind}, {who}: {found[-1]}")
            figures.update(_compared(runs, Path(folder), kind))
    figures["time_ratio"] = max(figures[f"time_ratio_openvino_{kind}"] for kind in kinds)
    # On a quarter of the image what the libraries themselves take outweighs what a run takes.
    figures["peak_memory_ratio"] = figures[f"peak_memory_ratio_openvino_{kinds[0]}"]
    figures["worst_class_dice"] = min(figures[f"worst_class_dice_{kind}"] for kind in kinds)
    inputs = {
        "size": list(size),
        "turns": turns,
        "classes": list(CLASSES),
        "network": f"nnU-Net v2 PlainConvUNet {FEATURES}, patch {PATCH}, {steps} training steps",
        "nnunetv2": _peer_version(),
        **{name: metadata.version(name) for name in ("torch", "openvino")},
        "load_average": os.getloadavg()[0],
    }
    return figures, inputs


def trained_model(steps: int, tell: Callable[[str], None]) -> Path:
    """Return the folder of the trained model, trained first where there is none."""
    if not _PEER_PYTHON.is_file():
        raise SystemExit("nnU-Net is not installed: run 'make peers' first.")
    root = cache_folder() / f"nnunet-{steps}-steps"
    found = root / "model.json"
    if not found.is_file():
        shutil.rmtree(root, ignore_errors=True)
        tell(f"Training nnU-Net for {steps} steps")
        _write_cases(folders(root)["nnUNet_raw"] / DATASET)
        found.write_text(json.dumps(_peer("train", str(root), "--steps", str(steps))), encoding="utf-8")
    return Path(json.loads(found.read_text(encoding="utf-8"))["model"])


def run_ours(model: Path, path: Path, backend: Any, mirrored: bool) -> dict[str, Any]:
    """Return seconds from image file to labels and what the engine says of itself."""
    from AIImagingLogic.inference.engine import run_network
    from AIImagingLogic.inference.network import EngineSettings
    from AIImagingLogic.models.formats.open_package import open_package
    from AIImagingLogic.records.progress import Progress

    package = open_package(model)
    recipe = package.recipe if mirrored else dataclasses.replace(package.recipe, mirrored_axes=())
    settings = EngineSettings(backend=backend, device="cpu", cache_folder=cache_folder())
    began = time.perf_counter()
    output = run_network([sitk.ReadImage(str(path))], package.networks, recipe, settings, Progress())
    return {
        "seconds": time.perf_counter() - began,
        "network_seconds": output.network_seconds,
        "windows": output.windows,
        "backend": output.backend,
        "notes": list(output.notes),
        "labels": sitk.GetArrayFromImage(output.labels),
    }


def _compared(runs: Mapping[str, Sequence[Any]], folder: Path, kind: str) -> Figures:
    from Testing.Benchmarks.inference import class_dice

    peak = {who: statistics.median(run["peak_gb"] for run in found) for who, found in runs.items()}
    figures: Figures = {f"nnunet_s_{kind}": statistics.median(run["seconds"] for run in runs["nnunet"])}
    figures[f"nnunet_peak_gb_{kind}"] = peak["nnunet"]
    theirs = np.load(folder / "nnunet.npy")
    dice = []
    for backend in _BACKENDS:
        # Turn by turn: other work on the machine then weighs on both.
        pairs = zip(runs[backend], runs["nnunet"])
        figures[f"time_ratio_{backend}_{kind}"] = statistics.median(a["seconds"] / b["seconds"] for a, b in pairs)
        figures[f"peak_memory_ratio_{backend}_{kind}"] = peak[backend] / peak["nnunet"]
        dice += class_dice(np.load(folder / f"{backend}.npy"), theirs, len(CLASSES))
    figures[f"worst_class_dice_{kind}"] = min(dice)
    figures[f"classes_found_{kind}"] = len(np.unique(theirs))
    return figures


def _write_middle_quarter(image: Path, path: Path) -> None:
    whole = sitk.ReadImage(str(image))
    slices = whole.GetDepth()
    sitk.WriteImage(whole[:, :, slices * 3 // 8 : slices * 5 // 8], str(path))


def _one_run(who: str, model: Path, image: Path, labels: Path, mirrored: bool) -> dict[str, Any]:
    more = ["--mirrored"] if mirrored else []
    if who == "nnunet":
        return _peer("predict", str(model), str(image), str(labels), *more)
    command = [sys.executable, "-m", "Testing.Benchmarks.inference_nnunet", who, str(model), str(image), str(labels)]
    return _last_line(command + more)


def _peer(*arguments: str) -> dict[str, Any]:
    return _last_line([str(_PEER_PYTHON), "-m", "Testing.Benchmarks.inference_nnunet_peer", *arguments])


def _last_line(command: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=_ROOT)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command[2:5])}: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _peer_version() -> str:
    command = [str(_PEER_PYTHON), "-c", "from importlib.metadata import version; print(version('nnunetv2'))"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _write_cases(folder: Path) -> None:
    """Write chest phantoms as a data set of nnU-Net: the classes differ by density, so that few steps suffice."""
    from scipy import ndimage

    from AIImagingLogic.images.phantoms.chest_pair import make_chest_pair
    from AIImagingLogic.images.phantoms.exam import tuning_recipe
    from AIImagingLogic.images.resample import resample_like, resample_to_spacing

    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    for seed in range(_CASES):
        pair = make_chest_pair(tuning_recipe(seed))
        image = resample_to_spacing(sitk.Cast(pair.baseline, sitk.sitkFloat32), SPACING_MM)
        lungs = sitk.GetArrayFromImage(resample_like(pair.baseline_lungs, image, interpolation="nearest")) > 0
        smooth = ndimage.gaussian_filter(sitk.GetArrayFromImage(image), 1.0)
        truth = np.where(lungs, 1, np.digitize(smooth, [-500.0, 200.0]) + (smooth > -500)).astype(np.uint8)
        labels = sitk.GetImageFromArray(truth)
        labels.CopyInformation(image)
        sitk.WriteImage(image, str(folder / "imagesTr" / f"phantom_{seed:03}_0000.nii.gz"))
        sitk.WriteImage(labels, str(folder / "labelsTr" / f"phantom_{seed:03}.nii.gz"))
    description = {
        "channel_names": {"0": "CT"},
        "labels": {name: value for value, name in enumerate(CLASSES)},
        "numTraining": _CASES,
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")


def main() -> None:
    """Run our engine once and print one JSON line; the comparison is ``inference --peer nnunet``."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Benchmarks.inference_nnunet", description=__doc__)
    parser.add_argument("backend", choices=_BACKENDS)
    for name in ("model", "image", "labels"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--mirrored", action="store_true")
    options = parser.parse_args()
    result = run_ours(options.model, options.image, options.backend, options.mirrored)
    result["peak_gb"] = resident_peak_gb()
    np.save(options.labels, result.pop("labels"))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
