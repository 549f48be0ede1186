"""One run of the inference benchmark in a process of its own: a CT becomes labels, by us or by MONAI's pipeline."""

from __future__ import annotations

import argparse
import json
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from Testing.Benchmarks.inference_network import HU, OVERLAP, SPACING_MM, WINDOW, cache_folder, load_network, recipe


def resident_peak_gb() -> float:
    """Return the largest resident memory of this process so far, GB; read from Linux's own count."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e9
    raise SystemExit("This system does not say how much memory a process used at most.")


def run_ours(path: Path, module: Any, content_hash: str, classes: int, backend: Any, keep: bool) -> dict[str, Any]:
    """Return seconds from file to labels and what the engine says of itself."""
    from AIImagingLogic.inference.engine import run_network
    from AIImagingLogic.inference.network import EngineSettings, Network
    from AIImagingLogic.records.progress import Progress

    settings = EngineSettings(backend=backend, device="cpu", cache_folder=cache_folder() if keep else None)
    began = time.perf_counter()
    image = sitk.ReadImage(str(path))
    read = time.perf_counter()
    output = run_network([image], [Network(module, content_hash)], recipe(classes), settings, Progress())
    ended = time.perf_counter()
    return {
        "seconds": ended - began,
        "engine_seconds": ended - read,
        "network_seconds": output.network_seconds,
        "windows": output.windows,
        "backend": output.backend,
        "notes": list(output.notes),
        "labels": sitk.GetArrayFromImage(output.labels),
    }


def network_alone_seconds(module: Any, content_hash: str, classes: int, windows: int) -> float:
    """Return how long the compiled network takes for so many windows while nothing else is done."""
    import torch

    from AIImagingLogic.inference.arrangement import Arrangement
    from AIImagingLogic.inference.engine import AT_ONCE
    from AIImagingLogic.inference.network import EngineSettings, Network
    from AIImagingLogic.inference.predictor import open_predictor

    settings = EngineSettings(backend="openvino", device="cpu", cache_folder=cache_folder())
    given = [torch.rand(1, recipe(classes).channels, *WINDOW) for _ in range(AT_ONCE + 1)]
    arrangement = Arrangement("cpu", at_once=AT_ONCE)
    predictor, _ = open_predictor(Network(module, content_hash), given[0], settings, arrangement)
    predictor(given[1])
    waiting: deque[Any] = deque()
    began = time.perf_counter()
    for number in range(windows):
        waiting.append(predictor.start(given[number % len(given)]))
        if len(waiting) > AT_ONCE:
            waiting.popleft()()
    while waiting:
        waiting.popleft()()
    return time.perf_counter() - began


def run_monai(path: Path, module: Any) -> dict[str, Any]:
    """Return seconds from file to labels by MONAI's transforms and inferer, chained as in the Model Zoo's bundles."""
    import torch
    from monai.inferers import SlidingWindowInferer
    from monai.transforms import (
        Activationsd,
        AsDiscreted,
        Compose,
        EnsureChannelFirstd,
        EnsureTyped,
        Invertd,
        LoadImaged,
        Orientationd,
        ScaleIntensityRanged,
        Spacingd,
    )

    network_seconds = 0.0

    def timed(window: Any) -> Any:
        nonlocal network_seconds
        began = time.perf_counter()
        values = module(window)
        network_seconds += time.perf_counter() - began
        return values

    letters = (("L", "R"), ("P", "A"), ("I", "S"))
    before = Compose(
        [
            LoadImaged("image"),
            EnsureChannelFirstd("image"),
            Orientationd("image", axcodes="RAS", labels=letters),
            Spacingd("image", pixdim=SPACING_MM, mode="bilinear"),
            ScaleIntensityRanged("image", HU[0], HU[1], 0.0, 1.0, clip=True),
            EnsureTyped("image"),
        ]
    )
    after = Compose(
        [
            Activationsd("pred", softmax=True),
            Invertd("pred", transform=before, orig_keys="image", nearest_interp=False, to_tensor=True),
            AsDiscreted("pred", argmax=True),
        ]
    )
    inferer = SlidingWindowInferer(WINDOW, sw_batch_size=1, overlap=OVERLAP, mode="gaussian")
    began = time.perf_counter()
    with torch.inference_mode():
        data = before({"image": str(path)})
        data["pred"] = inferer(data["image"][None], timed)[0]
        labels = after(data)["pred"][0].numpy().astype(np.uint8)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "network_seconds": network_seconds, "labels": labels.transpose(2, 1, 0)}


def main() -> None:
    """Run once and print one JSON line."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Benchmarks.inference_runner")
    parser.add_argument("who", choices=["torch", "openvino", "monai"])
    parser.add_argument("classes", type=int)
    parser.add_argument("image", type=Path)
    parser.add_argument("labels", type=Path, help="where the labels go, .npy, on the grid of the image")
    parser.add_argument("--first", action="store_true", help="with nothing compiled before")
    parser.add_argument("--alone", action="store_true", help="then time the network alone, on as many windows")
    options = parser.parse_args()
    module, content_hash = load_network(options.classes)
    if options.who == "monai":
        result = run_monai(options.image, module)
    else:
        result = run_ours(options.image, module, content_hash, options.classes, options.who, not options.first)
        if options.alone:
            result["alone_seconds"] = network_alone_seconds(module, content_hash, options.classes, result["windows"])
    result["peak_gb"] = resident_peak_gb()
    np.save(options.labels, result.pop("labels"))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
